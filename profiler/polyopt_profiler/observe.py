"""A value of the running program as a `ValueProfile`.

The program must not notice: no attribute is fetched in a way that runs its code, no container is walked whole, nothing is kept alive.
NumPy is used only where the program has imported it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from types import MemberDescriptorType
from typing import Any

from setuptools_polyopt.profile.merging import join
from setuptools_polyopt.profile.schema import (
    INTEGER_LIMIT,
    ArrayProfile,
    Layout,
    ListProfile,
    NoneProfile,
    OtherProfile,
    Range,
    ScalarProfile,
    StrProfile,
    TupleProfile,
    ValueProfile,
)

MISSING = object()
MOCKED = "unittest.mock."
MAX_ITEMS = 16
"""The longest tuple that is described item by item."""
_SAMPLES = (8, 4, 2, 1)
"""How many elements of a list are looked at, by depth of nesting; lists nested more deeply are not looked into."""
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,15}")
_NUMERIC_KINDS = "biufc"
_dtype_names: dict[str, str] = {}

# Classes too may have ways of their own to answer, in a metaclass; these ask `type` itself.
_mro_of: Callable[[type], tuple[type, ...]] = type.__dict__["__mro__"].__get__
_module_of: Callable[[type], str] = type.__dict__["__module__"].__get__
_name_of: Callable[[type], str] = type.__dict__["__qualname__"].__get__
_dictionary_of: Callable[[type], Mapping[str, object]] = type.__dict__["__dict__"].__get__


def observe(value: object, depth: int = 0) -> ValueProfile:
    """What a profile says of `value`. Exact types only: a subclass is something else, since it may behave otherwise."""
    kind = type(value)
    if kind is float or kind is complex or kind is bool:
        return ScalarProfile(kind.__name__)
    if value is None:
        return NoneProfile()
    known: Any = value  # from here on `kind` tells what it is; isinstance would ask the object itself
    if kind is int:
        return ScalarProfile("int", exact(known))
    if kind is str:
        return StrProfile((known,) if _WORD.fullmatch(known) else None)
    if kind is list and depth < len(_SAMPLES):
        return _observe_list(known, depth)
    if kind is tuple and len(known) <= MAX_ITEMS and depth < len(_SAMPLES):
        return TupleProfile(tuple(observe(item, depth + 1) for item in known))
    return _observe_numpy(known) or OtherProfile(type_name(kind))


def exact(value: int) -> Range:
    """The range that holds one integer only."""
    value = max(-INTEGER_LIMIT, min(INTEGER_LIMIT, value))
    return Range(value, value)


def type_name(kind: type) -> str:
    """ "module.QualifiedName", without the module for builtins; anything made by `unittest.mock` begins with `MOCKED`."""
    if any(_module_of(base) == "unittest.mock" for base in _mro_of(kind)):
        return MOCKED + _name_of(kind)
    module = _module_of(kind)
    name = _name_of(kind) if module == "builtins" else f"{module}.{_name_of(kind)}"
    return re.sub(r"\s", "", name)


def is_array(value: object) -> bool:
    """Whether `value` is a `numpy.ndarray` itself."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and type(value) is getattr(numpy, "ndarray", None)


def _observe_list(value: list[object], depth: int) -> ListProfile:
    length = len(value)
    elements = [observe(item, depth + 1) for item in samples(value, _SAMPLES[depth])]
    return _settled(ListProfile(exact(length), reduce(join, elements) if elements else None))


def _settled(value: ListProfile) -> ListProfile:
    """With `rectangular` as the lengths below say; within one value, joined lengths that differ are ragged lists."""
    if not isinstance(value.element, ListProfile):
        return value
    return replace(value, element=_settled(value.element), rectangular=value.element.length.constant is not None)


def samples(items: Sequence[object], count: int) -> list[object]:
    """At most `count` items, spread evenly, the first and the last among them; the same ones each time."""
    length = len(items)
    if length <= count:
        return list(items)
    if count == 1:
        return [items[0]]
    return [items[index * (length - 1) // (count - 1)] for index in range(count)]


def _observe_numpy(value: object) -> ValueProfile | None:
    numpy: Any = sys.modules.get("numpy")
    if numpy is None or not hasattr(numpy, "ndarray"):
        return None
    if type(value) is numpy.ndarray:
        return observe_array(value)
    if issubclass(type(value), numpy.generic) and _module_of(type(value)) == "numpy":
        return _observe_numpy_scalar(value)
    return None


def observe_array(array: Any) -> ArrayProfile:
    """An ndarray's type, extents, layout and writability; its elements are not read."""
    flags = array.flags
    layout: Layout = "C" if flags.c_contiguous else "F" if flags.f_contiguous else "strided"
    return ArrayProfile(dtype_name(array.dtype), tuple(map(exact, array.shape)), (layout,), flags.writeable)


def _observe_numpy_scalar(value: Any) -> ValueProfile:
    if value.dtype.kind not in _NUMERIC_KINDS:
        return OtherProfile(type_name(type(value)))
    return ScalarProfile(f"numpy.{value.dtype.name}", exact(int(value)) if value.dtype.kind in "iu" else None)


def dtype_name(dtype: Any) -> str:
    """NumPy's canonical name, `dtype.str` for numbers in foreign byte order; strings and structures without their sizes."""
    spelled = dtype.str
    name = _dtype_names.get(spelled)
    if name is None:
        if dtype.kind in _NUMERIC_KINDS:
            name = dtype.name if dtype.isnative else spelled
        elif dtype.kind in "OMm":
            name = dtype.name
        else:
            name = {"S": "bytes", "U": "str", "V": "void"}.get(dtype.kind, dtype.name)
        _dtype_names[spelled] = name
    return name


def attribute(value: object, name: str) -> object:
    """The data attribute `name` of `value`, found without running any code of the program; `MISSING` where there is none.

    Methods, properties and what `__getattr__` would make up count as missing.
    """
    of_class = _in_classes(type(value), name)
    if type(of_class) is MemberDescriptorType:
        return _slot(of_class, value)
    if _defines(of_class, "__set__"):
        return MISSING  # a property
    if issubclass(type(value), type):
        known: Any = value
        found = _in_classes(known, name)
        return MISSING if _defines(found, "__get__") else found
    own = _own_dictionary(value).get(name, MISSING)
    if own is not MISSING:
        return own
    return MISSING if _defines(of_class, "__get__") else of_class


def _slot(descriptor: MemberDescriptorType, value: object) -> object:
    try:
        return descriptor.__get__(value, type(value))
    except AttributeError:
        return MISSING  # the slot has not been set yet


def _in_classes(kind: type, name: str) -> object:
    for base in _mro_of(kind):
        found = _dictionary_of(base).get(name, MISSING)
        if found is not MISSING:
            return found
    return MISSING


def _defines(value: object, special: str) -> bool:
    """Whether the type of `value` has the special method."""
    return _in_classes(type(value), special) is not MISSING


def _own_dictionary(value: object) -> dict[str, object]:
    try:
        found = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    return found if type(found) is dict else {}
