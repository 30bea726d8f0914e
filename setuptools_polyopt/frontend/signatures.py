"""Which types a function is compiled for: from its profile, else from annotations, defaults and the subscripts in its body.

    def f(a: NDArray[np.float64], n: int)     ->   one signature: {"a": float64 array of rank 1, "n": int}

A profile that matches the source wins, with at most four signatures; annotations that leave a rank open which the body does not show
give ranks 1 to 3. Layouts that the profile saw are kept per signature.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from setuptools_polyopt.frontend.annotations import OpenArray, hints
from setuptools_polyopt.frontend.names import FunctionNode, all_arguments
from setuptools_polyopt.frontend.pytypes import ArrayType, Binding, ListType, NoneType, ObjectType, PyType, UnknownType
from setuptools_polyopt.frontend.ranks import inferred_rank
from setuptools_polyopt.frontend.resolution import Module
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.operators.values import ScalarType
from setuptools_polyopt.profile.schema import (
    MAX_VARIANTS,
    ArrayProfile,
    FunctionProfile,
    ListProfile,
    MixedProfile,
    NoneProfile,
    OtherProfile,
    ScalarProfile,
    TupleProfile,
    ValueProfile,
    Variant,
)

_SCALARS = {"bool": DType.BOOL, "int": DType.INT64, "float": DType.FLOAT64, "complex": DType.COMPLEX128}
_GUESSED_RANKS = (1, 2, 3)
_DEEPEST = 3


@dataclass(frozen=True)
class Signature:
    """Types of arguments and attributes at entry; `layouts` by the same names, one mapping per way that was seen. `guessed`: ranks or
    dtypes are not known from anywhere."""

    bindings: Mapping[str, Binding]
    layouts: tuple[Mapping[str, str], ...] = ()
    guessed: bool = False


def signatures(
    node: FunctionNode, module: Module, entry: FunctionProfile | None, also: tuple[str, ...] = (), owner: str = ""
) -> tuple[Signature, ...]:
    """What to compile the function for, most important first. also: element types to add (of `also-dtypes`); owner: the class of a method,
    as in "pkg.mod.Grid"."""
    known = _from_profile(node, entry.variants) if entry is not None and entry.variants else _from_hints(node, module, owner)
    return (*known, *(extra for dtype in also if (extra := _retyped(known, DType(dtype))) is not None))


def _retyped(known: tuple[Signature, ...], dtype: DType) -> Signature | None:
    """The first signature with every floating-point (or complex) array of another type; None where that is nothing new."""
    if not known:
        return None
    bindings = {
        name: Binding(ArrayType(dtype, b.type.rank), b.definite) if isinstance(b.type, ArrayType) and b.type.dtype.kind in "fc" else b
        for name, b in known[0].bindings.items()
    }
    return None if any(one.bindings == bindings for one in known) else Signature(bindings, (), known[0].guessed)


def _from_profile(node: FunctionNode, variants: tuple[Variant, ...]) -> tuple[Signature, ...]:
    found: list[Signature] = []
    for variant in variants[:MAX_VARIANTS]:
        values = {**variant.arguments, **variant.attributes}
        unseen = {argument.arg: Binding(UnknownType("the profile has not seen it")) for argument in all_arguments(node)}
        layouts = {name: layout for name, value in values.items() for layout in _layouts(value)}
        types = {name: type_of(value) for name, value in values.items()}
        for exact in ({name: _with_units(types[name], value) for name, value in values.items()}, types):
            _add(found, unseen | {name: Binding(kind) for name, kind in exact.items()}, layouts)
    return tuple(found)


def _add(found: list[Signature], bindings: dict[str, Binding], layouts: Mapping[str, str]) -> None:
    for index, other in enumerate(found):
        if other.bindings == bindings:
            found[index] = replace(other, layouts=other.layouts if layouts in other.layouts else (*other.layouts, layouts))
            return
    found.append(Signature(bindings, (layouts,)))


def _with_units(kind: PyType, value: ValueProfile) -> PyType:
    """An array's type with the axes whose extent was one in every call; the type without is always beside it."""
    if not isinstance(kind, ArrayType) or not isinstance(value, ArrayProfile):
        return kind
    return replace(kind, units=tuple(axis for axis, extent in enumerate(value.extents) if extent.constant == 1))


def _layouts(value: ValueProfile) -> tuple[str, ...]:
    return (value.layout,) if isinstance(value, ArrayProfile) else ()


def type_of(value: ValueProfile) -> PyType:
    """The type that a profiled value stands for."""
    match value:
        case ArrayProfile(dtype=name, extents=extents):
            if not extents:
                return UnknownType("it is an array of rank 0")
            dtype = _dtype(name)
            return UnknownType(f"arrays of {name} are not supported") if dtype is None else ArrayType(dtype, len(extents))
        case ScalarProfile(type=name) if name in _SCALARS:
            return ScalarType("python", _SCALARS[name])
        case ScalarProfile(type=name):
            dtype = _dtype(name.removeprefix("numpy.").rstrip("_"))
            return UnknownType(f"{name} is not supported") if dtype is None else ScalarType("numpy", dtype)
        case ListProfile():
            return _list(value)
        case TupleProfile(items=items):
            found = {type_of(item) for item in items}
            inner = found.pop() if len(found) == 1 else None
            if isinstance(inner, ScalarType) and inner.box == "python":
                return ListType(inner.dtype, 1, "python", "tuple", (len(items),))
            return UnknownType("a tuple of anything but numbers of one type is not supported")
        case NoneProfile():
            return NoneType()
        case OtherProfile(type=name):
            return ObjectType(name)
        case _:
            kind = type(value).__name__.removesuffix("Profile").lower()
            return UnknownType(f"a {kind} is not supported yet")


def _list(value: ListProfile) -> PyType:
    """A list of numbers of one type, or of such lists."""
    match value.element:
        case None:
            return UnknownType("it was an empty list")
        case MixedProfile(types=types):
            return UnknownType(f"it is a list of {' and '.join(types)}")
        case ListProfile() if not value.rectangular:
            return UnknownType("it is a list of lists of several lengths")
        case element:
            inner = type_of(element)
    if isinstance(inner, ScalarType) and inner.box == "python":
        return ListType(inner.dtype, 1)
    if isinstance(inner, ListType) and inner.container == "list" and inner.rank < _DEEPEST:
        return ListType(inner.dtype, inner.rank + 1)
    if isinstance(inner, UnknownType):
        return UnknownType(inner.why.replace("it was", "it is a list of lists, which were").replace("it is", "in it is"))
    return UnknownType("a list of anything but numbers is not supported")


def _dtype(name: str) -> DType | None:
    try:
        return DType(name)
    except ValueError:
        return None


def _from_hints(node: FunctionNode, module: Module, owner: str) -> tuple[Signature, ...]:
    given = hints(node, module)
    arrays = {name: hint for name, hint in given.items() if isinstance(hint, OpenArray)}
    ranks = {name: hint.rank or inferred_rank(node, name) for name, hint in arrays.items()}
    open_ranks = any(rank is None for rank in ranks.values())
    result = []
    for guess in _GUESSED_RANKS if open_ranks else (0,):
        bindings: dict[str, Binding] = {}
        for argument in all_arguments(node):
            hint = given.get(argument.arg)
            if isinstance(hint, OpenArray):
                bindings[argument.arg] = Binding(ArrayType(hint.dtype or DType.FLOAT64, ranks[argument.arg] or guess))
            elif isinstance(hint, ScalarType | ListType):
                bindings[argument.arg] = Binding(hint)
            elif argument is _first_argument(node) and argument.arg in ("self", "cls"):
                bindings[argument.arg] = Binding(ObjectType(owner))
            else:
                bindings[argument.arg] = Binding(UnknownType())
        result.append(Signature(bindings, (), open_ranks))
    return tuple(result)


def _first_argument(node: FunctionNode) -> object:
    own = (*node.args.posonlyargs, *node.args.args)
    return own[0] if own else None
