"""Statements and loops as lines of C.

    for i in 0..n:                              for (int64_t i = 0; i < n; i++) {
      S0: A[i] = 2.0 * B[i]                         A[i] = 2.0 * B[i]; /* heat.py:12 */
                                                }

Loops that hold loops look for cancellation (and for a failure) at their head; a loop that runs alone is cut into long strips for
the same purpose. Non-goal: changing what runs in which order; that is the polyhedral stage's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from setuptools_polyopt.codegen import affine
from setuptools_polyopt.codegen.blocks import BlockCall, block_call
from setuptools_polyopt.codegen.expr import (
    call_key,
    int_value,
    position,
    substitute_position,
    test,
    value,
)
from setuptools_polyopt.codegen.function import Function, comment
from setuptools_polyopt.codegen.keep import Place, must_keep
from setuptools_polyopt.codegen.library import emit_product
from setuptools_polyopt.codegen.literals import c_type, suffix, zero
from setuptools_polyopt.codegen.log import log_store
from setuptools_polyopt.codegen.operations import SUM, apart
from setuptools_polyopt.codegen.outline import is_outlined, outline
from setuptools_polyopt.codegen.picks import picking
from setuptools_polyopt.codegen.storage import Unit, reads
from setuptools_polyopt.codegen.work import with_loop
from setuptools_polyopt.exhaustive import assert_never
from setuptools_polyopt.ir.expressions import Binary, Call, Const, Expr, Load, Reduce, Select, Sym
from setuptools_polyopt.ir.kernel import Array
from setuptools_polyopt.ir.statements import (
    Alloc,
    Assign,
    Block,
    Break,
    Continue,
    For,
    If,
    Serial,
    Stmt,
    While,
    jumps,
    walk,
)
from setuptools_polyopt.ir.visitors import loads, walk_expr

TURNS = 4096
"""Iterations of a `while` loop between two looks at the cancel flag; a power of two."""

STRIP = 65536
"""Iterations of a loop without inner loops between two looks at the cancel flag."""

_GATHERS = frozenset({"add", "mul", "bitand", "bitor", "bitxor", "minimum", "maximum"})
_UPDATES = {"add": "+=", "sub": "-=", "mul": "*=", "div": "/="}


def emit_block(f: Function, body: Block, polled: bool = False, loop: bool = False) -> None:
    """The statements of a block. polled: an enclosing loop of this function looks for cancellation; loop: it is the body of one."""
    declared_by = _declaring_assigns(f.unit, body)
    around = f.path
    for number, statement in enumerate(body):
        f.path = (*around, Place(body, number, loop))
        match statement:
            case Assign():
                emit_assign(f, statement, declared_by.get(number))
                if f.style().keeps and must_keep(f.path, f.leaves, f.unit.is_unread):
                    f.line(f"POLYOPT_KEEP_{suffix(statement.target.dtype)}({f.target(statement.target)});")
            case Alloc(array=name):
                if f.unit.arrays[name].rank or name not in declared_by.values():
                    declare(f, f.unit.arrays[name])
            case If():
                emit_if(f, statement, polled)
            case For():
                emit_for(f, statement, polled)
            case Serial():
                emit_block(f, statement.body, polled)
            case While():
                emit_while(f, statement)
            case Break() | Continue():
                f.line("break;" if isinstance(statement, Break) else "continue;")
            case _:
                assert_never(statement)
    f.path = around


def _declaring_assigns(unit: Unit, body: Block) -> dict[int, str]:
    """Scalars that come into being with their first assignment: position of that assignment in the block, name."""
    result: dict[int, str] = {}
    for start, alloc in enumerate(body):
        if not isinstance(alloc, Alloc) or unit.arrays[alloc.array].rank:
            continue
        for number, statement in enumerate(body[start + 1 :], start + 1):
            if alloc.array not in _mentioned(statement):
                continue
            if isinstance(statement, Assign) and alloc.array not in {load.array for load in reads(statement)}:
                result[number] = alloc.array
            break
    return result


def _mentioned(statement: Stmt) -> set[str]:
    names: set[str] = set()
    for item in walk((statement,)):
        names.update(load.array for load in reads(item))
        if isinstance(item, Assign):
            names.add(item.target.array)
    return names


def declare(f: Function, array: Array) -> None:
    """A temporary from here on: a variable, a small array, or memory of the arena (unless the loop around has reserved it)."""
    name = f.unit.names.of(array.name)
    if array.name not in f.unit.read | f.unit.written or array.name in f.reserved:
        return
    f.own.add(array.name)
    if not array.rank:
        f.line(f"{c_type(array.dtype)} {name} = {zero(array.dtype)};{_use(f, array.name)}")
        return
    length = f.unit.stack_length(array)
    if length is not None:
        f.line(f"{c_type(array.dtype)} {name}[{length}];{_use(f, array.name)}")
        return
    extents = ", ".join(position(extent, f).text for extent in map(_at_least_zero, array.extents))
    size = f"polyopt_bytes((const int64_t[]){{{extents}}}, {array.rank}, sizeof({c_type(array.dtype)}))"
    f.line(f"{c_type(array.dtype)} *{name} = polyopt_alloc(ctx, {size});")
    f.line(f"if (!{name}) goto stop;")


def _use(f: Function, name: str) -> str:
    """Keeps compilers quiet about a variable that nobody reads."""
    return "" if name in f.unit.read else f" (void){f.unit.names.of(name)};"


def _at_least_zero(extent: Expr) -> Expr:
    return extent if isinstance(extent, Const | Sym) else Binary("max", extent, affine.ZERO, extent.dtype)


def emit_assign(f: Function, statement: Assign, declares: str | None = None) -> None:
    """`target = value;` with the source line that it comes from."""
    target, expr = statement.target, statement.value
    where = comment(statement.span)
    if declares is not None:
        text = _whole(f, expr)
        f.own.add(declares)
        f.line(f"{c_type(target.dtype)} {f.unit.names.of(declares)} = {text};{where}{_use(f, declares)}")
        return
    place = log_store(f, target) if target.array in f.unit.options.logged else f.target(target)
    if isinstance(expr, Binary) and expr.left == target and expr.op in _UPDATES and not expr.checked and expr.dtype.is_float:
        f.line(f"{place} {_UPDATES[expr.op]} {_whole(f, expr.right)};{where}")
    else:
        f.line(f"{place} = {_whole(f, expr)};{where}")


def _whole(f: Function, expr: Expr) -> str:
    """A value on its own, as data that other statements may add up."""
    return apart(value(expr, f), f.style()).text


def emit_if(f: Function, statement: If, polled: bool) -> None:
    """Both branches; an empty one is left out."""
    chosen = _as_choice(f, statement)
    if chosen is not None:
        emit_assign(f, chosen)
        return
    condition = test(statement.cond, f).text
    with f.block(f"if ({condition})"):
        emit_block(f, statement.body, polled)
    if statement.orelse:
        f.lines[-1] += " else {"
        f.depth += 1
        emit_block(f, statement.orelse, polled)
        f.depth -= 1
        f.line("}")


def _as_choice(f: Function, statement: If) -> Assign | None:
    """A conditional update in a vector loop as a choice between the new value and the old one, if the condition reads the element anyway:
    masked stores are slow on many machines."""
    if not f.vector or statement.orelse or len(statement.body) != 1:
        return None
    update = statement.body[0]
    if not isinstance(update, Assign) or not update.target.indices or update.target not in loads(statement.cond):
        return None
    if must_keep((*f.path, Place(statement.body, 0, False)), f.leaves, f.unit.is_unread):
        return None
    return replace(update, value=Select(statement.cond, update.value, update.target, update.target.dtype))


def emit_for(f: Function, loop: For, polled: bool) -> None:
    """A loop in the form that suits it: outlined, one call of an inner loop, strips, or plain."""
    if f.takes(loop):
        return
    if loop.kind == "library":
        emit_product(f, loop)
    elif is_outlined(f, loop):
        outline(f, loop, emit_bounded)
    else:
        emit_bounded(f, loop, polled, None)


def emit_while(f: Function, loop: While) -> None:
    """A loop that ends when data says so; it looks for cancellation, and for a failure, which may make it endless, now and then."""
    with _reserving(f, loop):
        turns = f.unit.names.fresh("turns")
        with f.block(f"for (uint32_t {turns} = 1; {test(loop.cond, f).text}; {turns}++)"):
            emit_poll(f, f"({turns} & {TURNS - 1}) == 0")
            f.give_up(f"({turns} & {TURNS - 1}) == 0")
            f.nest += 1
            emit_block(f, loop.body, True, True)
            f.nest -= 1


def emit_bounded(f: Function, loop: For, polled: bool, bounds: tuple[Expr, Expr] | None) -> None:
    """The loop between its own bounds, or between others that lie within them (those of a piece of a parallel loop)."""
    lower, upper = bounds or (loop.lower, loop.upper)
    with _reserving(f, loop):
        _emit_bounded(f, loop, polled, lower, upper)


@contextmanager
def _reserving(f: Function, loop: For | While) -> Iterator[None]:
    """Around a loop: memory of the arena for all its iterations, if they need any and no loop around has it."""
    arrays = [] if f.nest else _arena_arrays(f, loop)
    if not arrays:
        yield
        return
    with f.block(""):
        reserve(f, arrays)
        yield
        f.line("polyopt_release(ctx, scratch);")
    f.reserved.difference_update(array.name for array in arrays)


def reserve(f: Function, arrays: list[Array]) -> None:
    """Takes the arena's memory for temporaries that the loop's iterations use one after the other."""
    f.line("const struct polyopt_mark scratch = polyopt_mark(ctx);")
    for array in arrays:
        declare(f, array)
        f.reserved.add(array.name)


def _arena_arrays(f: Function, loop: For | While) -> list[Array]:
    """Temporaries inside a loop (not in the body of another function) that live in the arena."""
    found: dict[str, Array] = {}

    def visit(body: Block) -> None:
        for statement in body:
            match statement:
                case Alloc(array=name) if f.unit.arrays[name].rank and f.unit.stack_length(f.unit.arrays[name]) is None:
                    found[name] = f.unit.arrays[name]
                case For() if not is_outlined(f, statement):
                    visit(statement.body)
                case Serial() | While():
                    visit(statement.body)
                case If():
                    visit(statement.body)
                    visit(statement.orelse)
                case _:
                    pass

    visit(loop.body)
    return list(found.values())


def _emit_bounded(f: Function, loop: For, polled: bool, lower: Expr, upper: Expr) -> None:
    call = block_call(loop, f.unit.disjoint)
    if call is not None:
        emit_block_call(f, loop, call, lower, upper)
        return
    height = loop_height(loop)
    ends = position(lower, f).text, position(upper, f).text
    steered = bool(loads(lower) or loads(upper))  # it may be of any length, although what is around it looks for cancellation
    if height or jumps(loop.body):
        emit_loop(f, loop, *ends, polled and not steered, height)
    elif (polled and not steered) or not f.unit.options.polls or _short(lower, upper):
        emit_loop(f, loop, *ends, polled, height)
    else:
        emit_strips(f, loop, *ends, polled)


def _short(lower: Expr, upper: Expr) -> bool:
    """Whether a loop certainly makes few iterations."""
    extent = affine.minus(upper, lower)
    return isinstance(extent, Const) and int_value(extent) <= STRIP


def loop_height(loop: For) -> int:
    """How many loops are nested inside the loop at most."""

    def height(body: Block) -> int:
        inner = [1 + height(item.body) for item in body if isinstance(item, For | While)]
        inner += [height(item.body) for item in body if isinstance(item, Serial)]
        branches = [max(height(item.body), height(item.orelse)) for item in body if isinstance(item, If)]
        return max((*inner, *branches), default=0)

    return height(loop.body)


def emit_strips(f: Function, loop: For, lower: str, upper: str, polled: bool) -> None:
    """A long loop without inner ones, in strips between which it looks for cancellation; before the first one too, unless what is around
    it has done so (polled)."""
    var = f.unit.names.of(loop.var)
    sign, less, extreme = ("+", "<", "min") if loop.step > 0 else ("-", ">", "max")
    width = STRIP * abs(loop.step)
    start, end, final = (f.unit.names.fresh(f"{var}_{tail}") for tail in ("strip", "end", "final"))
    head = f"for (int64_t {start} = {lower}, {final} = {upper}; {start} {less} {final}; {start} {sign}= {width})"
    with f.block(head):
        if not polled:
            emit_poll(f, None)
        f.line(f"const int64_t {end} = polyopt_{extreme}({start} {sign} {width}, {final});")
        emit_loop(f, loop, start, end, True, 0)
        if polled:
            emit_poll(f, f"{end} {less} {final}")


def emit_poll(f: Function, every: str | None) -> None:
    """Leaves the function when the kernel has failed or was cancelled."""
    if not f.unit.options.polls:
        return
    test = "polyopt_stop(ctx) | failed" if f.checks else "polyopt_stop(ctx)"
    if every is None:
        f.line(f"if ({test}) goto stop;")
    else:
        f.line(f"if ({every} && ({test})) goto stop;" if f.checks else f"if ({every} && {test}) goto stop;")


def emit_loop(f: Function, loop: For, lower: str, upper: str, polled: bool, height: int) -> None:
    """A plain `for`."""
    var = f.unit.names.of(loop.var)
    less, sign = ("<", "+") if loop.step > 0 else (">", "-")
    advance = f"{var}{sign}{sign}" if abs(loop.step) == 1 else f"{var} {sign}= {abs(loop.step)}"
    initial, bound = f"int64_t {var} = {lower}", upper
    if not upper.replace("_", "").isalnum() or loads(loop.upper):
        bound = f.unit.names.fresh(f"{var}_end")
        initial += f", {bound} = {upper}"
    poll = height >= 2 or (height == 1 and not polled) or (jumps(loop.body) and not polled)
    some = {0: STRIP, 1: 16}.get(height) if abs(loop.step) == 1 else None
    vector = loop.kind == "vector" or (loop.kind == "parallel" and height == 0)
    vector = vector and not any(isinstance(item, Alloc) and f.unit.arrays[item.array].rank for item in walk(loop.body))
    outer, f.vector = f.vector, f.vector or vector or _gathers_integers(loop)
    middles, f.middles = f.middles, with_loop(loop, f.middles)
    if vector:
        f.line("POLYOPT_VECTOR")
    f.iterators.append(loop.var)
    f.nest += 1
    with f.block(f"for ({initial}; {var} {less} {bound}; {advance})"):
        if loop.note or loop.kind == "parallel":
            f.lines[-1] += f" /* {', '.join(part for part in (loop.kind if loop.kind == 'parallel' else '', loop.note) if part)} */"
        if poll:
            emit_poll(f, f"({var} & {some - 1}) == 0" if some else None)
        mask = picking(f, loop)
        if mask is not None:
            f.line(f"if (({var} & 7) == 0) while ({var} + 8 <= {bound} && polyopt_none_of_8(&{f.target(mask)})) {var} += 8;")
            f.line(f"if ({var} >= {bound}) break;")
        emit_block(f, loop.body, polled or poll, True)
    f.iterators.pop()
    f.nest -= 1
    f.vector, f.middles = outer, middles


def _gathers_integers(loop: For) -> bool:
    """Whether all that the loop does is to gather integers, in whatever order, in one scalar: compilers make vectors of it."""
    match loop.body:
        case (Assign(target=Load(array=total, indices=(), dtype=dtype) as target, value=Binary(op=op, checked=False) as value),):
            reads = [load.array for load in loads(value)]
            gathers = op in _GATHERS and target in (value.left, value.right) and reads.count(total) == 1
            return gathers and dtype.kind in "biu" and not any(isinstance(part, Reduce | Call) for part in walk_expr(value))
        case _:
            return False


def emit_block_call(f: Function, loop: For, block: BlockCall, lower: Expr, upper: Expr) -> None:
    """All iterations as one call of NumPy's inner loop; the addresses are those of the first iteration."""
    key = call_key(block.call)
    start, end = position(lower, f), position(upper, f)
    with f.block(f"if ({start.at(SUM)} < {end.at(SUM)})"):
        operands, steps = [], []
        for number, (arg, moving) in enumerate(zip(block.call.args, block.moving, strict=True)):
            if moving and isinstance(arg, Load):
                operands.append(_address(f, arg, loop.var, lower))
                steps.append(_scaled_step(f, arg, loop))
            else:
                f.line(f"{c_type(arg.dtype)} x{number} = {value(arg, f).text};")
                operands.append(f"(char *)&x{number}")
                steps.append("0")
        operands.append(_address(f, block.statement.target, loop.var, lower))
        steps.append(_scaled_step(f, block.statement.target, loop))
        count = len(operands)
        f.line(f"char *const operands[] = {{{', '.join(operands)}}};")
        f.line(f"const int64_t steps[] = {{{', '.join(steps)}}};")
        trips = f"polyopt_trips({start.text}, {end.text}, {loop.step})"
        if loop.step == 1:
            trips = end.text if start.text == "0" else f"{end.at(SUM)} - {start.at(SUM + 1)}"
        f.line(f"polyopt_ufunc_block(ctx, {f.loop(key)}, operands, {trips}, steps, {count});{comment(block.statement.span)}")


def _address(f: Function, load: Load, var: str, lower: Expr) -> str:
    first = substitute_position(load, {var: lower})
    return f"(char *)&{f.target(first)}"


def _scaled_step(f: Function, load: Load, loop: For) -> str:
    step = f.stride_bytes(load, loop.var)
    if loop.step == 1:
        return step
    return str(int(step) * loop.step) if step.lstrip("-").isdigit() else f"{loop.step}*({step})"

