"""Reductions over several trailing axes at once: the bits of NumPy's one flat loop, for what is contiguous; the rest stays NumPy's."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from built import Built, build, profile_of
from numpy.typing import NDArray

SOURCE = '''
import numpy as np


def sums(a):
    return np.sum(a), a.mean()


def extremes(a):
    return np.max(a), a.min()


def share(a):
    return a / np.sum(a, keepdims=True)


def square(a, b):
    return np.sum((a - b) ** 2)


def norms(a, b):
    d = a * b
    return d.max() - d.min(), np.mean(d), d


def planes(a):
    return np.sum(a, axis=(1, 2)), np.mean(a, axis=(-1, -2), keepdims=True)


def peaks(a):
    return np.max(a, axis=(1, 2)), a.min(axis=(1, 2), keepdims=True)


def channels(a):
    return np.sum(a, axis=(0, 2, 3)), a.mean(axis=(0, 2, 3), keepdims=True)


def each(a):
    out = np.zeros(a.shape[0], a.dtype)
    for i in range(a.shape[0]):
        d = a[i] - a[0]
        out[i] = np.sum(d * d)
    return out


def highest(a):
    out = np.zeros(a.shape[0], a.dtype)
    for i in range(a.shape[0]):
        out[i] = np.max(a[i])
    return out


def tail(a):
    return np.sum(a[1:]), a[1:].max()


def window(a):
    d = a + a
    return np.sum(d[:, 1:]) + a.sum()


def parts(z):
    return np.sum(z.real), z.imag.mean()


def rows(a):
    return np.sum(a, axis=1), np.sum(a, axis=1)


def unsure(a):
    return (a > 0).sum(), (a > 0).all(), a.any()
'''

Array = NDArray[Any]
FLOATS, COMPLEX = ("float32", "float64"), ("complex64", "complex128")
MATRICES = [(1, 1), (1, 7), (9, 1), (3, 5), (8, 16), (127, 1), (1, 128), (129, 3), (127, 129), (128, 128), (97, 131), (3, 8193)]
CUBES = [(1, 1, 1), (2, 3, 5), (1, 127, 1), (3, 1, 129), (5, 11, 12), (2, 97, 101), (4, 129, 1), (300, 2, 2)]


def filled(shape: tuple[int, ...], dtype: str, seed: int = 0) -> Array:
    """Numbers of very different magnitudes, so that every other order of summation shows."""
    rng = np.random.default_rng(seed + math.prod(shape))
    kind = np.dtype(dtype).kind
    if kind == "b":
        return rng.random(shape) < 0.5
    if kind == "i":
        return rng.integers(-1000, 1000, shape).astype(dtype)
    values = rng.standard_normal(shape) * 10.0 ** rng.integers(-6, 6, shape)
    return (values + 1j * rng.standard_normal(shape)).astype(dtype) if kind == "c" else values.astype(dtype)


def signed_zeros(shape: tuple[int, ...], dtype: str) -> Array:
    rng = np.random.default_rng(math.prod(shape))
    return np.where(rng.random(shape) < 0.5, 0.0, -0.0).astype(dtype)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    def some(rank: int, *dtypes: str) -> list[Array]:
        return [filled((3, 4, 5, 2)[:rank], dtype) for dtype in dtypes]

    every = (*FLOATS, *COMPLEX)
    calls: dict[str, Any] = {
        "sums": [(a,) for a in [*some(2, *FLOATS, "complex128"), *some(3, "float64")]], "extremes": [(a,) for a in some(2, *FLOATS)],
        "share": [(a,) for a in some(2, *every)], "square": [(a, a) for a in some(2, *FLOATS)],
        "norms": [(a, a) for a in some(2, *FLOATS)], "planes": [(a,) for a in some(3, *every)], "peaks": [(a,) for a in some(3, *FLOATS)],
        "channels": [(a,) for a in some(4, *FLOATS)], "each": [(a,) for a in some(3, *FLOATS)],
        "highest": [(a,) for a in some(3, *FLOATS)], "tail": [(a,) for a in some(2, *FLOATS)], "window": [(a,) for a in some(2, "float64")],
        "parts": [(a,) for a in some(2, *COMPLEX)],
        "rows": [(a,) for a in some(2, "float64")], "unsure": [(a,) for a in some(2, "float64", "int64", "int32")],
    }  # fmt: skip
    profile = profile_of(SOURCE, "flat.mod", calls)
    return build(tmp_path_factory.mktemp("flat"), "flat", SOURCE, profile)


def refusal(built: Built, name: str) -> str | None:
    """Why the first region of a function did not run natively the last time."""
    found: str | None = getattr(built.built._polyopt, f"{name}_0").__self__.refusal
    return found


def outcome(module: Any, name: str, arguments: tuple[Array, ...], errstate: str) -> Any:
    with warnings.catch_warnings(record=True) as caught, np.errstate(all=errstate):  # type: ignore[call-overload]
        warnings.simplefilter("always")
        try:
            result = getattr(module, name)(*arguments)
        except (ArithmeticError, ValueError) as error:
            result = (type(error), str(error))
    return result, [(w.category, str(w.message)) for w in caught]


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, tuple):
        for item in value:
            yield from leaves(item)
    else:
        yield value


def same(built: Built, name: str, *arguments: Array, native: bool | None = True, errstate: str = "warn") -> None:
    """Both forms agree in type, dtype, shape, bits, exceptions and warnings; native: whether the built one ran its kernel."""
    plain, plain_warnings = outcome(built.plain, name, arguments, errstate)
    mine, my_warnings = outcome(built.built, name, arguments, errstate)
    ours, theirs = list(leaves(mine)), list(leaves(plain))
    assert [type(item) for item in ours] == [type(item) for item in theirs]
    for one, other in zip(ours, theirs, strict=True):
        if isinstance(other, np.ndarray | np.generic):
            assert (one.dtype, one.shape) == (other.dtype, other.shape)
            assert one.tobytes() == other.tobytes(), (one, other)
        else:
            assert one == other
    assert my_warnings == plain_warnings
    if native is not None:
        assert (refusal(built, name) is None) is native, refusal(built, name)


@pytest.mark.parametrize("shape", MATRICES)
@pytest.mark.parametrize("dtype", FLOATS)
def test_matrices_of_floats(built: Built, shape: tuple[int, ...], dtype: str) -> None:
    a, b = filled(shape, dtype), filled(shape, dtype, 1)
    for name in ("sums", "extremes", "share"):
        same(built, name, a, errstate="ignore")
    for name in ("square", "norms"):
        same(built, name, a, b, errstate="ignore")
    if shape[0] > 1:
        same(built, "tail", a)


@pytest.mark.parametrize("shape", MATRICES)
def test_matrices_of_complex_numbers(built: Built, shape: tuple[int, ...]) -> None:
    same(built, "sums", filled(shape, "complex128"))
    for dtype in COMPLEX:
        same(built, "share", filled(shape, dtype), native=None)
        same(built, "parts", filled(shape, dtype))


@pytest.mark.parametrize("shape", CUBES)
@pytest.mark.parametrize("dtype", FLOATS)
def test_cubes(built: Built, shape: tuple[int, ...], dtype: str) -> None:
    a = filled(shape, dtype)
    for name in ("planes", "peaks", "each", "highest"):
        same(built, name, a, errstate="ignore")
    same(built, "sums", filled(shape, "float64"))


@pytest.mark.parametrize("shape", CUBES)
def test_cubes_of_complex_numbers(built: Built, shape: tuple[int, ...]) -> None:
    for dtype in COMPLEX:
        same(built, "planes", filled(shape, dtype))


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (40, 2, 3, 100), (3, 7, 1, 1), (1, 2, 91, 93), (5, 2, 1, 300)])
def test_outer_and_inner_axes(built: Built, shape: tuple[int, ...]) -> None:
    for dtype in FLOATS:
        same(built, "channels", filled(shape, dtype))


def test_a_single_channel_is_left_to_numpy(built: Built) -> None:
    """NumPy merges the outer with the inner axes if nothing lies between them."""
    same(built, "channels", filled((40, 1, 3, 100), "float64"), native=False)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (7, 33), (16, 64), (129, 3), (90, 101)])
def test_extremes_of_zeros_and_nans(built: Built, shape: tuple[int, ...], dtype: str) -> None:
    a = signed_zeros(shape, dtype)
    same(built, "extremes", a)
    same(built, "sums", a)
    for position in {(0, 0), (shape[0] - 1, shape[1] - 1), (shape[0] // 2, shape[1] // 3)}:
        for payload in (np.nan, -np.nan):
            a = filled(shape, dtype)
            a[position] = payload
            same(built, "extremes", a)
            same(built, "sums", a)
    cube = np.stack([signed_zeros(shape, dtype), filled(shape, dtype)])
    cube[1, 0, -1] = np.nan
    same(built, "peaks", cube)
    same(built, "highest", cube)


def test_empty_arrays(built: Built) -> None:
    """The sum is zero, the mean warns and extremes raise, all as NumPy says it."""
    for shape in ((0, 3), (3, 0), (0, 0)):
        for dtype in FLOATS:
            same(built, "sums", np.empty(shape, dtype), native=False)
            same(built, "extremes", np.empty(shape, dtype), native=False)
            same(built, "square", np.empty(shape, dtype), np.empty(shape, dtype), native=None)
    for shape in ((0, 2, 3), (2, 0, 3), (2, 3, 0), (0, 0, 0)):
        same(built, "planes", np.empty(shape), native=False)
        same(built, "peaks", np.empty(shape), native=False)
        same(built, "each", np.empty(shape), native=None)


def layouts(make: Callable[[tuple[int, ...]], Array]) -> Iterator[tuple[str, Array]]:
    yield "every second row", make((14, 11))[::2]
    yield "padded rows", make((9, 20))[:, :13]
    yield "every second column", make((9, 26))[:, ::2]
    yield "backwards", make((9, 13))[::-1]
    yield "columns backwards", make((9, 13))[:, ::-1]
    yield "transposed", make((13, 9)).T
    yield "Fortran", np.asfortranarray(make((9, 13)))
    yield "rows of one element", make((40, 8))[:, 3:4]
    yield "one padded row", make((5, 70))[2:3, 3:60]
    yield "the same row", np.broadcast_to(make((1, 13)), (9, 13))
    yield "single", np.lib.stride_tricks.as_strided(make((5, 5)), (1, 1), (4000, 24))


@pytest.mark.parametrize("dtype", FLOATS)
def test_other_layouts_are_right(built: Built, dtype: str) -> None:
    contiguous = 0
    for _, a in layouts(lambda shape: filled(shape, dtype)):
        for name in ("sums", "extremes", "tail", "share"):
            same(built, name, a, native=None)
        contiguous += refusal(built, "sums") is None
        assert (refusal(built, "extremes") is None) == a.flags.c_contiguous
        same(built, "square", a, np.ones_like(a, order="C"), native=None)
        same(built, "norms", a, a, native=None)
    assert contiguous == 2  # one row, one element


def test_padded_planes(built: Built) -> None:
    """Only the reduced axes have to be contiguous."""
    a = filled((12, 30, 31), "float64")
    same(built, "planes", a[::2], native=True)
    same(built, "peaks", a[1::3], native=True)
    same(built, "planes", a[:, :20], native=True)
    same(built, "planes", a[:, :, :20], native=False)
    same(built, "planes", a[:, ::2], native=False)
    same(built, "planes", a.transpose(0, 2, 1), native=False)
    same(built, "peaks", a[::-1], native=False)
    same(built, "each", a[:, :, ::2], native=None)
    same(built, "highest", a[:, 3:, 1:], native=False)


def test_views_that_are_not_contiguous_stay_numpys(built: Built) -> None:
    a = filled((70, 71), "float64")
    same(built, "window", a, native=None)
    reasons = [missed.kind for module in built.compiled.report.modules for missed in module.missed]
    assert "reduction-order" in reasons


def test_warnings_and_errors(built: Built) -> None:
    huge = np.full((30, 40), 1e308)
    for errstate in ("warn", "ignore", "raise"):
        same(built, "sums", huge, native=None, errstate=errstate)
        same(built, "square", huge, -huge, native=None, errstate=errstate)
        both = huge.copy()
        both[3, 4], both[7, 8] = np.inf, -np.inf
        same(built, "sums", both, native=None, errstate=errstate)
        same(built, "share", np.where(np.isinf(both), np.nan, 0.0), native=None, errstate=errstate)
        same(built, "planes", np.stack([huge, both]), native=None, errstate=errstate)


def test_integers_and_bools_take_any_order(built: Built) -> None:
    for a in (filled((33, 35), "int64"), filled((33, 35), "int32"), filled((33, 35), "float64"), filled((35, 33), "int64").T):
        same(built, "unsure", a)


def test_nothing_but_sums_overflows(built: Built) -> None:
    arguments = (np.full((3, 4), 1e308),)
    theirs, ours = (outcome(module, "rows", arguments, "warn") for module in (built.plain, built.built))
    assert len(theirs[1]) == 2
    assert theirs[1] == ours[1]
