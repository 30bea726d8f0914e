"""End to end: a package whose tests run under polyopt-profile, and what the profile then says."""

from __future__ import annotations

import ast
import json

import pytest
from profiled import Sandbox

from setuptools_polyopt.profile.canonical import function_hash, functions
from setuptools_polyopt.profile.schema import (
    ArrayProfile,
    ListProfile,
    MixedProfile,
    NoneProfile,
    OtherProfile,
    Range,
    ScalarProfile,
    StrProfile,
    TupleProfile,
)

KERNELS = '''
"""Kernels."""
import functools

import numpy as np


def scale(a, factor):
    for i in range(a.shape[0]):
        a[i] *= factor


def pair(a, b, n, mode="same"):
    return a[:n] + b[:n], n


def rows(table, empty, name=None):
    table.append([1.0, 2.0])
    return len(table)


def fails(a):
    if a is None:
        raise ValueError("none")
    return a


def plain(f):
    return lambda *args: f(*args)


@plain
def hidden(x):
    return x + 1


@functools.lru_cache
def cached(x):
    return x + 1


def total(*values, **options):
    return sum(values)


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def chunks(a):
    for x in a:
        yield x


async def later(a):
    return a


def outer(n):
    def inner(k):
        return k * n

    return inner(3) + (lambda z: z)(1) + sum([inner(4) for _ in range(2)])


class Grid:
    """A grid."""

    kind = "cell"

    def __init__(self, n, names=()):
        self.n = n
        self.cells = np.zeros((n, n))
        self.names = names
        self._slow = 0

    @property
    def size(self):
        return self.n * self.n

    @property
    def trap(self):
        raise AssertionError("properties are not to be run")

    def __getattr__(self, name):
        raise AssertionError("attributes are not to be made up")

    def step(self, other):
        self.cells[0, 0] += other.n + len(self.kind) + self.size
        if other.n > 100:
            return self.trap + self.nothing
        return self.n

    @classmethod
    def make(cls, n):
        return cls(n, names=["a"] if cls.kind else [])
'''
TESTS = """
import asyncio
from unittest.mock import MagicMock

import numpy as np
import pytest
from small import kernels
from small.kernels import Grid


def test_scale():
    a = np.ones((6, 4), np.float32)
    kernels.scale(a, 2.0)
    kernels.scale(a[::2], 2.0)


def test_pair():
    a = np.arange(10.0)
    b = np.asfortranarray(np.ones((8, 2)))
    b.setflags(write=False)
    kernels.pair(a[:8], a[2:], 8)
    kernels.pair(a[:6], a[2:8], 6, mode="valid")


def test_other_things():
    kernels.rows([[1.0, 2.0], [3.0, 4.0]], [])
    with pytest.raises(ValueError):
        kernels.fails(None)
    kernels.fails(MagicMock())
    kernels.fails(3)
    assert kernels.hidden(1) == 2
    assert kernels.cached(1) == 2
    kernels.total(1, 2.0, key=3)
    assert kernels.fib(5) == 5
    assert list(kernels.chunks(np.ones(3))) == [1, 1, 1]
    asyncio.run(kernels.later(1j))
    assert kernels.outer(2) == 6 + 1 + 16


def test_grid():
    g = Grid.make(3)
    g.step(Grid(4))
"""


@pytest.fixture
def profiled(sandbox: Sandbox) -> Sandbox:
    sandbox.write(src__small__init="", src__small__kernels=KERNELS, tests__test_kernels=TESTS)
    done = sandbox.run("-m", "pytest", "-q", "-W", "error", "tests", "-p", "no:cacheprovider")
    assert done.status == 0, done.out + done.err
    assert "4 passed" in done.out
    assert done.err.count("\n") == 1
    assert "functions written to" in done.err
    return sandbox


def test_whole_story(profiled: Sandbox) -> None:
    """One run, many facts: starting pytest takes longer than looking at them."""
    found = profiled.functions()
    arrays(profiled)
    relations(profiled)
    containers(profiled)
    wrapped_and_raising(profiled)
    generators(profiled)
    attributes(profiled)
    names = {key.partition(":")[2] for key in found}
    assert {key.partition(":")[0] for key in found} == {"small.kernels"}
    assert "outer.<locals>.inner" in names
    assert not [name for name in names if "lambda" in name or "listcomp" in name]
    assert found["small.kernels:outer.<locals>.inner"].calls == 3
    assert found["small.kernels:fib"].calls == 15
    hashes_and_times(profiled)


def arrays(profiled: Sandbox) -> None:
    variant = profiled.variant("small.kernels:scale")
    assert variant.calls == 2
    assert variant.arguments["a"] == ArrayProfile("float32", (Range(3, 6), Range(4, 4)), ("C", "strided"))
    assert variant.arguments["factor"] == ScalarProfile("float")
    assert variant.result == NoneProfile()


def relations(profiled: Sandbox) -> None:
    variant = profiled.variant("small.kernels:pair")
    assert variant.arguments["n"] == ScalarProfile("int", Range(6, 8))
    assert variant.arguments["mode"] == StrProfile(("same", "valid"))
    assert variant.equal == (("a.0", "b.0", "n", "result[0].0", "result[1]"),)
    assert variant.overlap == (("a", "b"),)
    assert variant.identical == ()
    assert isinstance(variant.result, TupleProfile)


def containers(profiled: Sandbox) -> None:
    variant = profiled.variant("small.kernels:rows")
    inner = ListProfile(Range(2, 2), ScalarProfile("float"))
    assert variant.arguments["table"] == ListProfile(Range(2, 2), inner)  # as it was when the call began
    assert variant.result == ScalarProfile("int", Range(3, 3))
    assert variant.arguments["empty"] == ListProfile(Range(0, 0))
    assert variant.arguments["name"] == NoneProfile()
    variant = profiled.variant("small.kernels:total")
    assert variant.arguments["values"] == TupleProfile((ScalarProfile("int", Range(1, 1)), ScalarProfile("float")))
    assert variant.arguments["options"] == OtherProfile("dict")


def wrapped_and_raising(profiled: Sandbox) -> None:
    entry = profiled.functions()["small.kernels:fails"]
    assert entry.calls == 3
    (variant,) = entry.variants  # neither the call that raised nor the one with a mock
    assert variant.arguments["a"] == ScalarProfile("int", Range(3, 3))
    assert profiled.variant("small.kernels:hidden").result == ScalarProfile("int", Range(2, 2))
    assert profiled.variant("small.kernels:cached").calls == 1


def generators(profiled: Sandbox) -> None:
    entry = profiled.functions()["small.kernels:chunks"]
    assert entry.calls == 1
    assert entry.variants[0].arguments["a"] == ArrayProfile("float64", (Range(3, 3),))
    assert entry.variants[0].result is None
    assert profiled.variant("small.kernels:later").arguments["a"] == ScalarProfile("complex")


def attributes(profiled: Sandbox) -> None:
    variant = profiled.variant("small.kernels:Grid.step")
    grid = OtherProfile("small.kernels.Grid")
    assert variant.arguments == {"self": grid, "other": grid}
    assert variant.attributes == {
        "other.n": ScalarProfile("int", Range(4, 4)),
        "self.cells": ArrayProfile("float64", (Range(3, 3), Range(3, 3))),
        "self.kind": StrProfile(("cell",)),
        "self.n": ScalarProfile("int", Range(3, 3)),
    }
    assert variant.equal == (("result", "self.cells.0", "self.cells.1", "self.n"),)
    made = profiled.variant("small.kernels:Grid.make")
    assert made.attributes == {"cls.kind": StrProfile(("cell",))}
    constructed = profiled.variants("small.kernels:Grid.__init__")
    assert len(constructed) == 2
    assert all(not variant.attributes for variant in constructed)


def hashes_and_times(profiled: Sandbox) -> None:
    nodes = functions(ast.parse((profiled.root / "src/small/kernels.py").read_text("utf-8")))
    for key, entry in profiled.functions().items():
        if not key.endswith(":Grid.size"):
            assert entry.hash == function_hash(nodes[key.partition(":")[2]])
    times = json.loads((profiled.root / ".polyopt-profile-times.json").read_text("utf-8"))
    assert times.keys() == profiled.functions().keys()
    assert all(found["seconds"] >= 0 for found in times.values())
    assert "seconds" not in profiled.profile_path.read_text("utf-8")


def test_same_observations_same_bytes(sandbox: Sandbox) -> None:
    sandbox.write(
        work="""
        import random, tempfile
        import numpy as np


        def hot(a, n, where):
            for _ in range(n):
                a = a * 1.5
            return a


        def cold(a, b):
            return a @ b


        for n in range(40):
            with tempfile.NamedTemporaryFile() as file:
                hot(np.ones((n % 7 + 1, 5)), 5000, file.name)
            if n < 10:
                cold(np.ones(n + 1), np.ones(n + 1))
        """
    )
    assert sandbox.run("work.py").status == 0
    first = sandbox.profile_path.read_bytes()
    for _ in range(2):
        assert sandbox.run("work.py").status == 0
        assert sandbox.profile_path.read_bytes() == first
    assert {key: entry.share for key, entry in sandbox.functions().items()} == {"work:hot": 0.1, "work:cold": 0.0}


def test_at_most_four_variants_by_time(sandbox: Sandbox) -> None:
    sandbox.write(
        work="""
        import numpy as np


        def f(a):
            if a.dtype == np.int16:
                total = 0
                for i in range(200000):
                    total += i
            return None


        for dtype in ["int8", "int32", "int64", "float32", "float64", "complex64", "complex128", "int16"] * 2:
            f(np.ones(3, dtype))
        """
    )
    assert sandbox.run("work.py").status == 0
    entry = sandbox.functions()["work:f"]
    assert entry.calls == 16
    assert len(entry.variants) == 4
    hottest = entry.variants[0].arguments["a"]
    assert isinstance(hottest, ArrayProfile)
    assert hottest.dtype == "int16"
    assert [variant.share for variant in entry.variants] == [0.1, 0.0, 0.0, 0.0]


def test_hot_tiny_functions_are_sampled_but_all_counted(sandbox: Sandbox) -> None:
    sandbox.write(
        work="""
        def tiny(x, n):
            return x


        for i in range(30000):
            tiny(2.0, i)
        tiny([1], 5)
        """
    )
    assert sandbox.run("work.py").status == 0
    entry = sandbox.functions()["work:tiny"]
    assert entry.calls == 30001
    seen = sum(variant.calls for variant in entry.variants)
    assert 256 < seen < 3000
    (variant,) = entry.variants
    assert variant.arguments["n"] == ScalarProfile("int", Range(0, 29970)) or seen > 256


def test_a_new_type_is_seen_among_many_calls(sandbox: Sandbox) -> None:
    sandbox.write(
        work="""
        def f(x):
            return x


        for i in range(3000):
            f(2.0 if i != 2500 else 3)
        """
    )
    assert sandbox.run("work.py").status == 0
    found = {str(variant.arguments["x"]) for variant in sandbox.variants("work:f")}
    assert found == {str(ScalarProfile("float")), str(ScalarProfile("int", Range(3, 3)))}


def test_huge_lists_are_not_walked(sandbox: Sandbox) -> None:
    sandbox.write(
        work="""
        import time

        class Counted(float):
            pass


        def f(table):
            return None


        table = [[0.0] * 1000 for _ in range(1000)]
        table[500][500] = 1
        start = time.perf_counter()
        for _ in range(200):
            f(table)
        assert time.perf_counter() - start < 5
        ragged = [[1.0], [1.0, 2.0]]
        f([ragged, ragged])
        f([[[1.0]], [[1.0, 2.0]]])
        """
    )
    done = sandbox.run("work.py")
    assert done.status == 0, done.err
    flat, deep = sorted(sandbox.variants("work:f"), key=lambda variant: -variant.calls)
    assert flat.arguments["table"] == ListProfile(
        Range(1000, 1000), ListProfile(Range(1000, 1000), ScalarProfile("float"))
    )
    assert flat.equal == (("table.0", "table.1"),)
    table = deep.arguments["table"]
    assert isinstance(table, ListProfile)
    assert table.element is not None
    assert isinstance(table.element, ListProfile)
    assert not table.element.rectangular
    assert not deep.equal


def test_results_of_several_types_are_one_variant(sandbox: Sandbox) -> None:
    sandbox.write(work="def f(x):\n    return None if x < 0 else x\n\n\nf(-1.0)\nf(1.0)\n")
    assert sandbox.run("work.py").status == 0
    assert sandbox.variant("work:f").result == MixedProfile(("None", "float"))


def test_numbers_of_numpy_and_foreign_arrays(sandbox: Sandbox) -> None:
    sandbox.write(
        work="""
        import numpy as np


        def f(a, b, c, d, e, g):
            return a


        big = np.ones(3, ">f8")
        f(np.float32(1), np.int64(7), big, np.ma.ones(3), 2**70, np.array(["x"]))
        """
    )
    assert sandbox.run("work.py").status == 0
    assert sandbox.variant("work:f").arguments == {
        "a": ScalarProfile("numpy.float32"),
        "b": ScalarProfile("numpy.int64", Range(7, 7)),
        "c": ArrayProfile(">f8", (Range(3, 3),)),
        "d": OtherProfile("numpy.ma.MaskedArray"),
        "e": ScalarProfile("int", Range(2**64, 2**64)),
        "g": ArrayProfile("str", (Range(1, 1),)),
    }
