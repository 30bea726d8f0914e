"""The runtime's switches: POLYOPT_DISABLE, POLYOPT_TRACE, POLYOPT_REQUIRE, and a wheel without its native extension."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from setuptools_polyopt.runtime.environment import Switches, read

Script = Callable[..., Any]
GOOD = "import numpy as np\nfrom example import user\ny = np.ones(3)\nuser.axpy(2.0, np.ones(3), y)\nprint(y)\n"
BAD = GOOD.replace("np.ones(3), y)", "[1.0, 1.0, 1.0], y)")


def test_switches_are_read_from_the_environment() -> None:
    assert read({}) == Switches(False, False, False)
    assert read({"POLYOPT_DISABLE": "1", "POLYOPT_TRACE": "0", "POLYOPT_REQUIRE": "yes"}) == Switches(True, False, True)
    assert read({"POLYOPT_DISABLE": "", "POLYOPT_TRACE": "off", "POLYOPT_REQUIRE": "No"}) == Switches(
        False, False, False
    )


@pytest.mark.parametrize("text", [GOOD, BAD])
def test_all_ways_give_the_same(script: Script, text: str) -> None:
    for environment in [
        {},
        {"POLYOPT_DISABLE": "1"},
        {"POLYOPT_TRACE": "1"},
        {"POLYOPT_DISABLE": "1", "POLYOPT_REQUIRE": "1"},
    ]:
        done = script(text, **environment)
        assert done.stdout == "[3. 3. 3.]\n"
        assert bool(done.stderr) == ("POLYOPT_TRACE" in environment)


def test_disabled_loads_no_extension(script: Script) -> None:
    script(GOOD + "import sys\nassert 'example._polyopt._native' not in sys.modules\n", POLYOPT_DISABLE="1")


def test_trace_says_what_ran(script: Script) -> None:
    line = script(GOOD, POLYOPT_TRACE="1").stderr
    assert re.fullmatch(r"polyopt: example\.user:axpy: cpu \w+, 1 thread, \d+\.\d us, \d+\.\d us of it in the kernel\n", line), line


def test_the_time_in_kernels_is_added_up_while_it_is_asked_for(script: Script) -> None:
    script(
        "import numpy as np\nfrom example import user\nfrom example._polyopt import _native\n"
        "state = user._polyopt.axpy.__self__\nspent = [state.nanoseconds]\n"
        "for on in (False, True, True, False):\n    _native.time(on)\n    user.axpy(2.0, np.ones(3), np.ones(3))\n"
        "    spent.append(state.nanoseconds)\n"
        "assert spent[0] == spent[1] == 0 < spent[2] < spent[3] == spent[4], spent\n"
        "_native.time(True)\nuser.axpy(2.0, np.ones(3), [1.0, 1.0, 1.0])\nassert state.nanoseconds == spent[4]\n"
    )


def test_trace_says_which_guard_failed(script: Script) -> None:
    line = script(BAD, POLYOPT_TRACE="1").stderr
    assert re.fullmatch(r"polyopt: example\.user:axpy: original \(second argument: type\), \d+\.\d us\n", line), line


def test_require_raises(script: Script) -> None:
    assert script(GOOD, POLYOPT_REQUIRE="1").stdout == "[3. 3. 3.]\n"
    done = script(BAD, check=False, POLYOPT_REQUIRE="1")
    assert "RuntimeError: POLYOPT_REQUIRE: example.user:axpy: second argument: type" in done.stderr


def test_without_its_extension_the_wheel_runs_the_source(script: Script, built: Path, tmp_path: Path) -> None:
    shutil.copytree(built / "example", tmp_path / "example", ignore=shutil.ignore_patterns("_native*", "__pycache__"))
    done = script(GOOD, PYTHONPATH=str(tmp_path))
    assert (done.stdout, done.stderr) == ("[3. 3. 3.]\n", "")
    traced = script(GOOD, PYTHONPATH=str(tmp_path), POLYOPT_TRACE="1").stderr
    assert traced.startswith("polyopt: example.user: original code only: the native extension cannot be loaded: ")
    assert traced.count("\n") == 1
    required = script(GOOD, check=False, PYTHONPATH=str(tmp_path), POLYOPT_REQUIRE="1")
    assert "RuntimeError: POLYOPT_REQUIRE: example.user: the native extension cannot be loaded" in required.stderr
    (tmp_path / "example" / "_polyopt" / "_native.so").write_bytes(b"not an extension")
    assert script(GOOD, PYTHONPATH=str(tmp_path)).stdout == "[3. 3. 3.]\n"


def test_a_module_without_regions(script: Script) -> None:
    text = "from example._polyopt import bind\nassert bind('example.other', globals()).anything(1, 2, 3) is None\n"
    script(text)


def test_binding_is_cheap_and_imports_no_numpy(script: Script) -> None:
    text = """
    import sys, time
    sys.modules["numpy"] = None  # an import of NumPy would fail
    from example import _polyopt
    _polyopt.bind("example.user", globals())
    times = []
    for _ in range(20):
        start = time.perf_counter()
        _polyopt.bind("example.user", {})
        times.append(time.perf_counter() - start)
    assert min(times) < 1e-3, times
    """
    script(text)


def test_subinterpreters_are_refused(script: Script) -> None:
    text = """
    try:
        import _xxsubinterpreters as interpreters
    except ImportError:
        import _interpreters as interpreters
    import example._polyopt._native
    other = interpreters.create()
    code = "try:\\n    import example._polyopt._native\\nexcept ImportError as error:\\n    pass\\nelse:\\n    raise SystemError('loaded')"
    failed = interpreters.run_string(other, code)
    assert failed is None, failed
    interpreters.destroy(other)
    """
    script(text)
