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

from setuptools_polyopt.codegen.names import comment
from setuptools_polyopt.codegen.source import ArgField, KernelSource
from setuptools_polyopt.exhaustive import assert_never
from setuptools_polyopt.ir.kernel import (
    ArrayInput,
    Contiguous,
    Holds,
    Layout,
    NoOverlap,
    OrderedStrides,
    Role,
    ScalarInput,
)
from setuptools_polyopt.ir.printer import print_expr
from setuptools_polyopt.multiversion.lists import lists_leave, lists_taken, made_lists
from setuptools_polyopt.multiversion.merge import holders
from setuptools_polyopt.multiversion.names import global_rows, quoted
from setuptools_polyopt.multiversion.plan import NativeRegion, NativeVariant, kernels
from setuptools_polyopt.multiversion.safety import Kept
from setuptools_polyopt.multiversion.taking import take, taken_as
from setuptools_polyopt.multiversion.version import CTYPES, DTYPES, Collected, Version, int64, result_arrays, source_of

LEVELS = ("base", "v2", "v3", "v4")


def region_source(native: NativeRegion, first_global: int) -> str:
    """C text of one region's entry point `enter_SYMBOL`, with declarations of its kernels and the table of its guards' texts.

    first_global: index of the region's first entry in the module's table of globals.
    """
    region = native.region
    collected = Collected(values=_values(native, first_global))
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
        comment(f"{region.span.file}:{region.span.lines}: {region.function}"),
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
        groups.setdefault(tuple(taken_as(item) for item in variant.variant.inputs), []).append(variant)
    return list(groups.values())


def _group(native: NativeRegion, group: Sequence[NativeVariant], number: int, collected: Collected) -> list[str]:
    inputs = group[0].variant.inputs
    rows: list[str] = ["{"]
    inner: list[str] = []
    label = f"next_{number}"
    for index, item in enumerate(inputs):
        inner += take(native, index, item, collected, label)
    for variant_number, variant in enumerate(group):
        inner += _variant(variant, collected, f"after_{number}_{variant_number}", native.region.arguments)
    rows += _pad(inner, 1)
    rows += ["}", f"{label}:;"]
    release = [f"polyopt_drop(&po_in[{k}]); po_in[{k}].held = 0;" for k, item in enumerate(inputs) if isinstance(item.type, ArrayInput)]
    return rows + release


def _variant(native: NativeVariant, collected: Collected, label: str, arguments: Sequence[str]) -> list[str]:
    where = {item.type.array: index for index, item in enumerate(native.variant.inputs) if isinstance(item.type, ArrayInput)}
    version = Version(native, collected, label, where, arguments)
    rows = [*_parameters(version), *_conditions(version), *lists_taken(version), *_results(version), *_call(version)]
    return ["{", *_pad(rows, 1), "}", f"{label}:;"]


def _parameters(version: Version) -> Iterator[str]:
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


def _define(version: Version, defined: set[str], name: str | int, actual: str, text: str) -> Iterator[str]:
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
        yield f"if ({local} < {int64(param.minimum)} || {local} > {int64(param.maximum)}) {version.refuse(range_, 'RANGE')}"


def _conditions(version: Version) -> Iterator[str]:
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


def _results(version: Version) -> Iterator[str]:
    for array in version.native.variant.kernel.arrays:
        if array.role is Role.RESULT and not array.rank:
            yield f"{CTYPES[array.dtype]} {version.names.of(array.name)};"
            yield f"memset(&{version.names.of(array.name)}, 0, sizeof {version.names.of(array.name)});"
    for array in result_arrays(version.native):
        name = version.names.of(array.name)
        extents = ", ".join(version.text(extent) for extent in array.extents)
        flags = "POLYOPT_FORTRAN" if array.layout is Layout.FORTRAN else "0"
        yield f"struct polyopt_array {name} = {{.held = 0}};"
        yield f"const int64_t {name}_extents[] = {{{extents}}};"
        if array in made_lists(version):
            make = f"polyopt_local_array(&call, &{name}, {DTYPES[array.dtype]}, {array.rank}, {name}_extents)"
            yield f"const int {name}_object = {make} == POLYOPT_WHY_NONE;"
            continue
        call = f"polyopt_new_array(&{name}, {DTYPES[array.dtype]}, {array.rank}, {name}_extents, {flags})"
        yield f"PyObject *const {name}_object = {call};"


def _call(version: Version) -> Iterator[str]:
    native, names = version.native, version.names
    arrays, new_lists = result_arrays(native), made_lists(version)
    made = " && ".join(f"{names.of(array.name)}_object" for array in arrays)
    yield f"why = {f'({made}) ? 0 : POLYOPT_WHY_MEMORY' if made else '0'};"
    yield f"guard = {version.collected.guard('enough memory')};"
    yield from _save(version)
    if not version.on_lists:
        yield f"const double work = (double)({version.text(native.source.work)});"
    yield from _log(version)
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
    yield from lists_leave(version)
    if native.safety.logged:
        yield "if (why) polyopt_log_undo(&call);"
    if native.safety.keep:
        yield "if (why) while (kept) polyopt_restore(&saved[--kept]);"
    yield f"if (!why) result = polyopt_pack({', '.join((str(len(native.variant.outputs)), *_boxes(version)))});"
    used = {output.array for output in native.variant.outputs if output.box == "array"}
    for array in arrays:
        if array in new_lists:
            continue
        name = names.of(array.name)
        yield f"polyopt_drop(&{name});"
        yield f"{'Py_XDECREF' if array.name not in used else 'if (why) Py_XDECREF'}({name}_object);"
    yield "if (why && why != POLYOPT_WHY_EXCEPTION) POLYOPT_REFUSE(guard, why);"
    yield "goto done;"


def _save(version: Version) -> Iterator[str]:
    """Copies of what a failure must restore. They are restored last copied first, so boxes may overlap."""
    keep = version.native.safety.keep
    if not keep:
        return
    yield f"struct polyopt_saved saved[{len(keep)}];"
    yield "int kept = 0;"
    if any(item.when == "when-flags-raise" for item in keep):
        yield "const int flags_raise = polyopt_flags_raise();"
    for item in keep:
        yield f"if (!why{' && flags_raise' if item.when == 'when-flags-raise' else ''}) {{"
        yield _ends(version, item)
        yield f"    why = polyopt_save(&call, &saved[kept], &po_in[{version.where[item.array]}], lo, hi);"
        yield "    kept += !why;"
        yield "}"


def _log(version: Version) -> Iterator[str]:
    """The boxes of the arrays whose stores the kernel logs, in the order of the kernel's numbers."""
    logged = version.native.safety.logged
    if not logged:
        return
    yield f"struct polyopt_saved logged[{len(logged)}];"
    for number, item in enumerate(logged):
        yield "{"
        yield _ends(version, item)
        yield f"    polyopt_log_of(&logged[{number}], &po_in[{version.where[item.array]}], lo, hi);"
        yield "}"
    yield f"if (!why) why = polyopt_log_begin(&call, logged, {len(logged)}, {'work' if version.native.safety.foreseen else '0.0'});"


def _ends(version: Version, item: Kept) -> str:
    lower = ", ".join(version.text(low) for low, _ in item.box)
    upper = ", ".join(version.text(high) for _, high in item.box)
    return f"    const int64_t lo[] = {{{lower}}}, hi[] = {{{upper}}};"


def _merge(version: Version) -> Iterator[str]:
    """Axes taken as one where everything is contiguous over them: `merged` their extents, `steps` the strides, as the kernel sees them."""
    axes = version.axes
    if not axes:
        return
    arrays = [array for array in holders(version.native.variant.kernel, axes) if array.name in version.where]
    tests = [f"polyopt_c_contiguous_from(&po_in[{version.where[array.name]}], {array.rank - len(axes)})" for array in arrays]
    yield f"int64_t merged[] = {{{', '.join(map(version.names.of, axes))}}}, steps[{len(axes)}];"
    yield f"const int whole = {' && '.join([*tests, f'polyopt_merge(merged, steps, {len(axes)}, work)'])};"


def _field_value(version: Version, entry: ArgField) -> str:
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


def _object(version: Version, entry: ArgField) -> str:
    """The NumPy array behind a data field."""
    if entry.source not in version.where:
        return f"{version.names.of(entry.source)}_object"
    return source_of(version, version.where[entry.source])


def _boxes(version: Version) -> Iterator[str]:
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
                yield f"polyopt_box_scalar({DTYPES[array.dtype]}, &{name})"
            case "python":
                box = {"b": "bool", "i": "int", "u": "int", "f": "float", "c": "complex"}[array.dtype.kind]
                yield f"polyopt_box_{box}({name})"
            case "list" | "numpy-list":
                floats = f"&{version.names.of(output.tag)}" if output.tag is not None else "NULL"
                yield f"polyopt_box_list(&{name}, {floats}, {int(output.box == 'numpy-list')})"
            case "tagged":
                yield f"polyopt_box_tagged({DTYPES[array.dtype]}, &{name}, {version.names.of(output.tag or '')})"
            case _:
                assert_never(output.box)
