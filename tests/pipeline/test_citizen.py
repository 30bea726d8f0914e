"""A built module among other things of Python: processes, threads, interrupts, memory, and the tools that look at modules."""

from __future__ import annotations

import doctest
import functools
import inspect
import io
import os
import pickle
import subprocess
import sys
import textwrap
import threading
import traceback
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from built import Built, build, profile_of

SOURCE = '''
"""A module."""

import numpy as np


def smooth(a, b):
    """Neighbours.

    >>> a, b = np.arange(5.0), np.zeros(5)
    >>> float(smooth(a, b))
    6.0
    >>> b
    array([0., 1., 2., 3., 0.])
    """
    s = 0.0
    for i in range(1, len(a) - 1):
        b[i] = 0.5 * (a[i - 1] + a[i + 1])
        s += b[i]
    return s


def decay(a, steps):
    for t in range(steps):
        for i in range(1, len(a)):
            a[i] = 0.5 * (a[i] + a[i - 1]) + 1.0 / (1.0 + a[i] * a[i])
    return a


def inverse(a, b):
    for i in range(len(a)):
        b[i] = 1.0 / a[i]
    return b


def ratio(a, b):
    return a / b + 1.0


def table(a, n):
    t = np.empty((n, n))
    for i in range(n):
        for j in range(n):
            t[i, j] = a[i % 7] * 2.0 + a[j % 7]
    return t


def scaled(x: list[float]):
    t = 0.0
    for i in range(len(x)):
        x[i] = x[i] * 2.0
        t += x[i]
    return t


class Grid:
    def __init__(self, n):
        self.n = n
        self.data = np.arange(float(n))

    def total(self):
        s = 0.0
        for i in range(self.n):
            s += self.data[i] * 2.0
        return s
'''


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("citizen")


@pytest.fixture(scope="module")
def both(folder: Path) -> Built:
    a = np.arange(1.0, 9.0)
    calls = {"smooth": [[a, a.copy()]], "decay": [[a, 3]], "inverse": [[a, a.copy()]], "ratio": [[a, a]], "table": [[a, 9]]}
    return build(folder, "citizen", SOURCE, profile_of(SOURCE, "citizen.mod", calls))


def ran(both: Built, name: str) -> bool:
    """Whether the last call of a function's first region ran natively."""
    refusal = getattr(both.built._polyopt, f"{name}_0").__self__.refusal
    return refusal is None


Script = Callable[..., str]


@pytest.fixture
def script(both: Built, folder: Path, tmp_path: Path) -> Script:
    """Runs a program in a process of its own, where `m` is the built module; answers what it printed."""

    def run(text: str, *flags: str) -> str:
        file = tmp_path / "program.py"
        file.write_text(f"import numpy as np\nimport citizen.mod as m\n\n{textwrap.dedent(text)}", encoding="utf-8")
        environ = {**os.environ, "PYTHONPATH": str(folder), "POLYOPT_NUM_THREADS": "2"}
        done = subprocess.run([sys.executable, *flags, str(file)], env=environ, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_all_are_optimised(both: Built) -> None:
    regions = {region.function for module in both.compiled.report.modules for region in module.regions}
    assert regions >= {"smooth", "decay", "inverse", "table", "scaled"}


# processes and threads


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("before", [False, True])
def test_multiprocessing(script: Script, method: str, before: bool) -> None:
    """Workers started before or after the first kernel of the process, whose pool has threads by then."""
    text = f"""
        import multiprocessing
        import warnings

        def work(n):
            t = m.table(np.arange(1.0, 9.0), n)
            assert m._polyopt.table_0.__self__.refusal is None
            return float(t.sum())

        if __name__ == "__main__":
            warnings.simplefilter("error")
            if {before}:
                first = work(700)
            context = multiprocessing.get_context("{method}")
            with context.Pool(2) as pool:
                found = pool.map(work, [700, 20, 700])
            assert found[0] == found[2] == work(700)
            print("done")
    """
    assert script(text) == "done\n"


def test_threads_that_share_an_array(both: Built) -> None:
    """Each reads what all read, and writes to memory of its own; all of them at once."""
    a = np.random.default_rng(3).random(60_000)
    expected = np.zeros_like(a)
    total = both.plain.smooth(a[:2000], expected[:2000])
    found: list[tuple[float, bytes]] = []
    gate = threading.Barrier(8)

    def work() -> None:
        b = np.zeros_like(a)
        gate.wait()
        for _ in range(30):
            both.built.smooth(a, b)
            value = both.built.smooth(a[:2000], b[:2000])
        found.append((value, b[:1999].tobytes()))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert {value for value, _ in found} == {total}
    assert {content for _, content in found} == {expected[:1999].tobytes()}


def test_threads_that_write_one_array(both: Built) -> None:
    """They all write the same values."""
    a, b = np.arange(50_000.0), np.zeros(50_000)
    threads = [threading.Thread(target=both.built.smooth, args=(a, b)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (b[1:-1] == a[1:-1]).all()


def test_an_interrupt_is_answered_soon_and_leaves_the_array(script: Script) -> None:
    text = """
        import os, signal, threading, time
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background ignores it

        a = np.random.default_rng(0).random(200_000)
        kept = a.copy()
        m.decay(a[:100], 2)
        a[:] = kept
        sent = []

        def interrupt():
            sent.append(time.monotonic())
            os.kill(os.getpid(), signal.SIGINT)

        timer = threading.Timer(0.5, interrupt)
        timer.start()
        try:
            m.decay(a, 10**7)
        except KeyboardInterrupt:
            print(time.monotonic() - sent[0] < 1.0 or "late", (a == kept).all())
    """
    assert script(text) == "True True\n"


def test_import_and_calls_while_python_ends(script: Script, tmp_path: Path) -> None:
    text = """
        import atexit, sys, threading

        def last():
            import citizen.mod as again
            print(again.table(np.arange(8.0), 600).shape, flush=True)

        class Late:
            def __del__(self):
                print(self.module.smooth(np.arange(9.0), np.zeros(9)), flush=True)

        atexit.register(last)
        late = Late()
        late.module = m
        thread = threading.Thread(target=m.decay, args=(np.ones(1000), 200), daemon=True)
        thread.start()
        m.table(np.arange(8.0), 600)
    """
    lines = script(text).splitlines()
    assert lines[0] == "(600, 600)"
    assert lines[1:] in ([], ["28.0"])


def test_import_at_shutdown(script: Script) -> None:
    text = """
        import atexit, sys

        for name in [name for name in sys.modules if name.startswith("citizen")]:
            del sys.modules[name]
        del m

        def last():
            import citizen.mod as late
            print(late.smooth(np.arange(9.0), np.zeros(9)), flush=True)

        atexit.register(last)
    """
    assert script(text) == "28.0\n"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="RLIMIT_AS binds on Linux")
def test_memory_that_cannot_be_had_is_a_memory_error(script: Script) -> None:
    text = """
        import resource

        a = np.arange(8.0)
        m.table(a, 600)
        with open("/proc/self/statm") as file:
            used = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + 2**26, used + 2**26))
        try:
            m.table(a, 20_000)
        except MemoryError as error:
            print(type(error).__name__)
        print(m.table(a, 300).shape)
    """
    lines = script(text).splitlines()
    assert "MemoryError" in lines[0]
    assert lines[1] == "(300, 300)"


# floating-point errors


def observed(function: Any, mode: str, *arguments: Any) -> tuple[Any, ...]:
    """What a call answers, raises, warns of and tells NumPy's handler."""
    told: list[Any] = []

    class Log:
        def write(self, text: str) -> None:
            told.append(text)

    def call(kind: str, flags: int) -> None:
        told.append((kind, flags))

    handler: Any = Log() if mode == "log" else call
    stream, out = sys.stdout, io.StringIO()
    sys.stdout = out
    try:
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            with np.errstate(all=mode, call=handler):  # type: ignore[call-overload]
                try:
                    result = function(*arguments).tobytes()
                except FloatingPointError as error:
                    result = str(error)
    finally:
        sys.stdout = stream
    return result, told, out.getvalue(), [(item.category, str(item.message)) for item in seen]


@pytest.mark.parametrize("mode", ["ignore", "warn", "raise", "call", "print", "log"])
@pytest.mark.parametrize("values", [(1.0, 0.0), (0.0, 0.0), (1e308, 1e-10), (1e-308, 1e10), (1.0, 2.0)])
@pytest.mark.parametrize("name", ["ratio", "inverse"])
def test_every_way_to_treat_floating_point_errors(both: Built, mode: str, values: tuple[float, float], name: str) -> None:
    results = []
    for module in (both.plain, both.built):
        a, b = np.full(40, 2.0), np.full(40, 3.0)
        a[-1], b[-1] = values
        if name == "inverse":
            a[-1] = values[1]
        results.append((*observed(getattr(module, name), mode, a, b), a.tobytes(), b.tobytes()))
    assert results[0] == results[1]


@pytest.mark.parametrize("place", [0, 38])
def test_warnings_that_are_errors(both: Built, place: int) -> None:
    results = []
    for module in (both.plain, both.built):
        a, b = np.full(40, 2.0), np.zeros(40)
        a[place] = 0.0
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(RuntimeWarning) as caught:
                module.inverse(a, b)
        results.append((str(caught.value), b.tobytes()))
    assert results[0] == results[1]


@pytest.mark.parametrize("last", ["text", None, 10**400, 1 + 2j, [1.0], True, 3])
def test_the_last_element_of_a_list_is_no_float(both: Built, last: Any) -> None:
    results = []
    for module in (both.plain, both.built):
        x = [*map(float, range(300)), last]
        try:
            result: Any = module.scaled(x)
        except Exception as error:  # noqa: BLE001 - the exception is what is compared
            result = type(error), str(error)
        results.append((result, x))
    assert results[0] == results[1]


# tools


def test_pickle_and_copies_of_what_a_module_defines(both: Built) -> None:
    module = both.built
    for function in (module.smooth, module.Grid, module.Grid.total):
        assert pickle.loads(pickle.dumps(function)) is function
    grid = pickle.loads(pickle.dumps(module.Grid(12)))
    assert grid.total() == both.plain.Grid(12).total()


def test_inspection(both: Built) -> None:
    for name in ("smooth", "table"):
        ours, theirs = getattr(both.built, name), getattr(both.plain, name)
        assert inspect.signature(ours) == inspect.signature(theirs)
        assert inspect.getdoc(ours) == inspect.getdoc(theirs)
        assert inspect.getsource(ours).splitlines()[0] == inspect.getsource(theirs).splitlines()[0]
        assert ours.__code__.co_varnames[: ours.__code__.co_argcount] == theirs.__code__.co_varnames[: theirs.__code__.co_argcount]
    assert both.built.__doc__ == both.plain.__doc__
    wrapped = functools.wraps(both.built.smooth)(lambda *arguments: both.built.smooth(*arguments))
    assert wrapped(np.arange(5.0), np.zeros(5)) == 6.0
    assert wrapped.__name__ == "smooth"
    assert inspect.signature(functools.partial(both.built.smooth, np.arange(3.0))).parameters.keys() == {"b"}


def test_doctests(both: Built) -> None:
    assert doctest.testmod(both.built) == doctest.testmod(both.plain) == (0, 3)


def test_tracebacks_name_the_statement(both: Built) -> None:
    rows = []
    for module in (both.plain, both.built):
        try:
            module.smooth(np.arange(9.0), np.zeros(4))
        except IndexError as error:
            frames = traceback.extract_tb(error.__traceback__)
            rows.append((str(error), [(frame.name, frame.line) for frame in frames[1:]]))
    assert rows[0] == rows[1]


def test_tracing(both: Built) -> None:
    """What coverage and pdb are built on."""
    lines: set[int] = set()
    b = np.zeros(9)

    def trace(frame: Any, event: str, _: Any) -> Any:
        if frame.f_code.co_filename == both.built.__file__ and event == "line":
            lines.add(frame.f_lineno)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        assert both.built.smooth(np.arange(9.0), b) == 28.0
    finally:
        sys.settrace(before)
    code = both.built.smooth.__code__
    assert lines <= {line for _, _, line in code.co_lines() if line is not None}
    assert len(lines) >= 2


def test_pdb(script: Script) -> None:
    text = """
        import io, pdb

        out = io.StringIO()
        debugger = pdb.Pdb(stdin=io.StringIO("step\\nstep\\nargs\\nreturn\\ncontinue\\n"), stdout=out, nosigint=True, readrc=False)
        debugger.use_rawinput = False
        print(debugger.runcall(m.smooth, np.arange(5.0), np.zeros(5)))
        assert "smooth" in out.getvalue()
    """
    assert script(text) == "6.0\n"


def test_a_patched_function_is_what_runs(both: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(both.built, "smooth", lambda a, b: "patched")
    assert both.built.smooth(1, 2) == "patched"
    monkeypatch.undo()
    assert both.built.smooth(np.arange(5.0), np.zeros(5)) == 6.0
    assert ran(both, "smooth")
    monkeypatch.setattr(both.built, "np", None)
    a = np.arange(5.0)
    assert both.built.smooth(a, np.zeros(5)) == 6.0
    with pytest.raises(AttributeError):
        both.built.table(a, 8)


def test_a_module_that_is_loaded_again(script: Script) -> None:
    text = """
        import gc, importlib, sys

        a = np.arange(9.0)
        old = m.smooth
        for _ in range(3):
            m = importlib.reload(m)
            assert m.smooth(a, np.zeros(9)) == 28.0
            assert m._polyopt.smooth_0.__self__.refusal is None
        assert old(a, np.zeros(9)) == 28.0
        del sys.modules["citizen.mod"]
        again = importlib.import_module("citizen.mod")
        assert again is not m and again.smooth(a, np.zeros(9)) == m.smooth(a, np.zeros(9)) == 28.0
        assert again._polyopt.smooth_0.__self__.refusal is None
        del again, m, old
        gc.collect()
        print("done")
    """
    assert script(text) == "done\n"


def test_out_of_an_archive_the_source_runs(both: Built, folder: Path, tmp_path: Path) -> None:
    """An extension cannot be loaded from an archive: the original statements run, and POLYOPT_TRACE says why."""
    archive = tmp_path / "citizen.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted((folder / "citizen").rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                file.write(path, path.relative_to(folder))
    text = "import numpy as np, citizen.mod as m; print(m.smooth(np.arange(9.0), np.zeros(9)), m.__file__)"
    environ = {**os.environ, "PYTHONPATH": str(archive), "POLYOPT_TRACE": "1"}
    done = subprocess.run([sys.executable, "-c", text], env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("28.0 ")
    assert "citizen.zip" in done.stdout
    assert "the native extension cannot be loaded" in done.stderr
