"""Entry points: the guard of each region in C, and the call of its kernel.

Runs after code generation; everything it asks at run time comes from the variant's inputs and recorded assumptions, nothing else. One
function a region; variants that take the same types share the taking of the arguments.

Shape of the generated code (see `codegen/support/polyopt_entry.h` for what it calls):

    static PyObject *enter_heat_0(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
    {
        ... count, globals
        {   // types: A float64[.], B float64[.], n int
            take the arguments; a failure goes on with the next types
            {   // variant 0
                parameters; extents; layouts; conditions; overlap
                results; copies of what a failure must restore; the call; boxes
            }
        }
    miss: ... done: ...
    }
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from setuptools_polyopt.codegen.expr import guard_expression
from setuptools_polyopt.codegen.names import Names
from setuptools_polyopt.codegen.source import ArgField, KernelSource
from setuptools_polyopt.exhaustive import assert_never
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Cast, Const, Expr, integer
from setuptools_polyopt.ir.kernel import (
    Array,
    ArrayInput,
    Box,
    Constant,
    Contiguous,
    GlobalGuard,
    Holds,
    Input,
    Layout,
    MethodInput,
    NoOverlap,
    ObjectInput,
    OrderedStrides,
    Role,
    ScalarInput,
    lists_of,
    makes_lists,
)
from setuptools_polyopt.ir.printer import print_expr
from setuptools_polyopt.multiversion.merge import holders, merged_axes
from setuptools_polyopt.multiversion.names import global_rows, quoted
from setuptools_polyopt.multiversion.plan import NativeRegion, NativeVariant, kernels
from setuptools_polyopt.multiversion.safety import Box as Bounds

_DTYPE = {
    dtype: "POLYOPT_BOOL" if dtype is DType.BOOL else f"POLYOPT_{dtype.kind.upper()}{8 * dtype.itemsize}" for dtype in DType
} | {DType.FLOAT32: "POLYOPT_F32", DType.FLOAT64: "POLYOPT_F64"}
_CTYPE = {dtype: f"{dtype.value}_t" for dtype in DType if dtype.is_integer} | {
    DType.BOOL: "uint8_t", DType.FLOAT32: "float", DType.FLOAT64: "double",
    DType.COMPLEX64: "polyopt_c64", DType.COMPLEX128: "polyopt_c128",
}  # fmt: skip
_LOCALS = (
    *("po_self", "po_args", "po_count", "po_in", "po_value", "call", "result", "guard", "why", "done"),
    *("k", "arrays", "saved", "kept", "lo", "hi", "next", "flags_raise", "work", "merged", "steps", "whole", "lists", "from", "to"),
)
"""What generated functions call their own variables."""

LEVELS = ("base", "v2", "v3", "v4")


@dataclass
class _Region:
    """What one region's text collects besides its statements: guard texts, attribute slots, tables of methods' defaults; rows of the
    module-level names that are inputs."""

    @property
    def fetches(self) -> bool:
        """Whether inputs are more than the arguments themselves."""
        return bool(self.attributes or self.values)

    guards: list[str] = field(default_factory=list)
    attributes: list[str] = field(default_factory=list)
    defaults: list[str] = field(default_factory=list)
    values: dict[str, int] = field(default_factory=dict)

    def guard(self, text: str) -> int:
        if text not in self.guards:
            self.guards.append(text)
        return self.guards.index(text)


def region_source(native: NativeRegion, first_global: int) -> str:
    """C text of one region's entry point `enter_SYMBOL`, with declarations of its kernels and the table of its guards' texts.

    first_global: index of the region's first entry in the module's table of globals.
    """
    region = native.region
    collected = _Region(values=_values(native, first_global))
    count = len(region.arguments)
    body: list[str] = []
    miss_count = collected.guard(f"{count} arguments")
    body.append(f"if (po_count != {count}) POLYOPT_REFUSE({miss_count}, POLYOPT_WHY_COUNT);")
    if region.globals:
        names = ", ".join(".".join((item.name, *item.attributes)) for item in region.globals)
        miss = collected.guard(f"globals {names}")
        total = sum(len(global_rows(item)) for item in region.globals)
        body.append(f"if (!polyopt_globals_ok(call.state, {first_global}, {total})) POLYOPT_REFUSE({miss}, POLYOPT_WHY_GLOBAL);")
    resting = collected.guard("the last calls were not given up")
    body.append(f"if (polyopt_resting(call.state)) POLYOPT_REFUSE({resting}, POLYOPT_WHY_REST);")
    groups = _groups(native.variants)
    for number, group in enumerate(groups):
        body += _group(native, group, number, collected)
    width = max(len(group[0].variant.inputs) for group in groups)
    head = [
        f"/* {region.span.file}:{region.span.lines}: {region.function} */",
        *(row for variant in native.variants for source, loops in kernels(variant) for row in _kernel_declarations(source, loops)),
        *(
            f'static struct polyopt_attribute {native.symbol}_a{k} = {{"{name}", NULL, NULL, NULL, NULL, NULL}};'
            for k, name in enumerate(collected.attributes)
        ),
        *collected.defaults,
        f"static const char *const guards_{native.symbol}[] = {{{', '.join(quoted(text) for text in collected.guards)}, NULL}};",
        f"static PyObject *enter_{native.symbol}(PyObject *po_self, PyObject *const *po_args, Py_ssize_t po_count)",
        "{",
        "    struct polyopt_call call;",
        f"    struct polyopt_array po_in[{max(1, width)}];",
        f"    PyObject *po_value[{max(1, width)}] = {{NULL}};" if collected.fetches else "",
        "    PyObject *result = NULL;",
        "    int guard = 0, why = 0;",
        f"    for (int k = 0; k < {max(1, width)}; k++) po_in[k].held = 0;",
        "    polyopt_begin(&call, po_self);",
    ]
    tail = ["result = polyopt_miss(call.state, po_args, po_count, guard, why);"]
    text = "\n".join([*(row for row in head if row), *_pad(body, 1), *_pad(tail, 1)])
    release = [f"for (int k = 0; k < {max(1, width)}; k++) polyopt_drop(&po_in[k]);"]
    if collected.fetches:
        release.append(f"for (int k = 0; k < {max(1, width)}; k++) Py_XDECREF(po_value[k]);")
    return text + "\ndone:\n" + "\n".join(_pad([*release, "polyopt_end(&call);", "return result;"], 1)) + "\n}\n"


def _values(native: NativeRegion, row: int) -> dict[str, int]:
    """The row of each module-level name that is an input."""
    found = {}
    for guard in native.region.globals:
        if guard.kind == "value":
            found[f"{guard.home or native.module}:{guard.name}"] = row
        row += len(global_rows(guard))
    return found


def _pad(rows: Sequence[str], level: int) -> list[str]:
    return ["    " * level + row if row else row for row in rows]


def _kernel_declarations(source: KernelSource, indexes: Sequence[int]) -> Iterator[str]:
    symbol = source.symbol
    yield source.struct.rstrip()
    yield f"PO_DECLARE({symbol})"
    table = ", ".join(f"PO_{level.upper()}({symbol})" for level in LEVELS)
    yield f"static const polyopt_kernel levels_{symbol}[POLYOPT_LEVELS] = {{{table}}};"
    loops = "NULL"
    if indexes:
        loops = f"loops_{symbol}"
        yield f"static const int32_t {loops}[] = {{{', '.join(map(str, indexes))}, -1}};"
    flags = "POLYOPT_FP_ALL" if source.uses_flags else "0"
    yield (
        f"static const struct polyopt_kernel_spec kernel_{symbol} = "
        f"{{{quoted(symbol)}, levels_{symbol}, sizeof(struct {symbol}_args), {loops}, {flags}}};"
    )


def _groups(variants: Sequence[NativeVariant]) -> list[list[NativeVariant]]:
    """Variants whose inputs are taken alike, in order of first appearance."""
    groups: dict[tuple[object, ...], list[NativeVariant]] = {}
    for variant in variants:
        groups.setdefault(tuple(_taken_as(item) for item in variant.variant.inputs), []).append(variant)
    return list(groups.values())


def _taken_as(item: Input) -> object:
    match item.type:
        case ArrayInput() as array:
            return (item.text, array.dtype, len(array.extents), array.written, array.container)
        case ScalarInput() as scalar:
            return (item.text, scalar.box, scalar.dtype)
        case ObjectInput():
            return (item.text,)
        case MethodInput():
            return (item.text, item.type)


def _group(native: NativeRegion, group: Sequence[NativeVariant], number: int, collected: _Region) -> list[str]:
    inputs = group[0].variant.inputs
    rows: list[str] = ["{"]
    inner: list[str] = []
    label = f"next_{number}"
    for index, item in enumerate(inputs):
        inner += _take(native, index, item, collected, label)
    for variant_number, variant in enumerate(group):
        inner += _variant(variant, collected, f"after_{number}_{variant_number}", native.region.arguments)
    rows += _pad(inner, 1)
    rows += ["}", f"{label}:;"]
    release = [f"polyopt_drop(&po_in[{k}]); po_in[{k}].held = 0;" for k, item in enumerate(inputs) if isinstance(item.type, ArrayInput)]
    return rows + release


def _take(native: NativeRegion, index: int, item: Input, collected: _Region, label: str) -> list[str]:
    region = native.region
    rows: list[str] = []
    if item.root in collected.values:
        rows.append(f"Py_XDECREF(po_value[{index}]);")
        rows.append(f"po_value[{index}] = polyopt_global_value(call.state, {collected.values[item.root]});")
        source = f"po_value[{index}]"
    else:
        source = f"po_args[{region.arguments.index(item.root)}]"
    if item.path:
        path = item.path[:-1] if isinstance(item.type, MethodInput) else item.path
        for depth, name in enumerate(path):
            slot = len(collected.attributes)
            collected.attributes.append(name)
            guard = collected.guard(f"{item.text} is a plain attribute")
            holder = source if depth == 0 else f"po_value[{index}]"
            rows.append("{")
            rows.append(f"    PyObject *next = polyopt_attribute(&{native.symbol}_a{slot}, {holder});")
            rows.append(f"    Py_XDECREF(po_value[{index}]);")
            rows.append(f"    po_value[{index}] = next;")
            rows.append(f"    if (!next) {{ guard = {guard}; why = POLYOPT_WHY_TYPE; goto {label}; }}")
            rows.append("}")
        source = f"po_value[{index}]" if path else source
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
            call = f"polyopt_take_list({source}, &po_in[{index}], {_DTYPE[array.dtype]}, {len(array.extents)}, {flags})"
        case ArrayInput() as array:
            guard = collected.guard(f"{item.text} is a {array.dtype.value} array of rank {len(array.extents)}")
            flags = "POLYOPT_WRITABLE" if array.written else "0"
            call = f"polyopt_take_array({source}, &po_in[{index}], {_DTYPE[array.dtype]}, {len(array.extents)}, {flags})"
        case ScalarInput() as scalar:
            guard = collected.guard(f"{item.text} is a {'Python' if scalar.box is Box.PYTHON else 'NumPy'} {scalar.dtype.value}")
            rows.append(f"{_CTYPE[scalar.dtype]} s{index};")
            call = _take_scalar(source, scalar, index)
        case ObjectInput():
            return rows
    rows.append(f"if ((why = {call})) {{ guard = {guard}; goto {label}; }}")
    return rows


def _defaults(native: NativeRegion, defaults: Sequence[tuple[int, Constant]], collected: _Region) -> str:
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
        return f"polyopt_take_scalar({source}, {_DTYPE[scalar.dtype]}, &s{index})"
    match scalar.dtype.kind:
        case "b":
            return f"polyopt_take_bool({source}, &s{index})"
        case "f":
            return f"polyopt_take_float({source}, &s{index})"
        case "c":
            return f"polyopt_take_complex({source}, &s{index})"
        case _:
            return f"polyopt_take_int({source}, &s{index}, INT64_MIN, INT64_MAX)"


@dataclass
class _Version:
    """One variant's text in the making: `label` is where a refusal goes on, `where` the input that holds an array, `arguments` the
    names behind `po_args`."""

    native: NativeVariant
    collected: _Region
    label: str
    where: dict[str, int]
    arguments: Sequence[str]
    names: Names = field(default_factory=lambda: Names(_LOCALS))

    @property
    def lists(self) -> tuple[str, ...]:
        """The arguments that are lists, in the order of `lists[...]`."""
        names = lists_of(self.native.variant)
        return tuple(name for name in self.where if name in names)

    @property
    def on_lists(self) -> bool:
        """Whether lists come in or go out."""
        return bool(self.lists) or makes_lists(self.native.variant)

    @property
    def axes(self) -> tuple[str, ...]:
        """The extents of axes that the call may merge."""
        return merged_axes(self.native.variant.kernel)

    def refuse(self, guard: str, why: str) -> str:
        return f"{{ guard = {self.collected.guard(guard)}; why = POLYOPT_WHY_{why}; goto {self.label}; }}"

    def text(self, expr: Expr) -> str:
        """A condition or a number over the parameters and scalar inputs, in C."""
        params = self.native.variant.kernel.params
        names = {param.name: self.names.of(param.name) for param in params}
        for index, item in enumerate(self.native.variant.inputs):
            if isinstance(item.type, ScalarInput) and item.type.array is not None:
                names[item.type.array] = f"s{index}"
        return guard_expression(expr, params, names)


def _variant(native: NativeVariant, collected: _Region, label: str, arguments: Sequence[str]) -> list[str]:
    where = {item.type.array: index for index, item in enumerate(native.variant.inputs) if isinstance(item.type, ArrayInput)}
    version = _Version(native, collected, label, where, arguments)
    rows = [*_parameters(version), *_conditions(version), *_lists(version), *_results(version), *_call(version)]
    return ["{", *_pad(rows, 1), "}", f"{label}:;"]


def _parameters(version: _Version) -> Iterator[str]:
    """Parameters as local constants, and the equalities and ranges that their definitions ask for."""
    defined: set[str] = set()
    for index, item in enumerate(version.native.variant.inputs):
        match item.type:
            case ArrayInput() as array:
                for axis, extent in enumerate(array.extents):
                    text = f"{item.text}.shape[{axis}]"
                    yield from _define(version, defined, extent, f"po_in[{index}].extent[{axis}]", text)
            case ScalarInput(param=str() as name):
                yield from _define(version, defined, name, f"s{index}", item.text)
            case _:
                pass


def _define(version: _Version, defined: set[str], name: str | int, actual: str, text: str) -> Iterator[str]:
    """The first holder of a parameter defines it; later ones, and constants, must be equal."""
    if isinstance(name, int):
        yield f"if ({actual} != {name}) {version.refuse(f'{text} == {name}', 'EXTENT')}"
    elif name in defined:
        yield f"if ({actual} != {version.names.of(name)}) {version.refuse(f'{text} == {name}', 'EXTENT')}"
    else:
        defined.add(name)
        local = version.names.of(name)
        param = next(param for param in version.native.variant.kernel.params if param.name == name)
        yield f"const int64_t {local} = {actual};"
        range_ = f"{param.minimum} <= {name} <= {param.maximum}"
        yield f"if ({local} < {_int64(param.minimum)} || {local} > {_int64(param.maximum)}) {version.refuse(range_, 'RANGE')}"


def _int64(value: int) -> str:
    return "INT64_MIN" if value <= -(2**63) else f"INT64_C({value})" if abs(value) >= 2**31 else str(value)


def _conditions(version: _Version) -> Iterator[str]:
    variant, where = version.native.variant, version.where
    for item in variant.inputs:
        if not isinstance(item.type, ArrayInput) or item.type.layout is Layout.STRIDED or item.type.array in version.lists:
            continue
        axis = len(item.type.extents) - 1 if item.type.layout is Layout.C else 0
        refusal = version.refuse(f"{item.text} has stride one in axis {axis}", "LAYOUT")
        yield f"if (!polyopt_unit_stride(&po_in[{where[item.type.array]}], {axis})) {refusal}"
    for assumption in variant.kernel.assumptions:
        match assumption:
            case Holds(condition=condition, text=text):
                guard = text or print_expr(condition)
                yield f"if (!({version.text(condition)})) {version.refuse(guard, 'CONDITION')}"
            case NoOverlap(first=first) if first in version.lists:
                pass  # when they have been read
            case NoOverlap(first=first, second=second):
                refusal = version.refuse(f"{first} and {second} share no memory", "OVERLAP")
                test = f"polyopt_overlap(&po_in[{where[first]}], &po_in[{where[second]}]) != POLYOPT_DISJOINT"
                yield f"if ({test}) {refusal}"
            case OrderedStrides(array=array):
                refusal = version.refuse(f"{array} lies in memory in the order of its axes", "LAYOUT")
                yield f"if (!polyopt_c_order(&po_in[{where[array]}])) {refusal}"
            case Contiguous(array=array, axis=axis):
                refusal = version.refuse(f"{array} is contiguous from axis {axis} on", "LAYOUT")
                yield f"if (!polyopt_c_contiguous_from(&po_in[{where[array]}], {axis})) {refusal}"


def _result_arrays(native: NativeVariant) -> tuple[Array, ...]:
    return tuple(array for array in native.variant.kernel.arrays if array.role is Role.RESULT and array.rank)


def _lists(version: _Version) -> Iterator[str]:
    """Are the lists worth their copies? If so, the elements that the kernel touches are read."""
    if not version.on_lists:
        return
    names, kernel = version.lists, version.native.variant.kernel
    yield f"const double work = (double)({version.text(version.native.source.work)});"
    yield f"struct polyopt_list lists[{max(1, len(names))}];"
    for number, name in enumerate(names):
        yield from _list(version, number, name)
    made = [f"(double)({version.text(_count(array))})" for array in _made_lists(version)]
    test = f"polyopt_lists_pay(lists, {len(names)}, {' + '.join(made) or '0.0'}, work)"
    yield f"if (!{test}) {version.refuse('lists of this size are worth a copy', 'SMALL')}"
    if names:
        guard = version.collected.guard(f"{', '.join(names)} can be read as arrays")
        yield f"if ((why = polyopt_lists_read(&call, lists, {len(names)}))) {{ guard = {guard}; goto {version.label}; }}"
    for assumption in kernel.assumptions:
        if isinstance(assumption, NoOverlap) and assumption.first in names:
            first, second = names.index(assumption.first), names.index(assumption.second)
            refusal = version.refuse(f"{assumption.first} and {assumption.second} have no row in common", "OVERLAP")
            yield f"if (polyopt_lists_apart(&call, &lists[{first}], &lists[{second}])) {refusal}"


def _list(version: _Version, number: int, name: str) -> Iterator[str]:
    """What the kernel does to one list: boxes of subscripts."""
    kernel, found = version.native.variant.kernel, version.native.footprints.get(name)
    nothing: Bounds = tuple((integer(0), integer(0)) for _ in kernel.array(name).extents)
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
    yield f"    polyopt_list_of(&lists[{number}], {_source(version, index)}, &po_in[{index}], {chosen}, lo, hi, from, to);"
    yield "}"


def _source(version: _Version, index: int) -> str:
    """The object behind an input."""
    item = version.native.variant.inputs[index]
    taken = item.path or item.root not in version.arguments
    return f"po_value[{index}]" if taken else f"po_args[{version.arguments.index(item.root)}]"


def _made_lists(version: _Version) -> tuple[Array, ...]:
    outputs = [output for output in version.native.variant.outputs if output.box in ("list", "numpy-list")]
    names = {name for output in outputs for name in (output.array, output.tag)}
    return tuple(array for array in _result_arrays(version.native) if array.name in names)


def _count(array: Array) -> Expr:
    """How many elements an array has, in floating point."""
    total: Expr = Const(1.0, DType.FLOAT64)
    for extent in array.extents:
        total = Binary("mul", total, Cast(extent, DType.FLOAT64), DType.FLOAT64)
    return total


def _results(version: _Version) -> Iterator[str]:
    for array in version.native.variant.kernel.arrays:
        if array.role is Role.RESULT and not array.rank:
            yield f"{_CTYPE[array.dtype]} {version.names.of(array.name)};"
            yield f"memset(&{version.names.of(array.name)}, 0, sizeof {version.names.of(array.name)});"
    for array in _result_arrays(version.native):
        name = version.names.of(array.name)
        extents = ", ".join(version.text(extent) for extent in array.extents)
        flags = "POLYOPT_FORTRAN" if array.layout is Layout.FORTRAN else "0"
        yield f"struct polyopt_array {name} = {{.held = 0}};"
        yield f"const int64_t {name}_extents[] = {{{extents}}};"
        if array in _made_lists(version):
            make = f"polyopt_local_array(&call, &{name}, {_DTYPE[array.dtype]}, {array.rank}, {name}_extents)"
            yield f"const int {name}_object = {make} == POLYOPT_WHY_NONE;"
            continue
        call = f"polyopt_new_array(&{name}, {_DTYPE[array.dtype]}, {array.rank}, {name}_extents, {flags})"
        yield f"PyObject *const {name}_object = {call};"


def _call(version: _Version) -> Iterator[str]:
    native, names = version.native, version.names
    arrays, made_lists = _result_arrays(native), _made_lists(version)
    made = " && ".join(f"{names.of(array.name)}_object" for array in arrays)
    yield f"why = {f'({made}) ? 0 : POLYOPT_WHY_MEMORY' if made else '0'};"
    yield f"guard = {version.collected.guard('enough memory')};"
    yield from _save(version)
    if not version.on_lists:
        yield f"const double work = (double)({version.text(native.source.work)});"
    yield from _merge(version)
    yield "if (!why) {"
    yield f"    const struct {native.source.symbol}_args k = {{"
    for entry in native.source.args:
        yield f"        .{entry.name} = {_field_value(version, entry)},"
    if not native.source.args:
        yield "        0"
    yield "    };"
    failed = "the computation raises nothing and sets no floating-point flag that matters"
    yield f"    guard = {version.collected.guard(failed)};"
    objects = [] if version.on_lists else [_object(version, entry) for entry in native.source.args if entry.kind == "data"]
    if objects:
        yield f"    PyObject *const arrays[] = {{{', '.join(objects)}}};"
    count = -1 if version.on_lists else len(objects)
    given = f"&kernel_{native.source.symbol}, &k, {'arrays' if objects else 'NULL'}, {count}"
    yield f"    why = polyopt_run(&call, {given}, work);"
    yield "}"
    yield from _leave(version)
    if native.safety.keep:
        yield "if (why) while (kept) polyopt_restore(&saved[--kept]);"
    yield f"if (!why) result = polyopt_pack({', '.join((str(len(native.variant.outputs)), *_boxes(version)))});"
    used = {output.array for output in native.variant.outputs if output.box == "array"}
    for array in arrays:
        if array in made_lists:
            continue
        name = names.of(array.name)
        yield f"polyopt_drop(&{name});"
        yield f"{'Py_XDECREF' if array.name not in used else 'if (why) Py_XDECREF'}({name}_object);"
    yield "if (why && why != POLYOPT_WHY_EXCEPTION) POLYOPT_REFUSE(guard, why);"
    yield "goto done;"


def _leave(version: _Version) -> Iterator[str]:
    """Lists may leave, and be written, unless there is a nan in one: then nothing is, and the original statements run."""
    if not version.on_lists:
        return
    yield "if (!why) {"
    yield f"    guard = {version.collected.guard('no nan goes into a list')};"
    made = {array.name for array in _made_lists(version)}
    for array in version.native.variant.kernel.arrays:
        name = version.names.of(array.name)
        if array.name in made:
            yield f"    if (!why) why = polyopt_list_leaves(&call, &{name});"
        elif array.role is Role.RESULT and not array.rank and array.dtype in (DType.FLOAT64, DType.COMPLEX128):
            yield f"    if (!why) why = polyopt_number_leaves(&call, {_DTYPE[array.dtype]}, &{name});"
    if any(kind.written for kind in _list_inputs(version)):
        yield f"    if (!why) why = polyopt_lists_write(&call, lists, {len(version.lists)});"
    yield "}"


def _list_inputs(version: _Version) -> Iterator[ArrayInput]:
    for item in version.native.variant.inputs:
        if isinstance(item.type, ArrayInput) and item.type.container != "ndarray":
            yield item.type


def _save(version: _Version) -> Iterator[str]:
    """Copies of what a failure must restore. They are restored last copied first, so boxes may overlap."""
    keep = version.native.safety.keep
    if not keep:
        return
    yield f"struct polyopt_saved saved[{len(keep)}];"
    yield "int kept = 0;"
    if any(item.when == "when-flags-raise" for item in keep):
        yield "const int flags_raise = polyopt_flags_raise();"
    for item in keep:
        held = f"po_in[{version.where[item.array]}]"
        lower = ", ".join(version.text(low) for low, _ in item.box)
        upper = ", ".join(version.text(high) for _, high in item.box)
        yield f"if (!why{' && flags_raise' if item.when == 'when-flags-raise' else ''}) {{"
        yield f"    const int64_t lo[] = {{{lower}}}, hi[] = {{{upper}}};"
        yield f"    why = polyopt_save(&call, &saved[kept], &{held}, lo, hi);"
        yield "    kept += !why;"
        yield "}"


def _merge(version: _Version) -> Iterator[str]:
    """Axes taken as one where everything is contiguous over them: `merged` their extents, `steps` the strides, as the kernel sees them."""
    axes = version.axes
    if not axes:
        return
    arrays = [array for array in holders(version.native.variant.kernel, axes) if array.name in version.where]
    tests = [f"polyopt_c_contiguous_from(&po_in[{version.where[array.name]}], {array.rank - len(axes)})" for array in arrays]
    yield f"int64_t merged[] = {{{', '.join(map(version.names.of, axes))}}}, steps[{len(axes)}];"
    yield f"const int whole = {' && '.join([*tests, f'polyopt_merge(merged, steps, {len(axes)}, work)'])};"


def _field_value(version: _Version, entry: ArgField) -> str:
    local = version.names.of(entry.source)
    axes = version.axes
    if entry.kind == "param" and entry.source in axes:
        return f"merged[{axes.index(entry.source)}]"
    if entry.kind == "stride" and axes:
        array = version.native.variant.kernel.array(entry.source)
        axis = entry.axis - array.rank + len(axes)
        if axis >= 0 and array in holders(version.native.variant.kernel, axes):
            return f"whole ? steps[{axis}] : po_in[{version.where[entry.source]}].stride[{entry.axis}]"
    holder = f"po_in[{version.where[entry.source]}]" if entry.source in version.where else local
    match entry.kind:
        case "data":
            return f"{holder}.data"
        case "stride":
            return f"{holder}.stride[{entry.axis}]"
        case "param":
            return local
        case "result":
            return f"&{local}"
        case "input":
            inputs = version.native.variant.inputs
            return next(
                f"s{k}" for k, item in enumerate(inputs) if isinstance(item.type, ScalarInput) and item.type.array == entry.source
            )
        case _:
            assert_never(entry.kind)


def _object(version: _Version, entry: ArgField) -> str:
    """The NumPy array behind a data field."""
    if entry.source not in version.where:
        return f"{version.names.of(entry.source)}_object"
    return _source(version, version.where[entry.source])


def _boxes(version: _Version) -> Iterator[str]:
    seen: set[str] = set()
    for output in version.native.variant.outputs:
        if output.array is None:
            yield "PyList_New(0)" if output.box == "list" else "Py_NewRef(Py_None)"
            continue
        array = version.native.variant.kernel.array(output.array)
        name = version.names.of(array.name)
        match output.box:
            case "array":
                yield f"Py_NewRef({name}_object)" if array.name in seen else f"{name}_object"
                seen.add(array.name)
            case "numpy":
                yield f"polyopt_box_scalar({_DTYPE[array.dtype]}, &{name})"
            case "python":
                box = {"b": "bool", "i": "int", "u": "int", "f": "float", "c": "complex"}[array.dtype.kind]
                yield f"polyopt_box_{box}({name})"
            case "list" | "numpy-list":
                floats = f"&{version.names.of(output.tag)}" if output.tag is not None else "NULL"
                yield f"polyopt_box_list(&{name}, {floats}, {int(output.box == 'numpy-list')})"
            case "tagged":
                yield f"polyopt_box_tagged({_DTYPE[array.dtype]}, &{name}, {version.names.of(output.tag or '')})"
            case _:
                assert_never(output.box)
