"""Schedule trees as plain frozen data: what every scheduling phase takes and returns.

    tree ::= Band(members, permutable, child) | Sequence(children) | Allocate(arrays, child) | Leaf(names)

A band's members are loops, outer first; each gives every statement below it a date (a function of the statement's iterators). The children
of a sequence run one after the other; the statements of a leaf run in its order at one date. `Allocate` (the last phase,
storage, puts it in) gives temporaries their memory for what is below. isl's own trees are read by `from_isl` and
made by `astgen`; between the two no pass depends on isl's node cursors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TypeAlias

import islpy as isl

from setuptools_polyopt.exhaustive import assert_never
from setuptools_polyopt.ir.statements import LoopKind
from setuptools_polyopt.polyhedral.scop import Scop, Statement
from setuptools_polyopt.polyhedral.spaces import ISL, align, linear, tuple_functions, variable


@dataclass(frozen=True, eq=False)
class Member:
    """One loop: dates per statement; coincident: no dependence between the statements below is carried by it (within one iteration of what
    is outside). note: what the loop is, in a word. name: what to call its iterator. rows: see `row`,
    for dates that are not linear themselves."""

    dates: Mapping[str, isl.PwAff]
    coincident: bool
    kind: LoopKind = "serial"
    note: str = ""
    name: str = ""
    rows: Mapping[str, Mapping[str, Fraction] | None] = field(default_factory=dict)

    def row(self, name: str) -> Mapping[str, Fraction] | None:
        """Coefficients of a statement's date by iterator (for a tile loop: of what is tiled); None if it is not linear."""
        return self.rows[name] if name in self.rows else linear(self.dates[name])

    def only(self, names: Iterable[str]) -> Member:
        """The member restricted to some statements."""
        return replace(self, dates={name: self.dates[name] for name in names})

    def union(self) -> isl.MultiUnionPwAff:
        """The member as one isl object."""
        first, *others = self.dates.values()
        total = isl.UnionPwAff.from_pw_aff(first)
        for date in others:
            total = total.union_add(isl.UnionPwAff.from_pw_aff(date))
        return isl.MultiUnionPwAff.from_union_pw_aff(total)


@dataclass(frozen=True, eq=False)
class Band:
    members: tuple[Member, ...]
    permutable: bool
    child: Tree

    @property
    def names(self) -> tuple[str, ...]:
        return self.child.names


@dataclass(frozen=True, eq=False)
class Sequence:
    children: tuple[Tree, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for child in self.children for name in child.names)


@dataclass(frozen=True, eq=False)
class Leaf:
    names: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Allocate:
    arrays: tuple[str, ...]
    child: Tree

    @property
    def names(self) -> tuple[str, ...]:
        return self.child.names


Tree: TypeAlias = Band | Sequence | Allocate | Leaf


def sequence(children: Iterable[Tree]) -> Tree:
    """A sequence without nesting, neighbouring leaves joined; one child stands for itself."""
    flat: list[Tree] = []
    for child in children:
        for part in child.children if isinstance(child, Sequence) else (child,):
            last = flat[-1] if flat else None
            if isinstance(part, Leaf) and isinstance(last, Leaf):
                flat[-1] = Leaf(last.names + part.names)
            else:
                flat.append(part)
    return flat[0] if len(flat) == 1 else Sequence(tuple(flat))


def band(members: Iterable[Member], permutable: bool, child: Tree) -> Tree:
    """A band; without members its child stands for it."""
    members = tuple(members)
    if isinstance(child, Band) and members and not child.members:
        child = child.child
    return Band(members, permutable, child) if members else child


def only(tree: Tree, names: frozenset[str]) -> Tree | None:
    """The part of a tree that runs the named statements."""
    match tree:
        case Leaf():
            kept = tuple(name for name in tree.names if name in names)
            return Leaf(kept) if kept else None
        case Sequence():
            children = [child for child in (only(child, names) for child in tree.children) if child is not None]
            return sequence(children) if children else None
        case Band():
            below = only(tree.child, names)
            if below is None:
                return None
            return Band(tuple(member.only(below.names) for member in tree.members), tree.permutable, below)
        case Allocate():
            inside = only(tree.child, names)
            return None if inside is None else replace(tree, child=inside)
        case _:
            assert_never(tree)


def bands(tree: Tree) -> Iterator[Band]:
    """All bands, outer first."""
    match tree:
        case Band():
            yield tree
            yield from bands(tree.child)
        case Sequence():
            for child in tree.children:
                yield from bands(child)
        case Allocate():
            yield from bands(tree.child)
        case Leaf():
            return
        case _:
            assert_never(tree)


def depth(tree: Tree) -> int:
    """The largest number of nested loops."""
    match tree:
        case Band():
            return len(tree.members) + depth(tree.child)
        case Sequence():
            return max(depth(child) for child in tree.children)
        case Allocate():
            return depth(tree.child)
        case Leaf():
            return 0
        case _:
            assert_never(tree)


def path(tree: Tree, name: str) -> tuple[Member, ...]:
    """The loops around a statement, outer first."""
    match tree:
        case Leaf():
            return ()
        case Band(members=members, child=child):
            return (*members, *path(child, name))
        case Sequence(children=children):
            return next(path(child, name) for child in children if name in child.names)
        case Allocate(child=child):
            return path(child, name)


def map_bands(tree: Tree, function: Callable[[Band], Tree]) -> Tree:
    """Rebuild bottom-up: `function` sees each band after what is below it was rewritten."""
    match tree:
        case Band():
            return function(replace(tree, child=map_bands(tree.child, function)))
        case Sequence():
            return sequence(map_bands(child, function) for child in tree.children)
        case Allocate():
            return replace(tree, child=map_bands(tree.child, function))
        case Leaf():
            return tree
        case _:
            assert_never(tree)


def program_order(scop: Scop) -> Tree:
    """The tree of the kernel as it was written; nothing is known of its members' coincidence."""
    return _nest(scop.statements, 0)


def _nest(statements: tuple[Statement, ...], level: int) -> Tree:
    groups: dict[int, list[Statement]] = {}
    for statement in statements:
        groups.setdefault(statement.positions[level], []).append(statement)
    children: list[Tree] = []
    for _, group in sorted(groups.items()):
        if len(group[0].iterators) == level:
            children.append(Leaf((group[0].name,)))
            continue
        dates = {}
        for s in group:
            value = variable(s.space, s.iterators[level])
            dates[s.name] = value if s.signs[level] > 0 else value.neg()
        children.append(Band((Member(dates, False, name=group[0].iterators[level]),), True, _nest(tuple(group), level + 1)))
    return sequence(children)


def from_isl(schedule: isl.Schedule, scop: Scop) -> Tree:
    """isl's schedule tree as ours (domain and context nodes dropped; a set becomes a sequence)."""
    names = tuple(s.name for s in scop.statements)
    return _from_node(schedule.get_root().child(0), names, scop)


def _from_node(node: isl.ScheduleNode, names: tuple[str, ...], scop: Scop) -> Tree:
    kind = node.get_type()
    types = ISL.schedule_node_type
    if kind == types.leaf:
        return Leaf(names)
    if kind == types.band:
        partial = node.band_get_partial_schedule()
        members = []
        for k in range(node.band_n_member()):
            found = tuple_functions(partial.get_at(k))
            dates = {name: align(found[name], scop.statement(name).space) for name in names}
            members.append(Member(dates, bool(node.band_member_get_coincident(k)), name=_name(dates)))
        return band(members, bool(node.band_get_permutable()), _from_node(node.child(0), names, scop))
    if kind in (types.sequence, types.set):
        children = []
        for k in range(node.n_children()):
            inside = node.child(k).filter_get_filter()
            kept = tuple(name for name in names if not inside.extract_set(scop.statement(name).space).is_empty())
            children.append(_from_node(node.child(k).child(0), kept, scop))
        if kind == types.set:
            order = {name: position for position, name in enumerate(names)}
            children.sort(key=lambda child: min(order[name] for name in child.names))
        return sequence(children)
    return _from_node(node.child(0), names, scop)


def _name(dates: Mapping[str, isl.PwAff]) -> str:
    """The iterator that a loop runs over, if it is one (perhaps shifted)."""
    for date in dates.values():
        terms = linear(date)
        if terms and list(terms.values()) == [1]:
            return next(iter(terms))
    return ""


def print_tree(tree: Tree, indent: int = 0) -> str:
    """The tree as text: one loop or leaf a line."""
    pad = "  " * indent
    match tree:
        case Leaf():
            return f"{pad}{', '.join(tree.names)}\n"
        case Sequence():
            return f"{pad}sequence\n" + "".join(print_tree(child, indent + 1) for child in tree.children)
        case Allocate():
            return f"{pad}allocate {', '.join(tree.arrays)}\n" + print_tree(tree.child, indent)
        case Band():
            text = ""
            for member in tree.members:
                marks: list[str] = [member.kind] if member.kind != "serial" else []
                marks += [member.note] if member.note else []
                marks += ["coincident"] if member.coincident and member.kind == "serial" else []
                dates = "; ".join(f"{name}: {_date(date)}" for name, date in member.dates.items())
                marks += ["permutable"] if tree.permutable and len(tree.members) > 1 else []
                text += " ".join([f"{pad}loop [{dates}]", *marks]) + "\n"
            return text + print_tree(tree.child, indent + 1)
        case _:
            assert_never(tree)


def _date(date: isl.PwAff) -> str:
    text = date.to_str()
    return " | ".join(part[part.rfind("[(") + 2 : part.rfind(")]")] for part in text.split(";")) if "[(" in text else text
