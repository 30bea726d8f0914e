"""From a lowered run of statements to kernels: equal extents get one name, labels are numbered, layouts become variants.

Each type signature gives a variant whose arrays are C-contiguous along the last axis, those that the profile has seen, and one for any
strides; where a result's memory order follows from an argument, that argument's strides have to be ordered in all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from setuptools_polyopt.diagnostics import Span
from setuptools_polyopt.frontend.affine import affine, conditions, symbol
from setuptools_polyopt.frontend.outputs import without_dead_scalars
from setuptools_polyopt.frontend.prover import implies
from setuptools_polyopt.frontend.state import State
from setuptools_polyopt.ir.expressions import Compare, Const, Expr, Load, Sym
from setuptools_polyopt.ir.kernel import (
    Array,
    ArrayInput,
    Assumption,
    Contiguous,
    Holds,
    Input,
    InputType,
    Kernel,
    Layout,
    NoOverlap,
    OrderedStrides,
    Output,
    Param,
    Role,
    Variant,
)
from setuptools_polyopt.ir.statements import Assign, Block, For, If, Stmt, walk
from setuptools_polyopt.ir.visitors import assigns, loads, map_block_exprs, map_expr, own_loads, substitute


@dataclass(frozen=True)
class Lowered:
    """One type signature's lowering of a region, before layouts."""

    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    kernel: Kernel


def finish(state: State, outputs: tuple[Output, ...], name: str, span: Span) -> Lowered:
    """The kernel in program order, every array C-contiguous along its last axis."""
    results = frozenset(name for output in outputs for name in (output.array, output.tag, output.length) if name is not None)
    body = without_dead_scalars(tuple(state.blocks[0]), results, frozenset(state.tags))
    aliases = _resolved(state.aliases)
    titles = _titles(state, results)
    body = map_block_exprs(body, lambda expr: _renamed(substitute(expr, aliases), titles))
    inputs = tuple(_input(item, aliases, state) for item in state.inputs.values())
    holds = _holds(state, aliases, span)
    used = _used(body) | {load.array for hold in holds for load in loads(hold.condition)}
    arrays = tuple(
        replace(array, name=titles.get(array.name, array.name), extents=tuple(substitute(e, aliases) for e in array.extents))
        for array in state.arrays.values()
        if array.role in (Role.ARGUMENT, Role.INPUT) or titles.get(array.name, array.name) in used or array.name in results
    )
    params = _params(state, aliases, inputs)
    renamed_outputs = tuple(replace(o, array=titles.get(o.array, o.array) if o.array else None) for o in outputs)
    assumptions = _assumptions(state, arrays, holds)
    kernel = Kernel(name, params, arrays, _labelled(body), assumptions, span)
    return Lowered(inputs, renamed_outputs, kernel)


def _resolved(aliases: Mapping[str, Expr]) -> dict[str, Expr]:
    """Chains of equal parameters followed to their end."""
    result: dict[str, Expr] = {}
    for name in aliases:
        form = affine(Sym(name), aliases)
        result[name] = aliases[name] if form is None else form.expr()
    return result


def _titles(state: State, results: frozenset[str]) -> dict[str, str]:
    """Temporaries that got a name in the source are called by it."""
    titles = {}
    for storage, name in state.titles.items():
        if storage in state.arrays:
            titles[storage] = state.fresh(name)
    return titles


def _renamed(expr: Expr, titles: Mapping[str, str]) -> Expr:
    if not titles:
        return expr
    return map_expr(
        expr, lambda node: replace(node, array=titles[node.array]) if isinstance(node, Load) and node.array in titles else node
    )


def _input(item: Input, aliases: Mapping[str, Expr], state: State) -> Input:
    kind = item.type
    if not isinstance(kind, ArrayInput):
        return item
    extents: list[str | int] = []
    for extent in kind.extents:
        target = aliases.get(extent) if isinstance(extent, str) else None
        match target:
            case Sym(name=name):
                extents.append(name)
            case Const(value=int() as value):
                extents.append(int(value))
            case _:
                extents.append(extent)
    return replace(item, type=replace(kind, extents=tuple(extents), written=kind.array in state.written))


def _params(state: State, aliases: Mapping[str, Expr], inputs: Sequence[Input]) -> tuple[Param, ...]:
    """The parameters that are left; one that an extent defines is not negative."""
    extents = {e for item in inputs if isinstance(item.type, ArrayInput) for e in item.type.extents}
    return tuple(
        replace(param, minimum=max(0, param.minimum)) if param.name in extents else param
        for param in state.params.values()
        if not _renames(aliases.get(param.name))
    )


def _renames(expr: Expr | None) -> bool:
    """Whether an extent that is known to be equal to `expr` needs no parameter of its own."""
    return isinstance(expr, Sym | Const)


def _holds(state: State, aliases: Mapping[str, Expr], span: Span) -> list[Holds]:
    """The guards under all equalities, without those that follow from others, and the equalities that are no mere renaming."""
    equal = [
        Holds(Compare("eq", Sym(name), expr), "the extents of the operands are equal", span)
        for name, expr in aliases.items()
        if not _renames(expr)
    ]
    found = [replace(hold, condition=substitute(hold.condition, aliases)) for hold in state.holds]
    limits = [symbol(param.name) - param.minimum for param in state.params.values() if param.name not in aliases]
    kept = list(found)
    for hold in found:
        forms = conditions(hold.condition)
        others = [form for other in kept if other is not hold for form in conditions(other.condition) or ()]
        if forms is not None and all(implies([*limits, *others], form) for form in forms):
            kept = [other for other in kept if other is not hold]
    return [*kept, *equal]


def _used(body: Block) -> set[str]:
    targets = {item.target.array for item in assigns(body)}
    return targets | {load.array for statement in walk(body) for load in own_loads(statement)}


def _assumptions(state: State, arrays: Sequence[Array], holds: Sequence[Holds]) -> tuple[Assumption, ...]:
    arguments = [array.name for array in arrays if array.role is Role.ARGUMENT]
    pairs: list[Assumption] = []
    lists = {item.type.array for item in state.inputs.values() if isinstance(item.type, ArrayInput) and item.type.container != "ndarray"}
    for index, first in enumerate(arguments):
        for second in arguments[index + 1 :]:
            alike = (first in lists) == (second in lists)  # an array shares no memory with a list's copy
            if alike and (first in state.written or second in state.written):
                pairs.append(NoOverlap(first, second))
    ordered = (OrderedStrides(name) for name in state.ordered)
    return (*holds, *pairs, *ordered, *(Contiguous(name, axis) for name, axis in state.contiguous.items()))


def _labelled(body: Block) -> Block:
    """Statements numbered in program order."""
    counter = iter(range(10**9))

    def visit(block: Block) -> Block:
        result: list[Stmt] = []
        for statement in block:
            match statement:
                case Assign():
                    result.append(replace(statement, label=f"S{next(counter)}"))
                case For():
                    result.append(replace(statement, body=visit(statement.body)))
                case If():
                    result.append(replace(statement, body=visit(statement.body), orelse=visit(statement.orelse)))
                case _:
                    result.append(statement)
        return tuple(result)

    return visit(body)


def with_layouts(lowered: Lowered, seen: Sequence[Mapping[str, str]], steady: frozenset[str]) -> tuple[Variant, ...]:
    """The variants of one signature. seen: layouts by input text for each way that the profile saw; steady: arrays whose last axis has
    to be contiguous for NumPy's bits."""
    given = [item for item in lowered.inputs if isinstance(item.type, ArrayInput) and item.type.container == "ndarray"]
    arrays = {item.text: item.type.array for item in given if isinstance(item.type, ArrayInput)}
    names = {"C": Layout.C, "F": Layout.FORTRAN, "strided": Layout.STRIDED}
    wanted: list[dict[str, Layout]] = [dict.fromkeys(arrays.values(), Layout.C)]
    if arrays:
        wanted.append({array: Layout.C if array in steady else Layout.STRIDED for array in arrays.values()})
    for layouts in seen:
        one = {array: names[layouts.get(text, "C")] for text, array in arrays.items()}
        if not any(layout is not Layout.C for array, layout in one.items() if array in steady):
            wanted.append(one)
    distinct = [layout for index, layout in enumerate(wanted) if layout not in wanted[:index]]
    return tuple(_with(lowered, layout, index) for index, layout in enumerate(distinct))


def _with(lowered: Lowered, layouts: Mapping[str, Layout], index: int) -> Variant:
    def relaid(kind: InputType) -> InputType:
        return replace(kind, layout=layouts.get(kind.array, Layout.C)) if isinstance(kind, ArrayInput) else kind

    kernel = lowered.kernel
    arrays = tuple(replace(a, layout=layouts[a.name]) if a.name in layouts else a for a in kernel.arrays)
    suffix = "" if not index else f"_{index}"
    return Variant(
        tuple(replace(item, type=relaid(item.type)) for item in lowered.inputs),
        lowered.outputs,
        replace(kernel, name=kernel.name + suffix, arrays=arrays),
    )
