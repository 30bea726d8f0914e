"""Functions of `math`, the builtins and NumPy on every operand type against CPython and NumPy."""

from __future__ import annotations

import builtins
import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from operands import ARRAY_KINDS, KINDS, NUMPY_KINDS, PYTHON_KINDS, SPAN, Kind, check

from setuptools_polyopt.diagnostics import Unsupported
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.operators import elementwise, mathematics, numpy_functions, ufuncs
from setuptools_polyopt.operators.facts import FACTS
from setuptools_polyopt.operators.values import Operand

SCALARS = PYTHON_KINDS + NUMPY_KINDS
FLOATS = [kind for kind in KINDS if kind.dtype in (DType.FLOAT64, DType.FLOAT32)]


def call(path: str, *args: Operand) -> Operand:
    return elementwise.call(path, args, {}, "strict", SPAN)


@pytest.mark.parametrize("name", sorted(mathematics.FUNCTIONS))
def test_math(name: str) -> None:
    if not hasattr(math, name):
        pytest.skip(f"math.{name} is newer than this Python")
    two = name in ("atan2", "fmod", "pow", "remainder", "copysign")
    for kind in SCALARS:
        kinds = (kind, PYTHON_KINDS[2]) if two else (kind,)
        outcome = check(lambda *xs: call(f"math.{name}", *xs), getattr(math, name), kinds, 30)
        if kind.dtype is DType.FLOAT64:
            assert outcome is not None
            assert outcome.computed > 0
            assert outcome.spurious == 0 or name in ("floor", "ceil", "trunc", "pow")  # beyond 64 bits; (-inf) ** 0.5


@pytest.mark.parametrize("name", ["hypot", "gamma", "lgamma", "fsum", "dist"])
def test_cpythons_own_algorithms_stay_python(name: str) -> None:
    with pytest.raises(Unsupported, match="CPython's own"):
        call(f"math.{name}", PYTHON_KINDS[2].operand("x"))


@pytest.mark.parametrize("name", ["abs", "round", "int", "float", "bool", "complex"])
def test_builtins_of_one_argument(name: str) -> None:
    for kind in SCALARS:
        outcome = check(lambda x: call(f"builtins.{name}", x), getattr(builtins, name), (kind,))
        if kind.dtype.kind in "if":
            assert outcome is not None
            assert outcome.computed > 0


def _two(name: str) -> Callable[[Any, Any], Any]:
    """The builtin; `pow` without integers of millions of digits, which a kernel has to refuse as well."""

    def power(base: Any, exponent: Any) -> Any:
        if type(base) is type(exponent) is int and abs(base) > 1 and exponent > 1000:
            raise OverflowError("does not fit 64 bits")
        return pow(base, exponent)

    return power if name == "pow" else getattr(builtins, name)  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", ["min", "max", "pow", "complex"])
def test_builtins_of_two_arguments(name: str) -> None:
    for kinds in itertools.product(SCALARS, SCALARS):
        outcome = check(lambda x, y: call(f"builtins.{name}", x, y), _two(name), kinds, 4)
        if name in ("min", "max") and kinds[0].dtype is kinds[1].dtype and not kinds[0].dtype.is_complex:
            assert outcome is not None


@pytest.mark.parametrize("name", sorted(name for name in ufuncs.SUPPORTED | set(ufuncs.ALIASES) if hasattr(np, name)))
def test_ufuncs(name: str) -> None:
    function = getattr(np, name)
    if function.nin == 1:
        supported = [kind for kind in KINDS if check(lambda x: call(f"numpy.{name}", x), function, (kind,), 20)]
    else:
        pairs = [(left, right) for left in KINDS for right in KINDS if left.dtype is right.dtype]
        pairs += [(left, right) for left in PYTHON_KINDS for right in ARRAY_KINDS]
        supported = [pair[0] for pair in pairs if check(lambda x, y: call(f"numpy.{name}", x, y), function, pair, 4)]
    integers = {"gcd", "invert", "left_shift", "right_shift"}
    if name in integers or name.startswith("bitwise") or name in ("fmin", "fmax"):
        assert any(kind.dtype.is_integer for kind in supported)
    else:
        assert any(kind.box == "array" and kind.dtype is DType.FLOAT64 for kind in supported)


@pytest.mark.parametrize("name", sorted(numpy_functions.FUNCTIONS - {"where", "clip"}))
def test_constructors_and_parts(name: str) -> None:
    if (name == "bool" and not FACTS.weak_scalars) or not hasattr(np, name):
        pytest.skip(f"this NumPy has no numpy.{name}")
    for kind in KINDS if name not in numpy_functions.CONSTRUCTORS else SCALARS:
        check(lambda x: call(f"numpy.{name}", x), getattr(np, name), (kind,))


def test_where() -> None:
    tests = [kind for kind in ARRAY_KINDS if kind.dtype in (DType.BOOL, DType.FLOAT64)]
    for kinds in itertools.product(tests, KINDS, KINDS):
        check(lambda c, x, y: call("numpy.where", c, x, y), np.where, kinds, 2)
    with pytest.raises(Unsupported, match="rank 0"):
        call("numpy.where", *(PYTHON_KINDS[0].operand(name) for name in "abc"))


@pytest.mark.skipif(not FACTS.clip_keeps, reason="this NumPy's clip of floats is refused")
def test_clip_with_scalar_bounds() -> None:
    for kind in (kind for kind in KINDS if kind.dtype.kind in "if" and kind.box != "python"):
        bounds = [k for k in PYTHON_KINDS if k.dtype.kind in "if"] + [k for k in NUMPY_KINDS if k.dtype is kind.dtype]
        supported = [
            check(lambda x, low, high: call("numpy.clip", x, low, high), np.clip, (kind, low, high), 60)
            for low, high in itertools.product(bounds, bounds)
        ]
        assert any(outcome is not None and outcome.computed for outcome in supported)


def test_signed_zeros_of_floats_that_depend_on_the_place_stay_numpys() -> None:
    for kind in (kind for kind in ARRAY_KINDS if kind.dtype.is_float):
        with pytest.raises(Unsupported, match="place in the array"):
            call("numpy.fmax", kind.operand("x"), kind.operand("y"))


def test_keyword_arguments_are_refused() -> None:
    x = Kind("array", DType.FLOAT64).operand("x")
    with pytest.raises(Unsupported, match="out="):
        elementwise.call("numpy.exp", (x,), {"out": x}, "strict", SPAN)
