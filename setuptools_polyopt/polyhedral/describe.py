"""What was done to a kernel's loops, in words: the polyhedral part of the report."""

from __future__ import annotations

from collections.abc import Iterator

from setuptools_polyopt.diagnostics import NOWHERE, Diagnostic, Severity
from setuptools_polyopt.polyhedral.scop import Scop
from setuptools_polyopt.polyhedral.storage import Contraction
from setuptools_polyopt.polyhedral.tree import Allocate, Leaf, Member, Sequence, Tree, bands


def describe(tree: Tree, scop: Scop, contraction: Contraction) -> tuple[Diagnostic, ...]:
    """One note for every loop nest, and one for the temporaries that became smaller."""
    found = [_nest(nest, scop) for nest in _nests(tree) if not isinstance(nest, Leaf)]
    smaller = [name for name, windows in contraction.items() if any(window is not None for window in windows)]
    if smaller:
        text = f"temporaries that never are in memory as a whole: {', '.join(f'`{name}`' for name in sorted(smaller))}"
        found.append(Diagnostic(scop.kernel.span, "contracted", text, severity=Severity.NOTE))
    return tuple(found)


def _nests(tree: Tree) -> Iterator[Tree]:
    match tree:
        case Sequence(children=children):
            for child in children:
                yield from _nests(child)
        case Allocate(child=child):
            yield from _nests(child)
        case _:
            yield tree


def _nest(tree: Tree, scop: Scop) -> Diagnostic:
    members = [member for band in bands(tree) for member in band.members]
    statements = [scop.statement(name) for name in tree.names]
    span = min((s.span for s in statements if s.span != NOWHERE), default=scop.kernel.span)
    done = []
    if len({s.loops[0] for s in statements if s.loops}) > 1:
        done.append(f"{len(statements)} operations share one loop nest")
    parallel = [m for m in members if m.kind == "parallel"]
    done += [f"parallel over {_named(parallel)}"] if parallel else []
    done += ["tiled for the caches"] if any(m.note == "tile" for m in members) else []
    done += ["tiles run in a wavefront"] if any(m.note == "wavefront" for m in members) else []
    done += ["handled in blocks that stay in the cache"] if any(m.note == "block" for m in members) else []
    done += ["vectorised"] if any(m.kind == "vector" for m in members) else []
    if parallel:
        return Diagnostic(span, "schedule", "; ".join(done), severity=Severity.NOTE)
    serial = "not parallel: every iteration of the outer loops needs what an earlier one has computed"
    remedy = "use a separate array for the results of an iteration, if the algorithm allows it"
    return Diagnostic(span, "not-parallel", "; ".join([*done, serial]), remedy)


def _named(members: list[Member]) -> str:
    names = dict.fromkeys(m.name.removesuffix("_tile").removesuffix("_block") or "a combination of loops" for m in members)
    return ", ".join(f"`{name}`" for name in names)
