"""The taking of a region's arguments in C: from Python objects to `po_in[k]` (arrays, lists) and `sk` (scalars).

Runs inside `entry`, once for all variants that take the same types; where an object is not of the type that a variant wants, the generated
code goes on to `label`, where the next types are tried. A path of attributes (`self.grid.n`) is walked first, a step a row.

    why = polyopt_take_array(po_args[0], &po_in[0], POLYOPT_FLOAT64, 1, POLYOPT_WRITABLE)
    if (why) { guard = 3; goto next_0; }
"""

from __future__ import annotations

from collections.abc import Sequence

from setuptools_polyopt.ir.kernel import (
    ArrayInput,
    Box,
    Constant,
    GlobalGuard,
    Input,
    MethodInput,
    ObjectInput,
    ScalarInput,
)
from setuptools_polyopt.multiversion.names import global_rows, quoted
from setuptools_polyopt.multiversion.plan import NativeRegion
from setuptools_polyopt.multiversion.version import CTYPES, DTYPES, Collected


def taken_as(item: Input) -> object:
    """What two inputs have to agree in for one taking to serve both."""
    match item.type:
        case ArrayInput() as array:
            return (item.text, array.dtype, len(array.extents), array.written, array.container)
        case ScalarInput() as scalar:
            return (item.text, scalar.box, scalar.dtype)
        case ObjectInput():
            return (item.text,)
        case MethodInput():
            return (item.text, item.type)


def take(native: NativeRegion, index: int, item: Input, collected: Collected, label: str) -> list[str]:
    """The rows that take input `index`."""
    source, rows = _found(native, index, item, collected, label)
    match item.type:
        case MethodInput(function=function, defaults=defaults):
            slot = len(collected.attributes)
            collected.attributes.append(item.path[-1])
            guard = collected.guard(f"{item.text} is the method {function}")
            module, _, name = function.partition(":")
            given = f"{quoted(module)}, {quoted(name)}, {_defaults(native, defaults, collected)}"
            call = f"polyopt_method(&{native.symbol}_a{slot}, {source}, call.state, {given})"
        case ArrayInput(container="list" | "tuple" as container) as array:
            kind = f"{container} of {array.dtype.value} numbers of rank {len(array.extents)}"
            guard = collected.guard(f"{item.text} is a {kind}")
            flags = "POLYOPT_TUPLE" if container == "tuple" else "0"
            call = f"polyopt_take_list({source}, &po_in[{index}], {DTYPES[array.dtype]}, {len(array.extents)}, {flags})"
        case ArrayInput() as array:
            guard = collected.guard(f"{item.text} is a {array.dtype.value} array of rank {len(array.extents)}")
            flags = "POLYOPT_WRITABLE" if array.written else "0"
            call = f"polyopt_take_array({source}, &po_in[{index}], {DTYPES[array.dtype]}, {len(array.extents)}, {flags})"
        case ScalarInput() as scalar:
            guard = collected.guard(f"{item.text} is a {'Python' if scalar.box is Box.PYTHON else 'NumPy'} {scalar.dtype.value}")
            rows.append(f"{CTYPES[scalar.dtype]} s{index};")
            call = _take_scalar(source, scalar, index)
        case ObjectInput():
            return rows
    rows.append(f"if ((why = {call})) {{ guard = {guard}; goto {label}; }}")
    return rows


def _found(native: NativeRegion, index: int, item: Input, collected: Collected, label: str) -> tuple[str, list[str]]:
    """An expression for the object to take, and the rows that find it: a module's value, attributes of an argument."""
    rows: list[str] = []
    if item.root in collected.values:
        rows.append(f"Py_XDECREF(po_value[{index}]);")
        rows.append(f"po_value[{index}] = polyopt_global_value(call.state, {collected.values[item.root]});")
        source = f"po_value[{index}]"
    else:
        source = f"po_args[{native.region.arguments.index(item.root)}]"
    path = item.path[:-1] if isinstance(item.type, MethodInput) else item.path
    for depth, name in enumerate(path, 1):
        take = "polyopt_settable" if item.stored and depth == len(path) else "polyopt_attribute"
        slot = len(collected.attributes)
        collected.attributes.append(name)
        guard = collected.guard(f"{item.text} is a plain attribute")
        rows.append("{")
        rows.append(f"    PyObject *next = {take}(&{native.symbol}_a{slot}, {source});")
        rows.append(f"    Py_XDECREF(po_value[{index}]);")
        rows.append(f"    po_value[{index}] = next;")
        rows.append(f"    if (!next) {{ guard = {guard}; why = POLYOPT_WHY_TYPE; goto {label}; }}")
        rows.append("}")
        source = f"po_value[{index}]"
    return source, rows


def _defaults(native: NativeRegion, defaults: Sequence[tuple[int, Constant]], collected: Collected) -> str:
    """The name of a table of what a method's defaults have to be."""
    if not defaults:
        return "NULL"
    rows = (global_rows(GlobalGuard("default", (), None, value, "", "default", position))[0] for position, value in defaults)
    name = f"{native.symbol}_d{len(collected.defaults)}"
    end = "{0, NULL, NULL, NULL, 0, 0, NULL, 0}"
    collected.defaults.append(f"static const struct polyopt_global {name}[] = {{{', '.join([*rows, end])}}};")
    return name


def _take_scalar(source: str, scalar: ScalarInput, index: int) -> str:
    if scalar.box is Box.NUMPY:
        return f"polyopt_take_scalar({source}, {DTYPES[scalar.dtype]}, &s{index})"
    match scalar.dtype.kind:
        case "b":
            return f"polyopt_take_bool({source}, &s{index})"
        case "f":
            return f"polyopt_take_float({source}, &s{index})"
        case "c":
            return f"polyopt_take_complex({source}, &s{index})"
        case _:
            return f"polyopt_take_int({source}, &s{index}, INT64_MIN, INT64_MAX)"
