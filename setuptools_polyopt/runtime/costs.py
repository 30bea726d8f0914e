"""What slow operations and functions cost: the names that estimates of work are written in, and seconds of each.

What: `SECONDS` holds a safe default for each name; `polyopt calibrate` measures them (`Machine.costs`). `units` turns them into units of
work, in which the estimates of a wheel's plans and entry points count. Why here: the compiler writes the names, the runtime knows the
machine. The native code knows a name by its place in `NAMES`.

    cost["libm.sin"], cost["numpy.exp.float64"]    units of a call, of an element of NumPy's loop
    cost["scalar"]                                 by how much a unit is slower that no vector instruction does

A unit is an operation on one element inside a loop that vector instructions do.
"""

from __future__ import annotations

from collections.abc import Mapping

LIBM = (
    "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "cos", "cosh", "erf", "erfc", "exp", "exp2", "expm1", "fmod",
    "hypot", "log", "log10", "log1p", "log2", "pow", "remainder", "sin", "sinh", "tan", "tanh",
)  # fmt: skip
UFUNCS = (
    "absolute", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "cbrt", "cos", "cosh", "exp", "exp2", "expm1",
    "fmod", "heaviside", "hypot", "log", "log10", "log1p", "log2", "logaddexp", "logaddexp2", "maximum", "minimum", "multiply",
    "nextafter", "power", "reciprocal", "sin", "sinh", "sqrt", "square", "tan", "tanh",
)  # fmt: skip
REDUCTIONS = ("add", "maximum", "minimum", "multiply")
KINDS = {"float32": 1.5e-9, "float64": 4e-9, "complex64": 4e-8, "complex128": 4e-8}
"""Types that NumPy's loops are measured for, and what an element of a function costs where nothing better is known."""
_QUICK = {"absolute": 0.5e-9, "maximum": 0.5e-9, "minimum": 0.5e-9, "multiply": 0.5e-9, "square": 0.5e-9}
_OPERATIONS = {"div": 0.4e-9, "sqrt": 0.8e-9, "floordiv": 5e-9, "mod": 5e-9, "pow": 2e-8}
OPERATION = 0.03e-9
"""Seconds of a unit before it is measured."""

SECONDS: Mapping[str, float] = {
    "scalar": 4.0 * OPERATION,
    **_OPERATIONS,
    **{f"libm.{name}": 1.2e-8 for name in LIBM},
    **{f"numpy.{name}.{kind}": _QUICK.get(name, usual) for name in UFUNCS for kind, usual in KINDS.items()},
    "reduce": 3e-8,
    **{f"reduce.{name}": 0.5e-9 for name in REDUCTIONS},
}
"""Seconds of each: `scalar` is a unit that no vector instruction does, `reduce` the start of one of NumPy's reductions, `reduce.add` an
element of it."""

NAMES = tuple(SECONDS)

GPU: Mapping[str, float] = {
    **dict.fromkeys(NAMES, 40.0),
    **dict.fromkeys(("scalar", "reduce", *(f"reduce.{name}" for name in REDUCTIONS)), 1.0),
    "div": 10.0,
    "sqrt": 10.0,
    "floordiv": 30.0,
    "mod": 30.0,
}
"""Units on a GPU, whose functions are made of its own operations."""


def units(operation: float, measured: Mapping[str, float]) -> dict[str, float]:
    """Units of work of each name, by the seconds of one unit and what was measured."""
    return {name: max(1.0, measured.get(name, usual) / operation) for name, usual in SECONDS.items()}


def usual(name: str) -> float:
    """Units before anything is measured."""
    return SECONDS[name] / OPERATION
