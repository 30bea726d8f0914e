"""From a schedule tree back to Loop IR.

isl turns the tree into loops that scan exactly the domains in the order of the dates; this module carries the marks over, puts the
statements' bodies back with their iterators replaced, and gives loops readable names: an iterator's own where the loop is one of the
program's, `i_tile` for a loop over tiles of `i`, `w0` for others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import islpy as isl

from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Const, Expr, Load, Range, Reduce, Sym, integer
from setuptools_polyopt.ir.kernel import Array, Kernel, Role
from setuptools_polyopt.ir.statements import Alloc, Assign, Block, For, If, LoopKind, Serial, Stmt, walk
from setuptools_polyopt.ir.visitors import arrays_used, map_block_exprs, map_expr, substitute, symbols, walk_expr
from setuptools_polyopt.polyhedral.affine import as_condition, ast_to_expr, quotient_to_expr
from setuptools_polyopt.polyhedral.limits import TooIntricate
from setuptools_polyopt.polyhedral.scop import Scop
from setuptools_polyopt.polyhedral.simplify import simplify
from setuptools_polyopt.polyhedral.spaces import ISL, Term, quotient
from setuptools_polyopt.polyhedral.storage import Contraction
from setuptools_polyopt.polyhedral.tree import Allocate, Band, Leaf, Member, Sequence, Tree, depth, path

_NODES = ISL.ast_node_type


@dataclass(frozen=True)
class _Mark:
    kind: LoopKind
    note: str
    name: str


def generate(tree: Tree, scop: Scop, contraction: Contraction) -> Kernel:
    """The scheduled kernel: body, and contracted temporaries (those that nothing uses are gone). Raises TooIntricate where isl's loops
    cannot hold what they share."""
    return _Generator(tree, scop, contraction).run()


class _Generator:
    def __init__(self, tree: Tree, scop: Scop, contraction: Contraction) -> None:
        self.contraction = contraction
        self.allocations: list[tuple[str, ...]] = []
        self.tree = tree
        self.scop = scop
        self.marks: list[_Mark] = []
        self.taken = _reserved(scop.kernel)

    def run(self) -> Kernel:
        if not self.scop.statements:
            return replace(self.scop.kernel, arrays=self._arrays(), body=())
        schedule = self._schedule(self.tree)
        context = self.scop.context.get_ctx()
        context.set_ast_build_atomic_upper_bound(1)
        context.set_ast_build_detect_min_max(1)
        context.set_ast_build_exploit_nested_bounds(1)
        context.set_ast_build_prefer_pdiv(0)
        context.set_ast_build_scale_strides(0)
        iterators = isl.IdList.alloc(context, depth(self.tree))
        for k in range(depth(self.tree)):
            iterators = iterators.add(isl.Id(f"@{k}", context=context))
        build = isl.AstBuild.from_context(self.scop.context).set_iterators(iterators)
        for together in (0, 1):  # isl takes statements of one loop apart where their order allows it
            context.set_ast_build_group_coscheduled(together)
            body = self._node(build.node_from_schedule(schedule), None, {}, frozenset(self.taken))
            if not _torn(body):
                break
        else:
            raise TooIntricate("isl takes statements that share a temporary out of its loop")
        return replace(self.scop.kernel, arrays=self._arrays(), body=body)

    def _arrays(self) -> tuple[Array, ...]:
        found = []
        for array in self.scop.kernel.arrays:
            if array.name in self.contraction:
                windows = self.contraction[array.name]
                kept = zip(array.extents, windows, strict=True)
                extents = tuple(e if w is None else integer(w.size) for e, w in kept if w is None or w.size > 1)
                found.append(replace(array, extents=extents))
            elif array.role is not Role.TEMPORARY:
                found.append(array)
        return tuple(found)

    # tree -> isl schedule

    def _schedule(self, tree: Tree) -> isl.Schedule:
        match tree:
            case Leaf(names=names):
                return self._in_order([isl.Schedule.from_domain(isl.UnionSet.from_set(self.scop.statement(n).domain)) for n in names])
            case Sequence(children=children):
                return self._in_order([self._schedule(child) for child in children])
            case Band(members=members, child=child):
                schedule = self._schedule(child)
                for member in reversed(members):
                    schedule = self._loop(schedule, member)
                return schedule
            case Allocate(arrays=arrays, child=child):
                identifier = isl.Id(f"a{len(self.allocations)}", context=self.scop.context.get_ctx())
                self.allocations.append(arrays)
                return self._schedule(child).get_root().child(0).insert_mark(identifier).get_schedule()

    def _in_order(self, parts: list[isl.Schedule]) -> isl.Schedule:
        schedule = parts[0]
        for part in parts[1:]:
            schedule = schedule.sequence(part)
        return schedule

    def _loop(self, schedule: isl.Schedule, member: Member) -> isl.Schedule:
        schedule = schedule.insert_partial_schedule(member.union())
        node = schedule.get_root().child(0)
        if member.note != "unroll":
            node = node.band_member_set_ast_loop_type(0, isl.ast_loop_type.atomic)
        else:
            node = node.band_member_set_ast_loop_type(0, isl.ast_loop_type.unroll)
        identifier = isl.Id(f"m{len(self.marks)}", context=self.scop.context.get_ctx())
        self.marks.append(_Mark(member.kind, member.note, member.name))
        return node.insert_mark(identifier).get_schedule()

    # isl AST -> IR

    def _node(self, node: isl.AstNode, mark: _Mark | None, values: Mapping[str, Expr], scope: frozenset[str]) -> Block:
        kind = node.get_type()
        if kind == _NODES.mark:
            name = node.mark_get_id().get_name()
            if name.startswith("a"):
                inside = self._node(node.mark_get_node(), None, values, scope)
                used = arrays_used(inside)  # isl may have split what the mark is around
                return _once((*(Alloc(array) for array in self.allocations[int(name[1:])] if array in used), *inside))
            return self._node(node.mark_get_node(), self.marks[int(name[1:])], values, scope)
        if kind == _NODES.block:
            children = node.block_get_children()
            return _once(s for k in range(children.n_ast_node()) for s in self._node(children.get_at(k), mark, values, scope))
        if kind == _NODES.if_:
            cond = simplify(as_condition(self._expr(node.if_get_cond(), values)))
            orelse = self._node(node.if_get_else_node(), mark, values, scope) if node.if_has_else_node() else ()
            return (If(cond, self._node(node.if_get_then_node(), mark, values, scope), orelse),)
        if kind == _NODES.for_:
            return self._for(node, mark, values, scope)
        return self._user(node, values)

    def _expr(self, expr: isl.AstExpr, values: Mapping[str, Expr]) -> Expr:
        return simplify(ast_to_expr(expr, {**self.scop.names, **values}))

    def _for(self, node: isl.AstNode, mark: _Mark | None, values: Mapping[str, Expr], scope: frozenset[str]) -> Block:
        iterator = node.for_get_iterator().get_id().get_name()
        lower = self._expr(node.for_get_init(), values)
        if node.for_is_degenerate():
            return self._node(node.for_get_body(), None, {**values, iterator: lower}, scope)
        cond = node.for_get_cond()
        upper = self._expr(cond.get_op_arg(1), values)
        if cond.get_op_type() == ISL.ast_expr_op_type.le:
            upper = simplify(Binary("add", upper, integer(1), DType.INT64))
        if iterator in symbols(upper):
            raise TooIntricate("isl's loop has an end that moves with its variable")
        step = self._expr(node.for_get_inc(), values)
        if not isinstance(step, Const):
            raise TypeError("a loop of isl has a constant step")
        mark = mark or _Mark("serial", "", "")
        var = _free(mark.name or f"c{iterator[1:]}", scope)
        body = self._node(node.for_get_body(), None, {**values, iterator: Sym(var)}, scope | {var})
        innermost = not any(isinstance(inner, For | Serial) for inner in walk(body))
        kind = "serial" if mark.kind == "vector" and not innermost else mark.kind
        return (For(var, lower, upper, int(step.value.real), body, kind, mark.note),)

    def _user(self, node: isl.AstNode, values: Mapping[str, Expr]) -> Block:
        call = node.user_get_expr()
        statement = self.scop.statement(call.get_op_arg(0).get_id().get_name())
        args = [self._expr(call.get_op_arg(k), values) for k in range(1, call.get_op_n_arg())]
        point = dict(zip(statement.iterators, args, strict=True))
        dates = {**self._dates(statement.name, point, values), **values}
        body = instantiate(statement.body, point)
        return map_block_exprs(body, lambda expr: map_expr(expr, lambda node: self._contracted(node, dates)))

    def _dates(self, name: str, point: Mapping[str, Expr], values: Mapping[str, Expr]) -> dict[str, Expr]:
        """The dates of loops that isl has left out because they have one iteration, from the statement's own iterators."""
        found = {}
        wanted = {loop for windows in self.contraction.values() for window in windows if window is not None for loop in window.offset}
        for number, member in enumerate(path(self.tree, name)):
            if f"@{number}" in wanted and f"@{number}" not in values:
                date = quotient_to_expr(quotient(member.dates[name]), {**self.scop.names, **point})
                found[f"@{number}"] = simplify(date)
        return found

    def _contracted(self, node: Expr, values: Mapping[str, Expr]) -> Expr:
        """A reference to a contracted array with the indices that are left."""
        if not isinstance(node, Load) or node.array not in self.contraction:
            return node
        indices = []
        for index, window in zip(node.indices, self.contraction[node.array], strict=True):
            if window is None:
                indices.append(index)
            elif window.size > 1:
                indices.append(simplify(Binary("sub", index, self._offset(window.offset, values), DType.INT64)))
        return replace(node, indices=tuple(indices))

    def _offset(self, term: Term, values: Mapping[str, Expr]) -> Expr:
        total: Expr = integer(term[""])
        for name, factor in term.items():
            if name:
                value = values.get(name) or self.scop.names.get(name) or Sym(name)
                total = Binary("add", total, Binary("mul", integer(factor), value, DType.INT64), DType.INT64)
        return total


def _once(statements: Iterable[Stmt]) -> Block:
    """A block in which each array is allocated once, where it is first."""
    found: dict[Stmt | int, Stmt] = {}
    for number, statement in enumerate(statements):
        found.setdefault(statement if isinstance(statement, Alloc) else number, statement)
    return tuple(found.values())


def _torn(body: Block) -> bool:
    """Whether statements that share a temporary have come to lie in different places that each allocate one."""
    users: dict[str, frozenset[str]] = {}
    return any(users.setdefault(name, labels) != labels for name, labels in _allocated(body))


def _allocated(body: Block) -> Iterator[tuple[str, frozenset[str]]]:
    """Each allocation of an array, with the statements behind it that use the array."""
    for number, statement in enumerate(body):
        match statement:
            case Alloc(array=array):
                users = (item for item in walk(body[number:]) if isinstance(item, Assign) and array in arrays_used((item,)))
                yield array, frozenset(item.label for item in users)
            case For(body=inner):
                yield from _allocated(inner)
            case If(body=inner, orelse=orelse):
                yield from _allocated(inner)
                yield from _allocated(orelse)
            case _:
                pass


def _reserved(kernel: Kernel) -> set[str]:
    """Names that no loop may take: parameters, arrays, variables of reductions and of loops inside a `Serial`."""
    found = {param.name for param in kernel.params} | {array.name for array in kernel.arrays}
    for statement in walk(kernel.body):
        if isinstance(statement, Assign):
            found |= {part.var for node in walk_expr(statement.value) if isinstance(node, Reduce) for part in node.ranges}
        elif isinstance(statement, Serial):
            found |= {loop.var for loop in walk(statement.body) if isinstance(loop, For)}
    return found


def _free(name: str, scope: frozenset[str]) -> str:
    """The name, or one like it that is free."""
    number = 1
    candidate = name
    while candidate in scope:
        number += 1
        candidate = f"{name}{number}"
    return candidate


def instantiate(body: Block, values: Mapping[str, Expr]) -> Block:
    """A statement's body at one point: iterators replaced, subscripts simplified."""

    def tidy(node: Expr) -> Expr:
        match node:
            case Load(indices=indices):
                return replace(node, indices=tuple(simplify(index) for index in indices))
            case Reduce(ranges=ranges):
                return replace(node, ranges=tuple(Range(part.var, simplify(part.lower), simplify(part.upper)) for part in ranges))
            case _:
                return node

    return map_block_exprs(body, lambda expr: map_expr(substitute(expr, values), tidy))
