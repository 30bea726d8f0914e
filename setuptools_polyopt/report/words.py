"""Guards and types in words, for people who do not know the IR."""

from __future__ import annotations

from collections.abc import Iterator

from setuptools_polyopt.exhaustive import assert_never
from setuptools_polyopt.ir.kernel import (
    ArrayInput,
    Box,
    Contiguous,
    GlobalGuard,
    Holds,
    Input,
    Layout,
    MethodInput,
    NoOverlap,
    ObjectInput,
    OrderedStrides,
    ScalarInput,
    Variant,
)
from setuptools_polyopt.ir.printer import print_expr

_LAYOUT = {Layout.C: "unit stride in the last axis", Layout.FORTRAN: "unit stride in the first axis", Layout.STRIDED: "any strides"}


def type_words(item: Input) -> str:
    """One input: `A: float64[n, m], unit stride in the last axis, written`."""
    match item.type:
        case ArrayInput() as array:
            written = ", written" if array.written else ""
            shape = ", ".join(str(extent) for extent in array.extents)
            if array.container != "ndarray":
                kind = {"b": "bool", "i": "int", "f": "float", "c": "complex"}[array.dtype.kind]
                return f"{item.text}: {array.container} of {kind}, [{shape}]{written}"
            return f"{item.text}: {array.dtype.value}[{shape}], {_LAYOUT[array.layout]}{written}"
        case ScalarInput() as scalar:
            kind = {"b": "bool", "i": "int", "u": "int", "f": "float", "c": "complex"}[scalar.dtype.kind]
            return f"{item.text}: {kind if scalar.box is Box.PYTHON else 'np.' + scalar.dtype.value}"
        case ObjectInput():
            return f"{item.text}: any object with plain attributes"
        case MethodInput(function=function):
            return f"{item.text}: the method {function}"
        case _:
            assert_never(item.type)


def _name_words(guard: GlobalGuard) -> str:
    text = ".".join((*([guard.home] if guard.home else []), guard.name, *guard.attributes))
    if guard.kind == "value":
        return f"{text} is there"
    if guard.kind == "default":
        return f"default {guard.position + 1} of {text} is still {guard.value!r}"
    return f"{text} is still {guard.expected if guard.expected is not None else repr(guard.value)}"


def guard_words(variant: Variant, names: tuple[GlobalGuard, ...]) -> Iterator[str]:
    """Everything that the guard of a variant asks beyond the types, one sentence each."""
    for name in names:
        yield _name_words(name)
    for assumption in variant.kernel.assumptions:
        match assumption:
            case Holds(text=text, condition=condition):
                yield f"{text}: {print_expr(condition)}" if text else print_expr(condition)
            case NoOverlap(first=first, second=second):
                yield f"{first} and {second} share no memory"
            case OrderedStrides(array=array):
                yield f"{array} lies in memory in the order of its axes"
            case Contiguous(array=array, axis=axis):
                yield f"{array} is contiguous" if not axis else f"{array} is contiguous from axis {axis} on"
            case _:
                assert_never(assumption)
