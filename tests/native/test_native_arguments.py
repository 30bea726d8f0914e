"""Taking arguments: what passes a guard, what does not, and what the entry point then knows of an array."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

CODES = ["bool", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8", "c8", "c16"]
F64 = CODES.index("f8")
COUNT, TYPE, DTYPE, RANK, ALIGNMENT, READONLY, STRIDES, SELF_OVERLAP, RANGE = range(1, 10)
WRITABLE = 1


def with_metadata(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The same elements under a dtype object of its own, which takes the way through the buffer protocol."""
    return array.view(np.dtype(array.dtype, metadata={"unit": "m"}))


@pytest.fixture(params=["direct", "buffer"])
def form(request: pytest.FixtureRequest) -> Any:
    return with_metadata if request.param == "buffer" else lambda array: array


@pytest.fixture
def take(user: ModuleType) -> Any:
    return user._polyopt.take


@pytest.mark.parametrize("code", range(len(CODES)))
def test_each_dtype_is_told_from_all_others(take: Any, form: Any, code: int) -> None:
    for other, name in enumerate(CODES):
        found = take(form(np.zeros(3, name)), code, 1, WRITABLE)
        assert found == (((3,), (1,), 0b1111) if other == code else DTYPE), (CODES[code], name)


def test_strides_are_in_elements_and_layout_is_seen(take: Any, form: Any) -> None:
    a = form(np.zeros((4, 6)))
    assert take(a, F64, 2, 0) == ((4, 6), (6, 1), 0b1101)
    assert take(a.T, F64, 2, 0) == ((6, 4), (1, 6), 0b0010)
    assert take(a[::2, ::-1], F64, 2, 0) == ((2, 6), (12, -1), 0b0000)
    assert take(a[:, 1:4], F64, 2, 0) == ((4, 3), (6, 1), 0b1100)
    assert take(a[:, ::2], F64, 2, 0) == ((4, 3), (6, 2), 0b0100)
    assert take(form(np.zeros(())), F64, 0, WRITABLE)[0] == ()


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (0, 0)])
def test_arrays_without_elements(take: Any, form: Any, shape: tuple[int, ...]) -> None:
    extents, _, layout = take(form(np.zeros(shape)), F64, len(shape), WRITABLE)
    assert extents == shape
    assert layout & 0b11 == 0b11


def test_what_is_not_exactly_an_array(take: Any) -> None:
    class Sub(np.ndarray):  # type: ignore[type-arg]
        pass

    for thing in [
        [1.0],
        (1.0,),
        1.0,
        None,
        np.float64(1),
        np.ma.zeros(3),
        np.zeros(3).view(Sub),
        memoryview(np.zeros(3)),
        b"12345678",
    ]:
        assert take(thing, F64, 1, 0) == TYPE
    with pytest.warns(PendingDeprecationWarning):
        matrix = np.matrix([[1.0]])
    assert take(matrix, F64, 2, 0) == TYPE


def test_byte_order_alignment_and_odd_dtypes(take: Any, form: Any) -> None:
    assert take(np.zeros(3, ">f8"), F64, 1, 0) == DTYPE
    raw = np.zeros(33, "u1")
    assert take(form(raw[1:25].view("f8")), F64, 1, 0) in (ALIGNMENT, DTYPE)
    for name in ["M8[s]", "m8[s]", "f2", "g", "S8", "U2", "O", "V8", [("a", "f8")]]:
        assert take(np.zeros(3, name), F64, 1, 0) == DTYPE
    assert take(np.zeros(3, "q"), CODES.index("i8"), 1, WRITABLE) == ((3,), (1,), 0b1111)


def test_fields_of_records_have_strides_that_items_do_not_divide(take: Any) -> None:
    records = np.zeros(4, np.dtype([("a", "f8"), ("b", "f4")], align=False))
    assert take(records["a"], F64, 1, 0) in (ALIGNMENT, STRIDES)
    aligned = np.zeros(4, np.dtype([("a", "c16"), ("b", "f8")]))
    assert take(aligned["a"], CODES.index("c16"), 1, 0) == STRIDES
    assert take(aligned["a"][:1], CODES.index("c16"), 1, 0)[0] == (1,)


def test_writing_needs_writable_memory_without_shared_elements(take: Any, form: Any) -> None:
    a = np.zeros((3, 4))
    a.flags.writeable = False
    assert take(form(a), F64, 2, WRITABLE) == READONLY
    assert take(form(a), F64, 2, 0)[0] == (3, 4)
    spread = np.lib.stride_tricks.as_strided(np.zeros(8), (4, 3), (8, 8))
    assert take(form(spread), F64, 2, WRITABLE) == SELF_OVERLAP
    assert take(form(spread), F64, 2, 0) == ((4, 3), (1, 1), 0b1100)
    flat = np.lib.stride_tricks.as_strided(np.zeros(1), (4,), (0,))
    assert take(form(flat), F64, 1, WRITABLE) == SELF_OVERLAP
    assert take(np.broadcast_to(np.zeros(1), (4,)), F64, 1, 0)[1] == (0,)


def test_a_written_broadcast_array_does_not_warn(take: Any) -> None:
    left, _ = np.broadcast_arrays(np.zeros((1, 3)), np.zeros((2, 1)))
    assert take(left, F64, 2, WRITABLE) == READONLY
    assert take(with_metadata(left), F64, 2, WRITABLE) == READONLY


def test_rank(take: Any, form: Any) -> None:
    assert take(form(np.zeros((2, 2))), F64, 1, 0) == RANK
    assert take(form(np.zeros(2)), F64, 2, 0) == RANK
    assert take(form(np.zeros((1,) * 8)), F64, 8, WRITABLE)[0] == (1,) * 8


@st.composite
def views(draw: st.DrawFn) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    base = np.arange(48.0).reshape(6, 8)

    def view() -> np.ndarray[Any, Any]:
        bounds = [
            draw(st.tuples(st.integers(0, n), st.integers(0, n), st.sampled_from([-3, -2, -1, 1, 2, 3])))
            for n in base.shape
        ]
        found = base[tuple(slice(*bound) for bound in bounds)]
        return found if draw(st.booleans()) else found.T

    first = view()
    second = view()
    if first.shape[0] and draw(st.booleans()):
        first = first[0]
    return first, second


@given(views())
def test_overlap_never_misses_shared_memory(
    user: ModuleType, pair: tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]
) -> None:
    a, b = pair
    found = user._polyopt.overlap(a, a.ndim, b, b.ndim)
    if np.shares_memory(a, b):
        assert found != 0
    if found == 1:
        assert np.array_equal(a, b)


def test_overlap_knows_the_same_view_rows_columns_and_strides(user: ModuleType) -> None:
    a = np.zeros((4, 6))
    v = np.zeros(12)
    relation = user._polyopt.overlap
    assert relation(a, 2, a, 2) == relation(a, 2, a[:], 2) == 1
    assert relation(a[0], 1, a[1], 1) == relation(a[:, 0], 1, a[:, 3], 1) == relation(a[:, :2], 2, a[:, 2:4], 2) == 0
    assert relation(v[::2], 1, v[1::2], 1) == relation(v[:6], 1, v[6:], 1) == 0
    assert relation(v[:-1], 1, v[1:], 1) == relation(a, 2, a.T, 2) == relation(v, 1, v[::-1], 1) == 2
    assert relation(v[:0], 1, v, 1) == 0


@pytest.mark.parametrize("code", range(len(CODES)))
def test_numpy_scalars_go_in_and_out(user: ModuleType, code: int) -> None:
    types = [np.dtype(name).type for name in CODES]
    scalar = user._polyopt.scalar
    values: dict[str, list[object]] = {
        "b": [False, True], "i": [-3, 7], "u": [0, 200],
        "f": [0.1, -0.0, float("inf"), float("nan")], "c": [1.5 - 0.25j, complex(-0.0, float("inf"))],
    }  # fmt: skip
    for value in values[np.dtype(types[code]).kind]:
        given_ = types[code](value)
        found = scalar(code, given_)
        assert type(found) is types[code]
        assert found.tobytes() == given_.tobytes()
    for other, kind in enumerate(types):
        if other != code:
            assert scalar(code, kind(1)) == (TYPE,)
    assert scalar(code, 1) == scalar(code, 1.0) == scalar(code, np.zeros((), CODES[code])) == (TYPE,)


def test_python_scalars_are_exact(user: ModuleType) -> None:
    scalar = user._polyopt.scalar
    assert [scalar(-1, value) for value in (0, -(2**63), 2**63 - 1)] == [0, -(2**63), 2**63 - 1]
    assert scalar(-1, 2**63) == scalar(-1, -(2**63) - 1) == scalar(-1, 10**40) == (RANGE,)
    assert scalar(-1, True) == scalar(-1, 1.0) == scalar(-1, np.int64(1)) == (TYPE,)
    assert scalar(-2, 0.5) == 0.5
    assert scalar(-2, 1) == scalar(-2, np.float64(1)) == (TYPE,)
    assert scalar(-3, True) is True
    assert scalar(-3, 1) == scalar(-3, np.True_) == (TYPE,)
    assert scalar(-4, 1 - 2j) == 1 - 2j
    assert scalar(-4, 1.0) == scalar(-4, np.complex128(1)) == (TYPE,)


@pytest.mark.parametrize("code", range(len(CODES)))
def test_new_arrays(user: ModuleType, code: int) -> None:
    create = user._polyopt.create
    for shape in [(), (5,), (0,), (2, 3), (2, 3, 4)]:
        array = create(code, shape, 2)
        assert type(array) is np.ndarray
        assert array.dtype == np.dtype(CODES[code])
        assert array.shape == shape
        assert not array.any()
        assert array.flags.c_contiguous
    assert create(code, (2, 3), 4).flags.f_contiguous
    assert create(code, (2**62,), 0) is None
    assert create(code, (-1,), 0) is None


def test_undo_restores_the_box_and_nothing_else(user: ModuleType) -> None:
    base = np.arange(120.0).reshape(4, 5, 6)
    for view, lo, hi in [
        (base.copy(), (0, 0, 0), (4, 5, 6)),
        (base.copy(), (1, 2, 3), (3, 4, 5)),
        (base.copy()[::-1, ::2, ::3], (0, 1, 0), (4, 3, 2)),
        (base.copy().T, (-5, 0, 0), (99, 99, 2)),
        (base.copy(), (2, 2, 2), (2, 5, 6)),
    ]:
        wanted = np.full(view.shape, -1.0)
        box = tuple(slice(max(a, 0), b) for a, b in zip(lo, hi, strict=True))
        wanted[box] = view[box]
        assert user._polyopt.undo(view, 3, lo, hi) == ()
        assert np.array_equal(view, wanted)
    scalar = np.array(3.0)
    assert user._polyopt.undo(scalar, 0, (), ()) == ()
    assert scalar == 3.0


@pytest.mark.parametrize("shape", [(400_000,), (700, 611), (3, 400, 301), (1, 400_000)])
def test_large_boxes_are_copied_by_all_threads(user: ModuleType, shape: tuple[int, ...]) -> None:
    base = np.arange(2.0 * math.prod(shape)).reshape(*shape[:-1], 2 * shape[-1])
    for view in (base[..., : shape[-1]].copy(), base[..., ::2], base[..., : shape[-1]][::-1]):
        lo = tuple(min(1, extent - 1) for extent in shape)
        for low in ((0,) * len(shape), lo):
            kept = view.copy()
            wanted = np.full(view.shape, -1.0)
            box = tuple(slice(a, None) for a in low)
            wanted[box] = view[box]
            assert user._polyopt.undo(view, len(shape), low, shape) == ()
            assert np.array_equal(view, wanted)
            view[...] = kept
