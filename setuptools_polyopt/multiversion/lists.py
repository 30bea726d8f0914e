"""Lists in entry points: what is copied in before the kernel runs, and put back behind it (`codegen/support/polyopt_list.h`).

    struct polyopt_list lists[2];
    ... the boxes that isl says are read and written
    if (!polyopt_lists_pay(lists, 2, 0.0, work)) ...
    if ((why = polyopt_lists_read(&call, lists, 2))) ...
    ... the call
    if (!why) why = polyopt_lists_write(&call, lists, 2);
"""

from __future__ import annotations

from collections.abc import Iterator

from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Cast, Const, Expr, integer
from setuptools_polyopt.ir.kernel import Array, ArrayInput, NoOverlap, Role
from setuptools_polyopt.ir.statements import Serial, walk
from setuptools_polyopt.multiversion.safety import Box
from setuptools_polyopt.multiversion.version import DTYPES, Version, result_arrays, source_of


def lists_taken(version: Version) -> Iterator[str]:
    """Are the lists worth their copies? If so, the elements that the kernel touches are read."""
    if not version.on_lists:
        return
    names, kernel = version.lists, version.native.variant.kernel
    yield f"const double work = (double)({version.text(version.native.source.work)});"
    yield f"struct polyopt_list lists[{max(1, len(names))}];"
    for number, name in enumerate(names):
        yield from _list(version, number, name)
    test = f"polyopt_lists_pay(lists, {len(names)}, {_made(version)}, {_certain(version)})"
    if _steered(version):
        yield f"const int tried = !{test};"
        test = "!tried || polyopt_lists_try(call.state)"
    yield f"if (!({test})) {version.refuse('lists of this size are worth a copy', 'SMALL')}"
    if names:
        guard = version.collected.guard(f"{', '.join(names)} can be read as arrays")
        yield f"if ((why = polyopt_lists_read(&call, lists, {len(names)}))) {{ guard = {guard}; goto {version.label}; }}"
    for assumption in kernel.assumptions:
        if isinstance(assumption, NoOverlap) and assumption.first in names:
            first, second = names.index(assumption.first), names.index(assumption.second)
            refusal = version.refuse(f"{assumption.first} and {assumption.second} have no row in common", "OVERLAP")
            yield f"if (polyopt_lists_apart(&call, &lists[{first}], &lists[{second}])) {refusal}"
    if _steered(version):
        yield "const int64_t began = tried ? polyopt_lists_now() : 0;"


def _made(version: Version) -> str:
    """How many elements of new lists leave; truth values, which are there already, count for a quarter."""
    weights = {DType.BOOL: "0.25 * "}
    return " + ".join(f"{weights.get(array.dtype, '')}(double)({version.text(_count(array))})" for array in made_lists(version)) or "0.0"


def _steered(version: Version) -> bool:
    """Whether data decides how often loops run."""
    return any(isinstance(statement, Serial) for statement in walk(version.native.variant.kernel.body))


def _certain(version: Version) -> str:
    """The work that copies of lists must be worth: Python may leave a loop early, but the lists are copied whole."""
    native = version.native
    unsure = native.certain is not None and native.certain != native.source.work
    return f"(double)({version.text(native.certain)})" if unsure and native.certain is not None else "work"


def _list(version: Version, number: int, name: str) -> Iterator[str]:
    """What the kernel does to one list: boxes of subscripts."""
    kernel, found = version.native.variant.kernel, version.native.footprints.get(name)
    nothing: Box = tuple((integer(0), integer(0)) for _ in kernel.array(name).extents)
    read = found.touched if found is not None and (found.loads or found.written is None) else nothing
    written = found.written or nothing if found is not None else nothing
    index = version.where[name]
    kind = version.native.variant.inputs[index].type
    assert isinstance(kind, ArrayInput)  # the holder of an array
    flags = {"POLYOPT_READ": read is not nothing, "POLYOPT_WRITE": kind.written, "POLYOPT_TUPLE": kind.container == "tuple"}
    yield "{"
    for title, box, side in (("lo", read, 0), ("hi", read, 1), ("from", written, 0), ("to", written, 1)):
        yield f"    const int64_t {title}[] = {{{', '.join(version.text(bounds[side]) for bounds in box)}}};"
    chosen = " | ".join(flag for flag, wanted in flags.items() if wanted) or "0"
    yield f"    polyopt_list_of(&lists[{number}], {source_of(version, index)}, &po_in[{index}], {chosen}, lo, hi, from, to);"
    yield "}"


def made_lists(version: Version) -> tuple[Array, ...]:
    outputs = [output for output in version.native.variant.outputs if output.box in ("list", "numpy-list")]
    names = {name for output in outputs for name in (output.array, output.tag)}
    return tuple(array for array in result_arrays(version.native) if array.name in names)


def _count(array: Array) -> Expr:
    """How many elements an array has, in floating point."""
    total: Expr = Const(1.0, DType.FLOAT64)
    for extent in array.extents:
        total = Binary("mul", total, Cast(extent, DType.FLOAT64), DType.FLOAT64)
    return total


def lists_leave(version: Version) -> Iterator[str]:
    """Lists may leave, and be written, unless there is a nan in one: then nothing is, and the original statements run."""
    if not version.on_lists:
        return
    if _steered(version):
        yield f"if (tried) polyopt_lists_tried(call.state, lists, {len(version.lists)}, {_made(version)}, polyopt_lists_now() - began);"
    yield "if (!why) {"
    for output in version.native.variant.outputs:
        for part in (output.array, output.tag) if output.length is not None else ():
            if part is not None:
                yield f"    {version.names.of(part)}.extent[0] = {version.names.of(output.length or '')};"
    yield f"    guard = {version.collected.guard('no nan goes into a list')};"
    made = {array.name for array in made_lists(version)}
    for array in version.native.variant.kernel.arrays:
        name = version.names.of(array.name)
        if array.name in made:
            yield f"    if (!why) why = polyopt_list_leaves(&call, &{name});"
        elif array.role is Role.RESULT and not array.rank and array.dtype in (DType.FLOAT64, DType.COMPLEX128):
            yield f"    if (!why) why = polyopt_number_leaves(&call, {DTYPES[array.dtype]}, &{name});"
    if any(kind.written for kind in list_inputs(version)):
        yield f"    if (!why) why = polyopt_lists_write(&call, lists, {len(version.lists)});"
    yield "}"


def list_inputs(version: Version) -> Iterator[ArrayInput]:
    for item in version.native.variant.inputs:
        if isinstance(item.type, ArrayInput) and item.type.container != "ndarray":
            yield item.type
