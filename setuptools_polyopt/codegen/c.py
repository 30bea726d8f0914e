"""A kernel as C: the struct of its arguments, its function, and the functions of its parallel loops.

    kernel axpy(n) { argument x: float64[n] C; input a: float64; argument y: float64[n] C; for i in 0..n parallel: y[i] = y[i] + a*x[i] }

becomes

    struct axpy_args { int64_t n; double *x; double *y; double a; };
    int32_t POLYOPT_KERNEL(axpy)(const struct axpy_args *args, struct polyopt_ctx *ctx) { ... return ctx->failed; }

The kernels of a package go into one translation unit, which is compiled once per instruction-set level.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from setuptools_polyopt.codegen import affine
from setuptools_polyopt.codegen.expr import position
from setuptools_polyopt.codegen.function import INDENT, Function
from setuptools_polyopt.codegen.interleave import interleave
from setuptools_polyopt.codegen.jam import jam
from setuptools_polyopt.codegen.keep import sets_flags
from setuptools_polyopt.codegen.literals import c_type
from setuptools_polyopt.codegen.names import comment, sanitize
from setuptools_polyopt.codegen.outline import assemble, may_fail, ordered, outlined_loops, parameters, restricted
from setuptools_polyopt.codegen.registers import keep_in_registers
from setuptools_polyopt.codegen.rotate import rotate
from setuptools_polyopt.codegen.source import ArgField, KernelSource, LoopKey, Options
from setuptools_polyopt.codegen.statements import declare, emit_block
from setuptools_polyopt.codegen.storage import Unit, reads
from setuptools_polyopt.codegen.triangle import substitutions
from setuptools_polyopt.codegen.unchecked import without_checks
from setuptools_polyopt.codegen.work import kernel_work
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Expr
from setuptools_polyopt.ir.kernel import Kernel, Role
from setuptools_polyopt.ir.statements import Assign, Block, For, If, Serial, Stmt, While, walk


def kernel_source(kernel: Kernel, options: Options | None = None) -> KernelSource:
    """Print a kernel. The kernel must have passed `ir.verifier`. Raises TypeError for an operation that has no C form."""
    options = options or Options()
    work = kernel_work(kernel.body, kernel.body)
    if options.jam:
        kernel = rotate(keep_in_registers(substitutions(interleave(jam(without_checks(kernel))))))
    kernel = replace(kernel, body=_tidy(kernel.body))
    unit, main = _printed(kernel, replace(options, logged=()), sanitize(kernel.name))
    fields = arg_fields(unit)
    logging, texts = "", []
    if options.logged:
        logging = f"{unit.symbol}_logging"
        texts = list(_logging_text(*_printed(kernel, options, logging), unit.symbol))
    return KernelSource(
        name=kernel.name,
        symbol=unit.symbol,
        struct=_struct(unit, fields),
        text="\n".join([*texts, *unit.functions, _main_text(unit, main, logging)]),
        args=fields,
        loops=tuple(sorted(unit.loops)),
        wrappers=tuple(text for _, text in sorted(unit.wrappers.items())),
        libm=tuple(sorted(unit.libm)),
        uses_failed=may_fail(kernel.body),
        uses_flags=any(sets_flags(expr) for expr in _expressions(kernel)),
        chunked=unit.chunked,
        work=work,
        step=next((item.step for item in walk(kernel.body) if isinstance(item, For) and item.kind == "parallel"), 1),
    )


def _printed(kernel: Kernel, options: Options, symbol: str) -> tuple[Unit, Function]:
    unit = Unit(kernel, options, symbol)
    unit.chunked = unit.options.parallel and outlined_loops(kernel.body) == 1
    main = Function(unit, None, unit.written, may_fail(kernel.body))
    for array in kernel.arrays:
        if (array.role is Role.RESULT and not array.rank) or (array.role is Role.TEMPORARY and array.name not in unit.allocated):
            declare(main, array)
    emit_block(main, kernel.body)
    return unit, main


def _tidy(body: Block) -> Block:
    """Loop bounds as people write them."""

    def statement(item: Stmt) -> Stmt:
        match item:
            case For():
                return replace(item, lower=affine.tidy(item.lower), upper=affine.tidy(item.upper), body=_tidy(item.body))
            case If():
                return replace(item, body=_tidy(item.body), orelse=_tidy(item.orelse))
            case Serial() | While():
                return replace(item, body=_tidy(item.body))
            case _:
                return item

    return tuple(statement(item) for item in body)


def arg_fields(unit: Unit) -> tuple[ArgField, ...]:
    """The fields of the kernel's struct: parameters, arrays with their free strides, scalar inputs, scalar results."""
    names, fields = unit.names, []
    for param in unit.kernel.params:
        fields.append(ArgField("param", names.of(param.name), param.name, "int64_t", DType.INT64))
    for array in unit.kernel.arrays:
        name, kind = names.of(array.name), c_type(array.dtype)
        if array.role is Role.TEMPORARY:
            continue
        if array.rank:
            fields.append(ArgField("data", name, array.name, f"{kind} *", array.dtype))
        elif array.role is Role.INPUT:
            fields.append(ArgField("input", name, array.name, kind, array.dtype))
        else:
            fields.append(ArgField("result", name, array.name, f"{kind} *", array.dtype))
        for axis in range(array.rank):
            stride = unit.stride(array.name, axis)
            if isinstance(stride, str):
                fields.append(ArgField("stride", stride, array.name, "int64_t", DType.INT64, axis))
    return tuple(fields)


def _struct(unit: Unit, fields: Sequence[ArgField]) -> str:
    lines = []
    for item in fields:
        declaration = item.c_type if item.c_type.endswith("*") else f"{item.c_type} "
        if item.kind == "data":
            const = "const " if item.source not in unit.written else ""
            declaration = f"{const}{declaration}{'POLYOPT_RESTRICT ' if unit.restrict(item.source) else ''}"
        lines.append(f"{INDENT}{declaration}{item.name};\n")
    body = "".join(lines) or f"{INDENT}int64_t nothing;\n"
    return f"struct {unit.symbol}_args {{\n{body}}};\n"


def _main_text(unit: Unit, main: Function, logging: str) -> str:
    """The kernel itself. logging: the function that does the same and logs, called where the context has a log."""
    symbol = unit.symbol
    kernel = f"{prototype(symbol)}int32_t POLYOPT_KERNEL({symbol})(const struct {symbol}_args *args, struct polyopt_ctx *ctx)\n"
    first = f"{INDENT}if (ctx->log.step) return {logging}(args, ctx);\n" if logging else ""
    return _function_text(unit, main, symbol, kernel, first)


def _function_text(unit: Unit, main: Function, struct: str, head: str, first: str = "") -> str:
    """A function of a kernel's arguments, by way of one whose parameters are the arrays that nothing else reaches."""
    derived = [f"const int64_t {name} = {position(step, main).text};" for name, step in sorted(main.derived.items())]
    arrays = restricted(unit, main) if any("for (" in line for line in main.lines) else []
    prologue = [f"{local.declare}{local.name} = args->{local.name};" for local in ordered(main) if local not in arrays] + derived
    epilogue = [
        f"*args->{unit.names.of(array.name)} = {unit.names.of(array.name)};"
        for array in unit.kernel.arrays
        if array.role is Role.RESULT and not array.rank
    ]
    if not prologue and not epilogue:
        prologue = ["(void)args;"]
    span = unit.kernel.span
    where = f"{comment(f'{unit.kernel.name}: {span.file}:{span.lines}')}\n" if span.line else ""
    text = assemble(main, prologue, epilogue, "return ctx->failed;")
    if not arrays:
        return f"{where}{head}{text.replace('{' + chr(10), '{' + chr(10) + first, 1)}"
    inner = f"static int32_t {unit.symbol}_main(const struct {struct}_args *args{parameters(arrays)}, struct polyopt_ctx *ctx)\n"
    passed = "".join(f", args->{local.name}" for local in arrays)
    call = f"{{\n{first}{INDENT}return {unit.symbol}_main(args{passed}, ctx);\n}}\n"
    return f"{where}{inner}{text}\n{head}{call}"


def _logging_text(unit: Unit, main: Function, symbol: str) -> Iterator[str]:
    """The functions that do what the kernel does and log."""
    yield from unit.functions
    head = f"static int32_t {unit.symbol}(const struct {symbol}_args *args, struct polyopt_ctx *ctx)\n"
    yield _function_text(unit, main, symbol, head)


def prototype(symbol: str) -> str:
    """The declaration of a kernel's function, for the level that POLYOPT_LEVEL names."""
    return f"int32_t POLYOPT_KERNEL({symbol})(const struct {symbol}_args *args, struct polyopt_ctx *ctx);\n"


def _expressions(kernel: Kernel) -> Iterable[Expr]:
    for item in walk(kernel.body):
        yield from reads(item)
        if isinstance(item, Assign):
            yield item.value
        elif isinstance(item, If | While):
            yield item.cond


def loop_table(sources: Iterable[KernelSource]) -> tuple[LoopKey, ...]:
    """The inner loops that the kernels of a package need, in the order of the extension's table."""
    return tuple(sorted({key for source in sources for key in source.loops}))


def declarations(sources: Sequence[KernelSource], table: Sequence[LoopKey] | None = None) -> str:
    """What the kernels of one unit share: the indices of the inner loops that they call, and the structs of their arguments.

    table: the extension's table of inner loops; by default that of these kernels alone.
    """
    indices = {key: index for index, key in enumerate(loop_table(sources) if table is None else table)}
    constants = "".join(f"{INDENT}{key.constant} = {indices[key]},\n" for key in loop_table(sources))
    enumeration = f"enum {{\n{constants}}};\n\n" if constants else ""
    return enumeration + "\n".join(source.struct for source in sources)


def translation_unit(sources: Sequence[KernelSource], table: Sequence[LoopKey] | None = None) -> str:
    """Kernels as one C file; every level compiles the same text. table: as in `declarations`."""
    wrappers = sorted({text for source in sources for text in source.wrappers})
    parts = [
        '#include "polyopt.h"\n#include "polyopt_ops.h"\n',
        declarations(sources, table),
        *wrappers,
        *(source.text for source in sources),
    ]
    return "\n".join(part for part in parts if part)
