"""Expansion of temporaries before scheduling.

A temporary that every iteration of a loop writes before it reads it makes iterations depend on each other only because they share its
memory. Here such a temporary gets the loop's iterator as a further (first) index; after scheduling, `storage` contracts what it can.
Uses of one name that exchange no values become temporaries of their own (`t`, `t_1`).

    for i: for j: s = 0; (for k: s = s + ...); C[i, j] = s      ->   for i: for j: s[i, j] = 0; ... C[i, j] = s[i, j]

Kernel in, kernel out; both are in program order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial

import islpy as isl

from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Expr, Load, Sym, integer
from setuptools_polyopt.ir.kernel import Array, Kernel, Role
from setuptools_polyopt.ir.statements import Assign, Block, For, If, Serial, Stmt, walk
from setuptools_polyopt.ir.visitors import map_block_exprs, map_expr
from setuptools_polyopt.polyhedral.affine import function_to_expr
from setuptools_polyopt.polyhedral.dependences import flow_through
from setuptools_polyopt.polyhedral.scop import Scop, Statement
from setuptools_polyopt.polyhedral.simplify import simplify
from setuptools_polyopt.polyhedral.spaces import function_map, linear, variable
from setuptools_polyopt.polyhedral.tree import Member


@dataclass(frozen=True)
class Gained:
    """An index that a temporary gains: the iterator of loop number `loop`, less `lower`, below `extent`."""

    level: int
    lower: Expr
    extent: Expr


@dataclass(frozen=True)
class Expansion:
    """array: the temporary. users: statements (by name) of one of its webs. name: what the web's array is called from now on."""

    array: str
    users: frozenset[str]
    name: str
    indices: tuple[Gained, ...]


def expansions(scop: Scop) -> tuple[Expansion, ...]:
    """What can be expanded, and along which loops."""
    found: list[Expansion] = []
    taken = {a.name for a in scop.kernel.arrays} | {p.name for p in scop.kernel.params}
    for array in scop.kernel.arrays:
        if array.role is not Role.TEMPORARY:
            continue
        users = [s for s in scop.statements if any(a.load.array == array.name for a in s.accesses)]
        flow = flow_through(array.name, scop)
        for number, web in enumerate(_webs(array.name, users, flow)):
            name = array.name
            if number:
                name = _fresh(f"{array.name}_{number}", taken)
                taken.add(name)
            indices = _indices(array, web, scop, flow)
            if number or indices:
                found.append(Expansion(array.name, frozenset(s.name for s in web), name, indices))
    return tuple(found)


def privatise(kernel: Kernel, scop: Scop, chosen: Iterable[Expansion]) -> Kernel:
    """The kernel with the chosen expansions carried out. `scop` is the kernel's (its own kernel holds what extraction added)."""
    by_statement: dict[str, dict[str, Expansion]] = {}
    arrays = list(kernel.arrays)
    for e in chosen:
        if not any(a.name == e.array for a in kernel.arrays):
            continue
        array = kernel.array(e.array)
        wide = replace(array, name=e.name, extents=(*(i.extent for i in e.indices), *array.extents))
        arrays = [wide if a.name == e.name else a for a in arrays] if e.name == e.array else [*arrays, wide]
        for user in e.users:
            by_statement.setdefault(user, {})[e.array] = e
    if not by_statement:
        return kernel
    labels = {label: by_statement[s.name] for s in scop.statements if s.name in by_statement for label in _labels(s.body)}
    body = _rewrite(kernel.body, (), labels)
    return replace(kernel, arrays=tuple(arrays), body=body)


def _labels(body: Block) -> list[str]:
    return [s.label for s in walk(body) if isinstance(s, Assign)]


def _rewrite(body: Block, loops: tuple[str, ...], labels: Mapping[str, dict[str, Expansion]]) -> Block:
    result: list[Stmt] = []
    for statement in body:
        match statement:
            case For():
                result.append(replace(statement, body=_rewrite(statement.body, (*loops, statement.var), labels)))
            case If():
                inside = [label for label in _labels((statement,)) if label in labels]
                table = labels[inside[0]] if inside else {}
                cond = _expand(statement.cond, loops, table)
                then, orelse = _rewrite(statement.body, loops, labels), _rewrite(statement.orelse, loops, labels)
                result.append(replace(statement, cond=cond, body=then, orelse=orelse))
            case Serial():
                table = labels.get(next(iter(_labels(statement.body)), ""), {})
                result += map_block_exprs((statement,), partial(_expand, loops=loops, table=table))
            case Assign():
                table = labels.get(statement.label, {})
                result += map_block_exprs((statement,), partial(_expand, loops=loops, table=table))
            case _:
                result.append(statement)
    return tuple(result)


def _expand(expr: Expr, loops: tuple[str, ...], table: Mapping[str, Expansion]) -> Expr:
    def rewrite(node: Expr) -> Expr:
        if not isinstance(node, Load) or node.array not in table:
            return node
        e = table[node.array]
        gained = (simplify(Binary("sub", Sym(loops[i.level]), i.lower, DType.INT64)) for i in e.indices)
        return Load(e.name, (*gained, *node.indices), node.dtype)

    return map_expr(expr, rewrite)


def _fresh(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _webs(array: str, users: list[Statement], flow: isl.UnionMap) -> list[list[Statement]]:
    """Statements that use the array, grouped by which exchange values through it."""
    group = {s.name: s.name for s in users}

    def root(name: str) -> str:
        while group[name] != name:
            name = group[name]
        return name

    for a in users:
        for b in users:
            if root(a.name) != root(b.name) and not _between(a, b, flow).is_empty():
                first, second = sorted((root(a.name), root(b.name)), key=[s.name for s in users].index)
                group[second] = first
    webs: dict[str, list[Statement]] = {}
    for s in users:
        webs.setdefault(root(s.name), []).append(s)
    writes = {s.name for s in users if any(a.write and a.load.array == array for a in s.accesses)}
    if any(not writes & {s.name for s in web} for web in webs.values()):
        return [users]
    return list(webs.values())


def _between(a: Statement, b: Statement, flow: isl.UnionMap) -> isl.UnionMap:
    """The flow from one statement to another."""
    return flow.intersect_domain(isl.UnionSet.from_set(a.domain)).intersect_range(isl.UnionSet.from_set(b.domain))


def _indices(array: Array, web: list[Statement], scop: Scop, flow: isl.UnionMap) -> tuple[Gained, ...]:
    """The common loops of a web along which its array must be expanded, so that they need not run in order because of it."""
    common = 0
    while all(len(s.loops) > common and s.loops[common] == web[0].loops[common] for s in web):
        common += 1
    domain = isl.UnionSet.empty_ctx(scop.context.get_ctx())
    for s in web:
        domain = domain.union(isl.UnionSet.from_set(s.domain))
    lives = flow.intersect_domain(domain).intersect_range(domain)
    found: list[Gained] = []
    for level in range(common):
        date = _level_dates(web, level)
        if not lives.is_subset(lives.eq_at_multi_union_pw_aff(date)):
            break
        if not _distinguished(array, web, level):
            index = iterator_range(level, web, scop)
            if index is None:
                break
            found.append(index)
    return tuple(found)


def _level_dates(web: list[Statement], level: int) -> isl.MultiUnionPwAff:
    return Member({s.name: variable(s.space, s.iterators[level]) for s in web}, False).union()


def _distinguished(array: Array, web: list[Statement], level: int) -> bool:
    """Is the iterator itself (plus a constant) a subscript of every access already?"""
    for s in web:
        for access in s.accesses:
            if access.load.array != array.name:
                continue
            rows = [linear(f) for f in access.subscripts or ()]
            if not any(row is not None and row == {s.iterators[level]: Fraction(1)} for row in rows):
                return False
    return True


def iterator_range(level: int, web: list[Statement], scop: Scop) -> Gained | None:
    """The range of a loop's iterator over all statements of a web, as expressions of the parameters; None where it has no bounds."""
    values: isl.Set | None = None
    for s in web:
        iterator = function_map(s.space, None, [variable(s.space, s.iterators[level])])
        part = iterator.intersect_domain(s.domain).range()
        values = part if values is None else values.union(part)
    if values is None or not values.dim_has_lower_bound(isl.dim_type.set, 0) or not values.dim_has_upper_bound(isl.dim_type.set, 0):
        return None
    if not values.params().is_equal(values.params().intersect(scop.context)):
        return None
    hull = isl.Set.from_basic_set(values.simple_hull())
    lower, upper = hull.dim_min(0), hull.dim_max(0)
    inside = hull.params().intersect(scop.context)
    low = simplify(function_to_expr(lower, inside, scop.names))
    extent = simplify(Binary("add", function_to_expr(upper.sub(lower), inside, scop.names), integer(1), DType.INT64))
    return Gained(level, low, simplify(Binary("max", extent, integer(0), DType.INT64)))
