"""`merge`, `show` and `annotate`, and the smaller parts behind them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from polyopt_profiler.hints import hint
from polyopt_profiler.observe import MISSING, attribute, observe, samples
from polyopt_profiler.records import Spent, settle
from polyopt_profiler.relations import sharing
from profiled import Sandbox

from setuptools_polyopt.profile.reading import read_profile
from setuptools_polyopt.profile.schema import (
    ArrayProfile,
    ListProfile,
    NoneProfile,
    OtherProfile,
    Range,
    ScalarProfile,
    StrProfile,
    TupleProfile,
    ValueProfile,
)

SOURCE = '''\
"""Kernels."""
import math  # kept


def power(x, n=2, *, scale=None):
    """Doc."""
    return x**n if scale is None else scale * x**n  # result


def first(a, /, b):
    return a


class Holder:
    def __init__(self, size):
        self.size = size

    @property
    def double(self):
        return 2 * self.size

    def walk(self, rows: "list[list[float]]", kind):
        yield from rows


def outer(n):
    def inner(k):
        return k

    return inner(n)
'''
USE = """
import numpy as np
from small import Holder, first, outer, power

power(np.ones(3, "float32"), scale=2.0)
power(2.0)
first(1, None)
list(Holder(Holder(3).double).walk([[1.0]], object()))
outer(True)
"""


@pytest.fixture
def used(sandbox: Sandbox) -> Sandbox:
    sandbox.write(src__small=SOURCE, tests__use=USE)
    done = sandbox.run("tests/use.py", PYTHONPATH=_with_source(sandbox))
    assert done.status == 0, done.err
    return sandbox


def _with_source(sandbox: Sandbox) -> str:
    root = Path(__file__).parents[2]
    return os.pathsep.join(map(str, [sandbox.root / "src", root, root / "profiler"]))


def test_annotate_writes_into_the_source(used: Sandbox) -> None:
    path = used.root / "src/small.py"
    done = used.command("annotate", "--write")
    assert (done.status, done.out, done.err) == (0, "", "")
    text = path.read_text("utf-8")
    for line in [
        "import math  # kept",
        "import numpy as np",
        "from numpy.typing import NDArray",
        "def power(x: NDArray[np.float32] | float, n: int=2, *, scale: float | None=None) -> NDArray[np.float32] | float:",
        "    return x**n if scale is None else scale * x**n  # result",
        "def first(a: int, /, b: None) -> int:",
        "    def __init__(self, size: int) -> None:",
        "    def double(self) -> int:",
        '    def walk(self, rows: "list[list[float]]", kind):',
        "def outer(n: bool) -> bool:",
        "    def inner(k):",
    ]:
        assert f"{line}\n" in text
    assert used.run("tests/use.py", PYTHONPATH=_with_source(used)).status == 0
    assert "stale" not in used.command("show").out
    used.command("annotate", "--write")
    assert path.read_text("utf-8") == text


def test_annotate_leaves_other_sources_alone(used: Sandbox) -> None:
    path = used.root / "src/small.py"
    changed = SOURCE.replace("x**n", "x * n").replace("return a", "return b").replace("2 * self", "3 * self")
    changed = (
        changed.replace("self.size = size", "self.size = 1").replace("inner(n)", "n").replace("yield from", "return")
    )
    path.write_text(changed, "utf-8")
    assert used.command("annotate", "--write").status == 0
    assert path.read_text("utf-8") == changed


def test_annotate_prints_and_writes_stubs(used: Sandbox) -> None:
    done = used.command("annotate")
    assert done.status == 0
    assert done.out.startswith("# small\nimport math\nimport numpy as np\nfrom numpy.typing import NDArray\n")
    assert "def first(a: int, /, b: None) -> int:" in done.out
    assert used.command("annotate", "--stubs", "typings").status == 0
    stub = (used.root / "typings/small.pyi").read_text("utf-8")
    assert stub in done.out
    compile(stub, "small.pyi", "exec")
    assert (used.root / "src/small.py").read_text("utf-8") == SOURCE


def test_show_is_for_people(used: Sandbox) -> None:
    text = used.command("show").out
    assert "small:power  2 calls, " in text
    assert "    x: float32 array 3 (C)\n" in text
    assert "    -> float32 array 3 (C)\n    equal: result.0 = x.0\n" in text
    (used.root / "src/small.py").write_text(SOURCE.replace("def first", "def second").replace("2 * self", "3 * self"))
    text = used.command("show").out
    assert "stale: small:first (the module no longer has it)\n" in text
    assert "stale: small:Holder.double (the function has changed since)\n" in text


def test_merge_joins_runs_and_drops_stale_entries(used: Sandbox) -> None:
    first = used.root / "first.json"
    used.profile_path.rename(first)
    changed = SOURCE.replace("2 * self", "3 * self")
    used.write(src__small=changed, tests__use="import small\n\nsmall.power(4)\nsmall.Holder(5).double\n")
    assert used.run("tests/use.py", PYTHONPATH=_with_source(used)).status == 0
    done = used.command("merge", "all.json", "first.json", "polyopt-profile.json")
    assert done.status == 0
    assert done.err == "polyopt-profile: first.json: small:Holder.double is left out: the function has changed since\n"
    functions = read_profile(used.root / "all.json").functions
    assert functions["small:power"].calls == 3
    assert len(functions["small:power"].variants) == 3
    assert functions["small:Holder.double"] == used.functions()["small:Holder.double"]
    again = used.command("merge", "again.json", "polyopt-profile.json", "first.json")
    assert again.status == 0
    assert (used.root / "again.json").read_bytes() == (used.root / "all.json").read_bytes()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([ArrayProfile("float64", (Range(1, 2),))], "NDArray[np.float64]"),
        ([ArrayProfile("bool", ())], "NDArray[np.bool_]"),
        ([ArrayProfile(">f8", ())], None),
        ([ScalarProfile("numpy.int64", Range(1, 1)), NoneProfile()], "np.int64 | None"),
        ([ListProfile(Range(1, 1), ListProfile(Range(1, 1), ScalarProfile("float")))], "list[list[float]]"),
        ([ListProfile(Range(0, 0))], "list"),
        ([TupleProfile((ScalarProfile("int"), StrProfile(None)))], "tuple[int, str]"),
        ([OtherProfile("radar.Filter")], None),
        ([OtherProfile("dict")], "dict"),
        ([ScalarProfile("int"), OtherProfile("radar.Filter")], None),
        ([ScalarProfile("int"), None], None),
        ([ScalarProfile("int"), ScalarProfile("float"), StrProfile(None), NoneProfile()], None),
        ([], None),
    ],
)
def test_hints(values: list[ValueProfile | None], expected: str | None) -> None:
    assert hint(values) == expected


def test_interleaved_views_do_not_overlap() -> None:
    a = np.zeros(10)
    pairs = ["again even", "again head", "again odd", "even head", "even same", "head odd", "head same", "odd same"]
    found = sharing([("odd", a[1::2]), ("even", a[::2]), ("head", a[:3]), ("same", a), ("again", a)])
    assert found == (
        tuple((first, second) for first, _, second in (pair.partition(" ") for pair in pairs)),
        (("again", "same"),),
    )


def test_samples_are_spread_and_steady() -> None:
    assert samples([], 4) == []
    assert samples([1, 2, 3], 4) == [1, 2, 3]
    assert samples(range(100), 4) == [0, 33, 66, 99]
    assert samples(range(100), 1) == [0]


class Slotted:
    __slots__ = ("set_", "unset")
    kind = "s"

    def __init__(self) -> None:
        self.set_ = 3


def test_attributes_are_found_without_running_code() -> None:
    class Plain:
        shared = 1

        def __init__(self) -> None:
            self.own = 2
            self.call = len

        def method(self) -> None:
            raise AssertionError

        @property
        def computed(self) -> int:
            raise AssertionError

        def __getattr__(self, name: str) -> int:
            raise AssertionError

    plain = Plain()
    assert (attribute(plain, "own"), attribute(plain, "shared")) == (2, 1)
    assert attribute(plain, "call") is len
    assert attribute(Plain, "shared") == 1
    for name in ("method", "computed", "absent"):
        assert attribute(plain, name) is MISSING
        assert attribute(Plain, name) is MISSING
    assert attribute(Slotted(), "set_") == 3
    assert attribute(Slotted(), "unset") is MISSING
    assert attribute(Slotted(), "kind") == "s"


def test_exact_types_only() -> None:
    class Mine(int):
        pass

    assert observe(Mine(3)) == OtherProfile(f"{__name__}.test_exact_types_only.<locals>.Mine")
    assert observe(True) == ScalarProfile("bool")
    assert observe("/tmp/file-123") == StrProfile(None)
    assert observe([1, 2.0]) != observe([1, 2])
    assert observe(np.ones((2, 3), order="F")) == ArrayProfile("float64", (Range(2, 2), Range(3, 3)), ("F",))


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        ([5.0], 5.0),
        ([5.0, 1.0, 2.0], 5.0),  # the first has loaded something
        ([1.0, 5.0], 6.0),
        ([1.0] * 4 + [5.0] + [1.0] * 4, 9.0),  # one of many was interrupted
        ([9.0] + [1.0] * 7 + [5.0], 9.0),
    ],
)
def test_times_that_say_nothing_are_cut(calls: list[float], expected: float) -> None:
    spent = Spent()
    for seconds in calls:
        spent.add(seconds)
    assert spent.seconds == expected


@pytest.mark.parametrize(
    ("share", "before", "expected"),
    [
        (0.2, None, 0.1),
        (0.05, None, 0.01),
        (0.05, 0.1, 0.1),
        (0.02, 0.1, 0.01),
        (0.2, 0.01, 0.01),
        (0.4, 0.01, 0.1),
        (0.02, 0.0, 0.0),
        (0.04, 0.0, 0.01),
        (0.2, 0.7, 0.1),
        (1.0, 0.1, 0.1),
    ],
)
def test_shares_are_steady(share: float, before: float | None, expected: float) -> None:
    assert settle(share, before) == expected
