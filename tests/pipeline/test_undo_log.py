"""Kernels that log what they overwrite: wherever and however a run is given up, every bit is as the original statements would leave it.

What is stored depends on what was there, so a run that is not taken back shows in the second one.
"""

from __future__ import annotations

import copy
import signal
import sys
from typing import Any

import numpy as np
import pytest
from built import Built, build
from fuzz.fuzz_oracle import difference, observe
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

DTYPES = ("bool", "int8", "uint16", "int32", "float32", "int64", "float64", "complex64", "complex128")

SWAPS = """
def swaps_{dtype}(a: "NDArray[np.{type}]", p: "NDArray[np.int64]", q: "NDArray[np.int64]"):
    for i in range(len(p)):
        t = a[p[i]]
        a[p[i]] = a[q[i]]
        a[q[i]] = t
"""

TEXT = """import numpy as np
from numpy.typing import NDArray

def find(parent: "NDArray[np.int64]", x: int):
    while parent[x] != x:
        parent[x] = parent[parent[x]]
        x = parent[x]
    return x

def join(parent: "NDArray[np.int64]", rank: "NDArray[np.int8]", pairs: "NDArray[np.int64]"):
    for k in range(pairs.shape[0]):
        x = pairs[k, 0]
        while parent[x] != x:
            parent[x] = parent[parent[x]]
            x = parent[x]
        y = pairs[k, 1]
        while parent[y] != y:
            parent[y] = parent[parent[y]]
            y = parent[y]
        if x != y:
            if rank[x] < rank[y]:
                parent[x] = y
            else:
                parent[y] = x
                if rank[x] == rank[y]:
                    rank[x] = rank[x] + 1

def sums(h: "NDArray[np.int64]", p: "NDArray[np.int64]", by: "NDArray[np.int64]"):
    for i in range(len(p)):
        h[p[i]] += by[i]

def quotients(h: "NDArray[np.float64]", p: "NDArray[np.int64]", by: "NDArray[np.float64]"):
    for i in range(len(p)):
        h[p[i]] = (h[p[i]] + 1.0) / by[i]

def whole_quotients(h: "NDArray[np.int64]", p: "NDArray[np.int64]", by: "NDArray[np.int64]"):
    for i in range(len(p)):
        h[p[i]] = (h[p[i]] + 7) // by[i]

def plane(a: "NDArray[np.float64]", p: "NDArray[np.int64]"):
    for i in range(len(p)):
        a[p[i] % 5, p[i]] = a[p[i] % 5, p[i]] * 0.5 + 1.0

def until(a: "NDArray[np.float64]"):
    j = 0
    while a[j] >= 0.0:
        a[j] = 1.0 / (a[j] - 3.0)
        j += 1

def first(a: "NDArray[np.float64]", x: float):
    for i in range(len(a)):
        a[i] = 1.0 / (a[i] - 3.0)
        if a[i] > x:
            break

def long_run(h: "NDArray[np.int64]", p: "NDArray[np.int64]", times: int):
    for k in range(times):
        for i in range(len(p)):
            h[p[i]] += 1
""" + "".join(SWAPS.format(dtype=dtype, type="bool_" if dtype == "bool" else dtype) for dtype in DTYPES)  # fmt: skip


ONE, NONE = np.ones(1), np.zeros(0, np.int64)
GOOD: dict[str, tuple[Any, ...]] = {
    "find": (np.zeros(1, np.int64), 0),
    "join": (np.zeros(1, np.int64), np.zeros(1, np.int8), np.zeros((1, 2), np.int64)),
    "sums": (np.zeros(1, np.int64), NONE, NONE),
    "quotients": (ONE, NONE, np.zeros(0)),
    "plane": (ONE.reshape(1, 1), NONE),
    "until": (-ONE,),
    "first": (ONE, -1.0),
}


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The functions above, all of them logged."""
    built = build(tmp_path_factory.mktemp("undo"), "undo_log", TEXT, None)
    assert not built.compiled.diagnostics
    entry = built.compiled.entry_sources["entry.c"]
    functions = [part for part in entry.split("static PyObject *enter_")[1:] if not part.startswith("never")]
    assert len(functions) == TEXT.count("def ")
    assert all("polyopt_log_begin" in text and "polyopt_save(" not in text for text in functions)
    return built


def _same(modules: Built, name: str, *arguments: Any) -> None:
    """Views are of copies of what they are views of. Good calls before make sure that the region does not rest."""
    results = []
    for _ in range(65):
        getattr(modules.built, name)(*_good(name))
    for module in (modules.plain, modules.built):
        given_ = [_copied(item) for item in arguments]
        bases = [item.base if isinstance(item, np.ndarray) and item.base is not None else item for item in given_]
        results.append((observe(getattr(module, name), tuple(given_)), [np.asarray(base).tobytes() for base in bases]))
    assert difference(results[0][0], results[1][0]) is None
    assert results[0][1] == results[1][1]


def _good(name: str) -> tuple[Any, ...]:
    if name.startswith("swaps"):
        return np.zeros(1, "bool" if name == "swaps_bool" else name.removeprefix("swaps_")), NONE, NONE
    return copy.deepcopy(GOOD.get(name, GOOD["sums"]))


def _copied(item: Any) -> Any:
    if not isinstance(item, np.ndarray) or item.base is None:
        return copy.deepcopy(item)
    base = item.base.copy()
    offset = item.__array_interface__["data"][0] - item.base.__array_interface__["data"][0]
    return np.ndarray(item.shape, item.dtype, base, offset, item.strides)


def _values(dtype: str, n: int, rng: np.random.Generator) -> Any:
    return np.frombuffer(rng.bytes(n * np.dtype(dtype).itemsize), dtype).copy() if dtype != "bool" else rng.random(n) < 0.5


def _view(base: Any, n: int, step: int) -> Any:
    """n elements of a longer array: every step-th one, forwards or backwards."""
    taken = base[3 : 3 + n * abs(step)][:: abs(step)]
    return taken if step > 0 else taken[::-1]


STEPS = st.sampled_from([1, 1, 2, 3, -1, -2])
SLOW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@SLOW
@given(
    dtype=st.sampled_from(DTYPES),
    n=st.sampled_from([1, 7, 300, 3000, 40000]),
    stores=st.sampled_from([0, 1, 50, 2047, 2048, 5000, 30000]),
    step=STEPS,
    fails=st.sampled_from([None, 0.0, 0.3, 1.0]),
    seed=st.integers(0, 99),
)
def test_swaps(dtype: str, n: int, stores: int, step: int, fails: float | None, seed: int, modules: Built) -> None:
    rng = np.random.default_rng(seed)
    p, q = rng.integers(-n, n, stores), rng.integers(0, n, stores)
    if fails is not None and stores:
        q[int(fails * (stores - 1))] = n
    _same(modules, f"swaps_{dtype}", _view(_values(dtype, n * abs(step) + 6, rng), n, step), p, q)


@SLOW
@given(
    n=st.sampled_from([1, 300, 20000]),
    pairs=st.integers(0, 3000),
    steps=st.tuples(STEPS, STEPS),
    fails=st.sampled_from([None, 0.5, 1.0]),
    seed=st.integers(0, 99),
)
def test_two_arrays_of_different_types(
    n: int, pairs: int, steps: tuple[int, int], fails: float | None, seed: int, modules: Built
) -> None:
    rng = np.random.default_rng(seed)
    parent = _view(np.zeros(n * abs(steps[0]) + 6, np.int64), n, steps[0])
    parent[:] = np.arange(n)
    rank = _view(np.zeros(n * abs(steps[1]) + 6, np.int8), n, steps[1])
    which = rng.integers(0, n, (pairs, 2))
    if fails is not None and pairs:
        which[int(fails * (pairs - 1)), 1] = n
    _same(modules, "join", parent, rank, which)


@SLOW
@given(
    n=st.sampled_from([5, 400, 30000]),
    stores=st.sampled_from([1, 100, 4095, 4096, 4097, 9000]),
    step=STEPS,
    where=st.floats(0, 1),
    seed=st.integers(0, 99),
    kind=st.sampled_from(["none", "index", "value"]),
    how=st.sampled_from(["warn", "raise", "ignore"]),
    name=st.sampled_from(["sums", "quotients", "whole_quotients"]),
)
def test_errors_and_warnings_in_the_middle(
    n: int, stores: int, step: int, where: float, seed: int, kind: str, how: Any, name: str, modules: Built
) -> None:
    rng = np.random.default_rng(seed)
    dtype = "float64" if name == "quotients" else "int64"
    p, by, at = rng.integers(-n, n, stores), rng.integers(1, 9, stores).astype(dtype), int(where * (stores - 1))
    if kind == "index":
        p[at] = -n - 1
    elif kind == "value":
        by[at] = 2**63 - 1 if name == "sums" else 0
    h = _view(rng.integers(1, 99, n * abs(step) + 6).astype(dtype), n, step)
    with np.errstate(all=how):
        _same(modules, name, h, p, by)


@SLOW
@given(m=st.sampled_from([1, 90, 5000]), stores=st.integers(0, 6000), seed=st.integers(0, 99), order=st.sampled_from("CFR"))
def test_planes(m: int, stores: int, seed: int, order: str, modules: Built) -> None:
    rng = np.random.default_rng(seed)
    a = np.array(rng.random((5, m)), order="F" if order == "F" else "C")
    p = np.append(rng.integers(0, m, stores), m)
    _same(modules, "plane", a[::-1, ::-1] if order == "R" else a, p)


@pytest.mark.parametrize("n", [10, 1000, 100_000])
@pytest.mark.parametrize("end", [-1.0, 3.0, 2.0])
def test_loops_that_data_ends(n: int, end: float, modules: Built) -> None:
    a = np.full(n, 8.0)
    a[n // 2] = end
    _same(modules, "until", a)
    _same(modules, "until", np.full(n, 8.0))
    _same(modules, "first", a, 1.0)
    _same(modules, "first", a, -1.0)


def test_find(modules: Built) -> None:
    parent = np.maximum(np.arange(100_000) - 1, 0)
    _same(modules, "find", parent, 90_000)
    parent[40_000] = 100_000
    _same(modules, "find", parent, 90_000)


@pytest.mark.parametrize("n", [5, 1000, 200_000])
def test_an_interrupt_takes_everything_back(n: int, modules: Built) -> None:
    p = np.random.default_rng(n).integers(0, n, 50_000)
    h = np.arange(n)

    def interrupt(*_: object) -> None:
        modules.built.sums(other, p[:1] % 1, p[:1])  # a call within a call
        raise KeyboardInterrupt

    other = np.zeros(1000, np.int64)
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(KeyboardInterrupt):
            modules.built.long_run(h, p, 2**40)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
    assert (h == np.arange(n)).all()
    assert other.sum() == p[0]


def test_a_run_elsewhere_that_fails_half_way(modules: Built) -> None:
    """Whoever runs the kernel may write what it likes: the arrays are copied before it is asked."""
    native = sys.modules["undo_log._polyopt._native"]

    def hook(symbol: str, args: bytes, arrays: tuple[Any, ...], work: float) -> tuple[int, int]:
        for array in arrays:
            array[:] += 1
        return 1, 0

    h = np.arange(1000)
    native.offload(hook, 0.0)
    try:
        for times in range(65):
            modules.built.long_run(h[::-1], np.zeros(0, np.int64), times)
    finally:
        native.offload(None, 0.0)
    assert (h == np.arange(1000)).all()
