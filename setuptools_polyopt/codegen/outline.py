"""Parallel loops: the body as a function of its own that runs a piece of the iterations.

    for i in 0..n parallel: ...        struct heat_env1 { ... };
                                       static void heat_body1(env, double *POLYOPT_RESTRICT A, lo, hi, ctx) { for ... }
                                       ...
                                       polyopt_parallel_for(ctx, 0, n, grain, heat_run1, &env)

The typed function takes the arrays as restrict parameters, the only form in which gcc believes that they do not overlap and takes what
does not move out of a loop; the pool's untyped callback only calls it. Pieces count iterations: of step one by the iterator itself, else by
number. Parallel loops inside a parallel loop's body stay serial.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from setuptools_polyopt.codegen import affine
from setuptools_polyopt.codegen.expr import position, value
from setuptools_polyopt.codegen.function import INDENT, Function, Local
from setuptools_polyopt.codegen.storage import PIECE_LOWER, PIECE_UPPER, Unit
from setuptools_polyopt.codegen.work import block_work, usual, with_loop
from setuptools_polyopt.ir.expressions import Binary, Expr, Sym, integer
from setuptools_polyopt.ir.statements import Assign, Block, For, If, Serial, While, walk
from setuptools_polyopt.ir.visitors import walk_expr

EmitLoop: TypeAlias = Callable[[Function, For, bool, "tuple[Expr, Expr] | None"], None]


def is_outlined(f: Function, loop: For) -> bool:
    """Whether a loop becomes a function of its own: the outermost parallel one, where it is allowed to."""
    return loop.kind == "parallel" and f.parent is None and f.unit.options.parallel


def outlined_loops(body: Block) -> int:
    """How many outermost parallel loops a kernel has."""
    count = 0
    for statement in body:
        match statement:
            case For(kind="parallel"):
                count += 1
            case For() | Serial() | While():
                count += outlined_loops(statement.body)
            case If():
                count += outlined_loops(statement.body) + outlined_loops(statement.orelse)
            case _:
                pass
    return count


def may_fail(body: Block) -> bool:
    """Whether statements hold checked operations."""

    def checked(expr: Expr) -> bool:
        return any(getattr(node, "checked", False) or getattr(node, "op", "") == "pow" for node in walk_expr(expr))

    for item in walk(body):
        match item:
            case Assign(target=target, value=source):
                if checked(target) or checked(source):
                    return True
            case For(lower=lower, upper=upper):
                if checked(lower) or checked(upper):
                    return True
            case If(cond=cond) | While(cond=cond):
                if checked(cond):
                    return True
            case _:
                pass
    return False


def outline(f: Function, loop: For, emit: EmitLoop) -> None:
    """Writes the body as a function of the unit, and the call into `f`."""
    unit = f.unit
    unit.bodies += 1
    number = unit.bodies
    writes = frozenset(item.target.array for item in walk(loop.body) if isinstance(item, Assign))
    body = Function(unit, f, writes, may_fail((loop,)))
    body.middles = dict(f.middles)
    _emit_piece(body, loop, emit)
    if not body.taken:  # nothing of it is visible outside
        emit(f, loop, False, None)
        return
    unit.functions.append(body_text(unit, body, number))
    _emit_call(f, loop, body, number)


def _emit_piece(body: Function, loop: For, emit: EmitLoop) -> None:
    """The loop over the iterations from `lo` to `hi`."""
    body.iterators += [PIECE_LOWER, PIECE_UPPER]
    low, high = Sym(PIECE_LOWER), Sym(PIECE_UPPER)
    if loop.step == 1:
        emit(body, loop, False, (low, high))
        return
    scaled = [Binary("mul", end, integer(loop.step), end.dtype) for end in (low, high)]
    shifted = [affine.plus(loop.lower, end) for end in scaled]
    emit(body, replace(loop, lower=shifted[0], upper=shifted[1]), False, (shifted[0], shifted[1]))


def _emit_call(f: Function, loop: For, body: Function, number: int) -> None:
    symbol = f.unit.symbol
    lower, upper = position(loop.lower, f).text, position(loop.upper, f).text
    if loop.step != 1:
        lower, upper = "0", f"polyopt_trips({lower}, {upper}, {loop.step})"
    work = value(block_work(loop.body, with_loop(loop, f.middles), usual), f).text
    run = "polyopt_parallel_chunk" if f.unit.chunked else "polyopt_parallel_for"
    fields = ", ".join(f".{local.name} = {local.outside(f)}" for local in ordered(body))
    note = f" /* {loop.note} */" if loop.note else ""
    with f.block(""):
        f.lines[-1] += note
        f.line(f"struct {symbol}_env{number} env = {{{fields}}};")
        f.line(f"if ({run}(ctx, {lower}, {upper}, polyopt_grain({work}), {symbol}_run{number}, &env)) goto stop;")


def ordered(f: Function) -> list[Local]:
    """What a function takes from outside, parameters first."""
    return sorted(f.taken.values(), key=lambda local: local.order)


def restricted(unit: Unit, f: Function) -> list[Local]:
    """The arrays that a function takes from outside and that nothing else reaches: they are its restrict parameters."""
    return [local for local in ordered(f) if local.declare.endswith("*") and _is_restricted(unit, local)]


def _is_restricted(unit: Unit, local: Local) -> bool:
    array = next((name for name in unit.arrays if unit.names.of(name) == local.name), "")
    return not unit.arrays[array].rank or unit.restrict(array)


def parameters(locals_: list[Local]) -> str:
    """Declarations of restrict parameters, each with the comma that goes before it."""
    return "".join(f", {local.declare}POLYOPT_RESTRICT {local.name}" for local in locals_)


def field_text(local: Local) -> str:
    """A field of an environment."""
    return f"{local.declare if local.declare.endswith('*') else local.declare.removeprefix('const ')}{local.name};"


def body_text(unit: Unit, body: Function, number: int) -> str:
    """The environment, the typed function and the callback."""
    symbol, locals_, arrays = unit.symbol, ordered(body), restricted(unit, body)
    fields = "".join(f"{INDENT}{field_text(local)}\n" for local in locals_)
    struct = f"struct {symbol}_env{number} {{\n{fields}}};\n"
    prologue = [f"{local.declare}{local.name} = env->{local.name};" for local in locals_ if local not in arrays]
    pieces = "int64_t lo, int64_t hi, struct polyopt_ctx *ctx"
    given = f"const struct {symbol}_env{number} *env"
    head = f"static void {symbol}_body{number}({given}{parameters(arrays)}, {pieces})\n"
    if not prologue:
        prologue = ["(void)env;"]
    passed = "".join(f", given->{local.name}" for local in arrays)
    callback = (
        f"static void {symbol}_run{number}(void *env, {pieces})\n{{\n"
        f"{INDENT}{given.replace('*env', '*given')} = env;\n{INDENT}{symbol}_body{number}(given{passed}, lo, hi, ctx);\n}}\n"
    )
    return f"{struct}\n{head}{assemble(body, prologue, [], '')}\n{callback}"


def assemble(f: Function, prologue: list[str], epilogue: list[str], result: str) -> str:
    """The braces of a function: locals, lines, and what happens on the way out."""
    first, last = list(prologue), list(epilogue)
    if f.mentions("failed"):
        first.append("int32_t failed = 0;")
        last.insert(0, "if (failed) polyopt_fail(ctx);")
    if any("POLYOPT_KEEP" in line for line in f.lines):
        first.append("uint64_t kept = 0; /* values that are computed for their floating-point flags */")
        last.append("POLYOPT_CONSUME(kept);")
    if any("&undo," in line for line in f.lines):
        first.append("struct polyopt_log undo = ctx->log;")
        last.append("ctx->log = undo;")
    if f.mentions("polyopt_alloc"):
        first.append("const struct polyopt_mark mark = polyopt_mark(ctx);")
        last.append("polyopt_release(ctx, mark);")
    if result:
        last.append(result)
    elif not last and not f.mentions("ctx"):
        last.append("(void)ctx;")
    elif not last and f.mentions("goto stop"):
        last.append("return;")
    text = "{\n" + "".join(f"{INDENT}{line}\n" for line in first) + ("\n" if first else "")
    text += "".join(f"{line}\n" for line in f.lines) + ("stop:\n" if f.mentions("goto stop") else "")
    return text + "".join(f"{INDENT}{line}\n" for line in last) + "}\n"
