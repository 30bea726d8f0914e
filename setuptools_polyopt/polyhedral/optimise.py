"""The polyhedral stage: a kernel in program order in, the scheduled kernel out.

Phases, in order: `scop`, `dependences`, `schedule`, `loops` (docs/architecture.md). Whatever happens on the way, what comes out means the
same as what went in: a schedule that fails the legality check, or that is too expensive to compute, gives way to the program's own order,
with a diagnostic.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from setuptools_polyopt.diagnostics import Diagnostic, Severity
from setuptools_polyopt.ir.kernel import Kernel
from setuptools_polyopt.ir.printer import print_kernel
from setuptools_polyopt.polyhedral import legality, schedule
from setuptools_polyopt.polyhedral.astgen import generate
from setuptools_polyopt.polyhedral.dependences import Dependences, dependences
from setuptools_polyopt.polyhedral.distribute import distribute
from setuptools_polyopt.polyhedral.fuse import fuse
from setuptools_polyopt.polyhedral.marks import Marking, coalesce, coincidence, mark
from setuptools_polyopt.polyhedral.options import Options
from setuptools_polyopt.polyhedral.privatise import expansions, privatise
from setuptools_polyopt.polyhedral.scop import Scop, extract
from setuptools_polyopt.polyhedral.storage import contract
from setuptools_polyopt.polyhedral.tiling import Sizes, restructure
from setuptools_polyopt.polyhedral.tree import Tree, print_tree, program_order


@dataclass(frozen=True)
class Optimised:
    """kernel: scheduled. diagnostics: what was done, and what was not and why. dumps: phase name -> text."""

    kernel: Kernel
    diagnostics: tuple[Diagnostic, ...] = ()
    dumps: dict[str, str] = field(default_factory=dict)


def optimise(kernel: Kernel, options: Options = Options()) -> Optimised:  # noqa: B008
    """Schedule a kernel.

    kernel: verified, in program order. Raises Unsupported where it cannot be described (a loop bound that is not affine).
    """
    found: list[Diagnostic] = []
    scop, deps = _expanded(kernel, options)
    tree = _schedule(scop, deps, options, found)
    tree, contraction = contract(tree, scop, deps.flow, options.contract)
    result = generate(tree, scop, contraction)
    dumps = {
        "scop": _print_scop(scop),
        "dependences": _print_dependences(deps),
        "schedule": print_tree(tree),
        "loops": print_kernel(result),
    }
    return Optimised(result, tuple(found), dumps)


def _expanded(kernel: Kernel, options: Options) -> tuple[Scop, Dependences]:
    """The scop and its dependences, with temporaries expanded."""
    scop = extract(kernel)
    deps = dependences(scop)
    if not options.reorder or not options.contract:
        return scop, deps
    kernel = scop.kernel
    wider = privatise(kernel, scop, expansions(scop, deps))
    if wider is kernel:
        return scop, deps
    scop = extract(wider)
    return scop, dependences(scop)


def _schedule(scop: Scop, deps: Dependences, options: Options, found: list[Diagnostic]) -> Tree:
    """The best legal schedule: isl's, else the program's order with parallel and vector loops, else the program's order as it is."""
    everything = deps.all
    for make in (_from_isl, _from_program) if options.reorder else (_marked_program,):
        try:
            tree = make(scop, deps, options)
        except schedule.NoSchedule as error:
            text = "this code is too intricate for the scheduler: its loops keep their order"
            found.append(Diagnostic(scop.kernel.span, "schedule-cost", text, "split the function", str(error)))
            continue
        violation = legality.check(tree, scop, everything)
        if violation is None:
            return tree
        text = "a computed order failed its check and is not used"
        remedy = "report this as a defect of polyopt"
        found.append(Diagnostic(scop.kernel.span, "schedule-check", text, remedy, str(violation), Severity.WARNING))
    return program_order(scop)


def _from_isl(scop: Scop, deps: Dependences, options: Options) -> Tree:
    tree = schedule.schedule(scop, deps, options.max_operations)
    return _improve(coincidence(tree, scop, deps.all), scop, deps, options)


def _from_program(scop: Scop, deps: Dependences, options: Options) -> Tree:
    tree = coalesce(program_order(scop), scop, deps.all)
    return _improve(coincidence(tree, scop, deps.all), scop, deps, options)


def _marked_program(scop: Scop, deps: Dependences, options: Options) -> Tree:
    return mark(coincidence(program_order(scop), scop, deps.all), Marking(options.parallel, options.vector))


def _improve(tree: Tree, scop: Scop, deps: Dependences, options: Options) -> Tree:
    """Fusion, order of loops, tiles, distribution, and marks."""
    everything = deps.all
    if options.fuse:
        tree = fuse(tree, scop, everything)
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
