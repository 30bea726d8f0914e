"""The polyhedral stage: a kernel in program order in, the scheduled kernel out.

Phases, in order: `scop`, `dependences`, `schedule`, `loops` (docs/architecture.md). Whatever happens on the way, what comes out means the
same as what went in: a schedule that fails the legality check, or that is too expensive to compute, gives way to the program's own order,
with a diagnostic.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial

from setuptools_polyopt.diagnostics import Diagnostic, Severity
from setuptools_polyopt.ir.kernel import Kernel, Role
from setuptools_polyopt.ir.printer import print_kernel
from setuptools_polyopt.ir.visitors import assigns
from setuptools_polyopt.polyhedral import legality
from setuptools_polyopt.polyhedral.astgen import generate
from setuptools_polyopt.polyhedral.blocks import BLOCK, GPU_BLOCK, in_blocks
from setuptools_polyopt.polyhedral.dependences import Dependences, dependences
from setuptools_polyopt.polyhedral.describe import describe
from setuptools_polyopt.polyhedral.distribute import distribute
from setuptools_polyopt.polyhedral.fuse import fuse
from setuptools_polyopt.polyhedral.limits import TooIntricate, bounded
from setuptools_polyopt.polyhedral.marks import Marking, coalesce, coincidence, mark
from setuptools_polyopt.polyhedral.nested import optimise_inside
from setuptools_polyopt.polyhedral.options import Options
from setuptools_polyopt.polyhedral.privatise import Expansion, expansions, privatise
from setuptools_polyopt.polyhedral.reductions import partial_results
from setuptools_polyopt.polyhedral.schedule import NoSchedule, schedule
from setuptools_polyopt.polyhedral.scop import Scop, extract
from setuptools_polyopt.polyhedral.sink import sink
from setuptools_polyopt.polyhedral.split import joined_labels, split
from setuptools_polyopt.polyhedral.spread import parallelism, spread
from setuptools_polyopt.polyhedral.storage import Contraction, contract
from setuptools_polyopt.polyhedral.tiling import Sizes, restructure
from setuptools_polyopt.polyhedral.tree import Allocate, Sequence, Tree, bands, depth, path, print_tree, program_order


@dataclass(frozen=True)
class Optimised:
    """kernel: scheduled. diagnostics: what was done, and what was not and why. dumps: phase name -> text."""

    kernel: Kernel
    diagnostics: tuple[Diagnostic, ...] = ()
    dumps: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Plan:
    tree: Tree
    contraction: Contraction
    kernel: Kernel


def optimise(kernel: Kernel, options: Options = Options(), scop: Scop | None = None) -> Optimised:  # noqa: B008
    """Schedule a kernel.

    kernel: verified, in program order. scop: its scop, if it is known. Raises Unsupported where it cannot be described (a loop bound that
    is not affine).
    """
    base = scop or extract(kernel)
    found: list[Diagnostic] = []
    try:
        before, chosen = _analysed(base, options)
    except TooIntricate as error:
        plan = _as_written(base)
        return Optimised(plan.kernel, (_intricate(base, str(error)),), {"scop": _print_scop(base), "loops": print_kernel(plan.kernel)})
    scop, deps = whole = _expanded(base, before, chosen, options)
    if options.reorder and options.parallel:
        with suppress(TooIntricate):
            base, before, chosen = _with_partial_results(base, before, chosen, whole, options)
            scop, deps = whole = _expanded(base, before, chosen, options)
    all_of_them = chosen
    while True:
        found.clear()
        plan = _plan(scop, deps, options, found)
        wasteful = [e for e in chosen if _is_wasteful(e, base, plan.contraction)]
        if not wasteful:
            break
        chosen = tuple(replace(e, indices=e.indices[:1][: len(e.indices) - 1]) if e in wasteful else e for e in chosen)
        scop, deps = _expanded(base, before, chosen, options)
    better = _with_split(*whole, plan, options)
    if better is not None and not any(_is_wasteful(e, base, better[2].contraction) for e in all_of_them):
        scop, deps, plan = better
    if options.reorder and options.parallel:
        parts = frozenset(array.name for array in base.kernel.arrays) - {array.name for array in kernel.arrays}
        plan = replace(plan, kernel=in_blocks(plan.kernel, parts, options.max_operations, GPU_BLOCK if options.gpu else BLOCK))
    found += describe(plan.tree, scop, plan.contraction)
    if not options.gpu:
        plan = replace(plan, kernel=optimise_inside(plan.kernel, partial(_inside, options=options, found=found)))
    dumps = {
        "scop": _print_scop(scop),
        "dependences": _print_dependences(deps),
        "schedule": print_tree(plan.tree),
        "loops": print_kernel(plan.kernel),
    }
    return Optimised(plan.kernel, tuple(found), dumps)


def _inside(kernel: Kernel, parallel: bool, options: Options, found: list[Diagnostic]) -> Kernel:
    """The schedule of a nest inside a `Serial`."""
    done = optimise(kernel, replace(options, parallel=options.parallel and parallel))
    found += done.diagnostics
    return done.kernel


def _analysed(base: Scop, options: Options) -> tuple[Dependences, tuple[Expansion, ...]]:
    """The dependences of a scop, and the temporaries to expand."""
    with bounded(base.context.get_ctx(), options.max_operations):
        return dependences(base), expansions(base) if options.reorder and options.contract else ()


def _with_partial_results(
    base: Scop, before: Dependences, chosen: tuple[Expansion, ...], whole: tuple[Scop, Dependences], options: Options
) -> tuple[Scop, Dependences, tuple[Expansion, ...]]:
    """The scop with partial results of accumulations, its dependences and expansions; what was given where there are none."""
    expanded, deps = whole
    names = {e.array: frozenset(other.name for other in chosen if other.array == e.array) for e in chosen}
    with bounded(expanded.context.get_ctx(), options.max_operations):
        kernel = partial_results(base.kernel, expanded, deps.all, names)
    if kernel is base.kernel:
        return base, before, chosen
    relaxed = extract(kernel)
    return (relaxed, *_analysed(relaxed, options))


def _expanded(base: Scop, before: Dependences, chosen: tuple[Expansion, ...], options: Options) -> tuple[Scop, Dependences]:
    """The scop and its dependences after expansion (or without it, where that makes the dependences too intricate)."""
    if not chosen:
        return base, before
    scop = extract(privatise(base.kernel, base, chosen))
    try:
        with bounded(scop.context.get_ctx(), options.max_operations):
            return scop, dependences(scop)
    except TooIntricate:
        return base, before


def _with_split(scop: Scop, deps: Dependences, plan: _Plan, options: Options) -> tuple[Scop, Dependences, _Plan] | None:
    """A plan with split loops, where `plan` leaves a nest serial and that helps. scop: with all expansions."""
    serial = _serial(plan.tree)
    if not serial or not options.reorder or not options.parallel:
        return None
    try:
        with bounded(scop.context.get_ctx(), options.max_operations):
            kernel = split(scop, deps.all)
        if kernel is scop.kernel:
            return None
        pieces = extract(kernel)
        with bounded(pieces.context.get_ctx(), options.max_operations):
            between = dependences(pieces)
    except TooIntricate:
        return None
    better = _plan(pieces, between, options, [])
    if _serial(better.tree) >= serial:
        return None
    return pieces, between, replace(better, kernel=joined_labels(better.kernel))


def _serial(tree: Tree) -> int:
    """The number of loop nests of depth two or more without a parallel loop."""
    match tree:
        case Sequence(children=children):
            return sum(_serial(child) for child in children)
        case Allocate(child=child):
            return _serial(child)
        case _:
            return int(depth(tree) > 1 and not any(m.kind == "parallel" for b in bands(tree) for m in b.members))


def _is_wasteful(expansion: Expansion, scop: Scop, contraction: Contraction) -> bool:
    """Did an expansion buy its parallelism with an array of two dimensions or more that the program does not have?"""
    windows = contraction.get(expansion.name)
    if windows is None or not expansion.indices:
        return False
    kept = sum(window is None for window in windows[: len(expansion.indices)])
    return kept > 0 and kept + scop.kernel.array(expansion.array).rank >= 2


def _intricate(scop: Scop, why: str) -> Diagnostic:
    text = "this code is too intricate for the scheduler: its loops keep their order"
    return Diagnostic(scop.kernel.span, "schedule-cost", text, "split the function", why)


def _plan(scop: Scop, deps: Dependences, options: Options, found: list[Diagnostic]) -> _Plan:
    """The best legal schedule: isl's with tiles, or without, the program's order with parallel and vector loops, or as it is."""
    why = ""
    ways = _ways(options)
    for make in ways:
        try:
            with bounded(scop.context.get_ctx(), options.max_operations):
                tree = make(scop, deps)
                violation = legality.check(tree, scop, deps.all)
                if violation is None:
                    tree, contraction = contract(tree, scop, deps.flow, options.contract)
            if violation is None:
                with bounded(scop.context.get_ctx(), options.max_operations // 10):
                    plan = _Plan(tree, contraction, generate(tree, scop, contraction))
                found += [_intricate(scop, why)] if why and make is ways[-1] else []
                return plan
        except (NoSchedule, TooIntricate) as error:
            why = str(error)
            continue
        text = "a computed order failed its check and is not used"
        remedy = "report this as a defect of polyopt"
        found.append(Diagnostic(scop.kernel.span, "schedule-check", text, remedy, str(violation), Severity.WARNING))
    found += [_intricate(scop, why)] if why else []
    return _as_written(scop)


def _as_written(scop: Scop) -> _Plan:
    """The program's order; temporaries live as long as the kernel runs."""
    tree: Tree = program_order(scop)
    used = {a.load.array for s in scop.statements for a in s.accesses}
    arrays = [a for a in scop.kernel.arrays if a.role is Role.TEMPORARY and a.name in used]
    if arrays:
        tree = Allocate(tuple(a.name for a in arrays), tree)
    contraction: Contraction = {a.name: (None,) * a.rank for a in arrays}
    return _Plan(tree, contraction, generate(tree, scop, contraction))


def _ways(options: Options) -> tuple[Callable[[Scop, Dependences], Tree], ...]:
    """How to come to a schedule, the best first. Tiles can be too much for isl's generator of loops where the plain loops are not."""
    if options.gpu:
        return (partial(_for_gpu, library=options.library), partial(_marked_program, options=replace(options, vector=False)))
    if not options.reorder:
        return (partial(_marked_program, options=options),)
    untiled = replace(options, tile=False)
    tiled = (partial(_from_isl, options=options),) if options.tile else ()
    return (*tiled, partial(_from_isl, options=untiled), partial(_from_program, options=untiled))


def _from_isl(scop: Scop, deps: Dependences, options: Options) -> Tree:
    """isl's schedule, or the program's order where that leaves more to threads: isl may fuse a statement with one iteration of a loop that
    carries nothing, whose other iterations then have to wait."""
    tree = _improve(coincidence(schedule(scop, deps), scop, deps.all), scop, deps, options)
    if not options.parallel or not _alone(tree, scop):
        return tree
    other = _from_program(scop, deps, options)
    return other if _alone(other, scop) < _alone(tree, scop) else tree


def _alone(tree: Tree, scop: Scop) -> int:
    """The number of deepest statements that have no parallel loop around them."""
    depths = {name: len(scop.statement(name).iterators) for name in tree.names}
    deepest = (name for name in tree.names if depths[name] == max(depths.values()))
    return sum(not any(member.kind == "parallel" for member in path(tree, name)) for name in deepest)


def _from_program(scop: Scop, deps: Dependences, options: Options) -> Tree:
    tree = coalesce(program_order(scop), scop, deps.all)
    return _improve(coincidence(tree, scop, deps.all), scop, deps, options)


def _for_gpu(scop: Scop, deps: Dependences, library: bool) -> Tree:
    """isl's schedule, fused or not, or the program's order, whichever leaves most to threads (isl skews what loops around launches do
    better); with wavefronts where more statements become parallel."""
    everything = deps.all
    found = []
    products = frozenset(s.name for s in scop.statements if library and any(item.free for item in assigns(s.body)))
    for apart in (False, True) if not products else (True,):
        with suppress(NoSchedule):
            found.append(schedule(scop, deps, apart))
    found.append(coalesce(program_order(scop), scop, everything))
    trees = [fuse(coincidence(tree, scop, everything), scop, everything, alone=products) for tree in found]
    best = max((spread(tree, scop, everything, apart) for apart in (False, True) for tree in trees), key=parallelism)
    if parallelism(best)[0] == len(best.names):
        return best
    waves = max((spread(tree, scop, everything, True, waves=True) for tree in trees), key=parallelism)
    return waves if parallelism(waves)[0] > parallelism(best)[0] else best


def _marked_program(scop: Scop, deps: Dependences, options: Options) -> Tree:
    return mark(coincidence(program_order(scop), scop, deps.all), Marking(options.parallel, options.vector))


def _improve(tree: Tree, scop: Scop, deps: Dependences, options: Options) -> Tree:
    """Fusion, order of loops, tiles, distribution, and marks."""
    everything = deps.all
    if options.fuse:
        tree = fuse(tree, scop, everything)
    tree = sink(tree, scop)
    tree = restructure(tree, scop, everything, Sizes() if options.tile else None)
    tree = coincidence(distribute(tree, scop, everything), scop, everything)
    return mark(tree, Marking(options.parallel, options.vector))


def _print_scop(scop: Scop) -> str:
    lines = [f"context: {scop.context.to_str()}\n"]
    for statement in scop.statements:
        lines.append(f"{statement.name}: {statement.domain.to_str()}\n")
        lines += [f"  {'writes' if a.write else 'reads'}{'' if a.must else ' (may)'} {a.relation.to_str()}\n" for a in statement.accesses]
    return "".join(lines)


def _print_dependences(deps: Dependences) -> str:
    pairs = (("flow", deps.flow), ("anti", deps.anti), ("output", deps.output))
    return "".join(f"{name}: {relation.to_str()}\n" for name, relation in pairs)
