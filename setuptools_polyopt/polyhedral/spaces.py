"""The only place that knows isl's positions: everything else addresses dimensions by name.

A *statement space* is `[params] -> { S[i, j] }`, an *array space* `[params] -> { A[a0, a1] }`, a *time space* an anonymous tuple.
Objects of one kernel live in one isl context, which `extract` makes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import islpy as isl

ISL: Any = isl
"""isl's enumerations, whose members the type stubs of islpy do not know."""

_IN, _OUT, _SET, _PARAM, _DIV = (
    isl.dim_type.in_,
    isl.dim_type.out,
    isl.dim_type.set,
    isl.dim_type.param,
    isl.dim_type.div,
)


def set_space(context: isl.Context, params: Sequence[str], name: str, dims: Sequence[str]) -> isl.Space:
    """The space `[params] -> { name[dims] }`."""
    space = isl.Space.create_from_names(context, set=list(dims), params=list(params))
    return space.set_tuple_name(_SET, name)


def param_space(context: isl.Context, params: Sequence[str]) -> isl.Space:
    """The space `[params] -> { : }`."""
    return isl.Space.create_from_names(context, set=[], params=list(params)).params()


def dim_names(space: isl.Space) -> tuple[str, ...]:
    """Names of the dimensions of a set space."""
    return tuple(space.get_dim_name(_SET, k) or "" for k in range(space.dim(_SET)))


def param_names(space: isl.Space) -> tuple[str, ...]:
    """Names of the parameters of a space."""
    return tuple(space.get_dim_name(_PARAM, k) or "" for k in range(space.dim(_PARAM)))


def variable(space: isl.Space, name: str) -> isl.PwAff:
    """The dimension or parameter `name` as a function on a set space; KeyError if the space has none."""
    local = isl.LocalSpace.from_space(space)
    if not space.is_params():
        position = space.find_dim_by_name(_SET, name)
        if position >= 0:
            return isl.PwAff.from_aff(isl.Aff.var_on_domain(local, _SET, position))
    position = space.find_dim_by_name(_PARAM, name)
    if position < 0:
        raise KeyError(name)
    return isl.PwAff.from_aff(isl.Aff.var_on_domain(local, _PARAM, position))


def constant(space: isl.Space, value: int) -> isl.PwAff:
    """A constant function on a set space."""
    local = isl.LocalSpace.from_space(space)
    return isl.PwAff.from_aff(isl.Aff.val_on_domain(local, isl.Val(value, space.get_ctx())))


def function_map(domain: isl.Space, name: str | None, values: Sequence[isl.PwAff]) -> isl.Map:
    """The map `{ domain -> name[values] }` (an anonymous tuple for None); each value is a function on `domain`."""
    target = domain.params().add_unnamed_tuple_ui(len(values))
    if name is not None:
        target = target.set_tuple_name(_SET, name)
    multi = isl.MultiPwAff.zero(domain.map_from_domain_and_range(target))
    for position, value in enumerate(values):
        multi = multi.set_at(position, value)
    return isl.Map.from_multi_pw_aff(multi)


def range_size(relation: isl.Map) -> int:
    """Number of dimensions of a map's range."""
    return int(relation.dim(_OUT))


def project_range(relation: isl.Map, dim: int) -> isl.Map:
    """The relation to range dimension `dim` alone (an anonymous one-dimensional range)."""
    size = range_size(relation)
    relation = relation.project_out(_OUT, dim + 1, size - dim - 1).project_out(_OUT, 0, dim)
    return relation


def drop_domain_dim(relation: isl.Map, name: str) -> isl.Map:
    """Project the named domain dimension away; the domain keeps its tuple name."""
    label = relation.get_tuple_name(_IN)
    relation = relation.project_out(_IN, relation.find_dim_by_name(_IN, name), 1)
    return relation.set_tuple_name(_IN, label) if label else relation


def project_set_onto(domain: isl.Set, names: Iterable[str]) -> isl.Set:
    """Project all dimensions away but the named ones."""
    keep = set(names)
    for position in reversed(range(domain.dim(_SET))):
        if domain.get_dim_name(_SET, position) not in keep:
            domain = domain.project_out(_SET, position, 1)
    return domain


def parametric(domain: isl.Set, names: Iterable[str]) -> isl.Set:
    """The set with the named dimensions as parameters, as the loops over them see it."""
    for name in names:
        domain = domain.move_dims(_PARAM, domain.dim(_PARAM), _SET, domain.find_dim_by_name(_SET, name), 1)
    return domain


def linear(function: isl.PwAff) -> Mapping[str, Fraction] | None:
    """Coefficients of a function's dimensions by name, without the constant and the parameters; None unless it is one affine piece
    without integer divisions."""
    pieces = function.get_pieces()
    if len(pieces) != 1:
        return None
    aff = pieces[0][1]
    for k in range(aff.dim(_DIV)):
        if not aff.get_coefficient_val(_DIV, k).is_zero():
            return None
    found: dict[str, Fraction] = {}
    for k in range(aff.dim(_IN)):
        value = aff.get_coefficient_val(_IN, k)
        if not value.is_zero():
            found[aff.get_dim_name(_IN, k) or ""] = Fraction(value.get_num_si(), value.get_den_val().get_num_si())
    return found


def statement_pairs(union: isl.UnionMap) -> list[tuple[str, str, isl.Map]]:
    """As `tuple_maps`, where domains may also be pairs of a statement's instances and something else: by the statement's name."""
    found = []
    maps = union.get_map_list()
    for k in range(maps.n_map()):
        relation = maps.get_at(k)
        domain = relation.get_space().domain()
        first = domain.unwrap().get_tuple_name(_IN) if domain.is_wrapping() else domain.get_tuple_name(_SET)
        found.append((first or "", relation.get_tuple_name(_OUT) or "", relation))
    return sorted(found, key=lambda item: item[:2])


def tuple_functions(union: isl.UnionPwAff) -> dict[str, isl.PwAff]:
    """The functions of a union by their domain's tuple name."""
    found: dict[str, isl.PwAff] = {}
    functions = union.get_pw_aff_list()
    for k in range(functions.n_pw_aff()):
        function = functions.get_at(k)
        found[function.get_space().domain().get_tuple_name(_SET) or ""] = function
    return found


def align(function: isl.PwAff, space: isl.Space) -> isl.PwAff:
    """The same function with the parameters and dimension names of a set space of equal shape."""
    function = function.align_params(space)
    for position in range(space.dim(_SET)):
        function = function.set_dim_id(_IN, position, space.get_dim_id(_SET, position))
    return function


Term = Mapping[str, int]
"""A linear expression: factor per loop (`@0`, `@1`, ...) and parameter, the constant under `""`."""


def lower_bounds(points: isl.Set) -> list[tuple[Term, int]]:
    """Linear lower bounds of the last dimension in terms of the others and the parameters, each with the (finite) number of values that the
    dimension may take from it on."""
    found = []
    last = points.dim(_SET) - 1
    hull = points.simple_hull()
    for constraint in hull.get_constraints():
        factor = constraint.get_coefficient_val(_SET, last)
        if abs(factor.get_num_si()) != 1 or (not constraint.is_equality() and factor.get_num_si() != 1):
            continue
        aff = constraint.get_aff()
        if factor.get_num_si() < 0:
            aff = aff.neg()
        if any(not aff.get_coefficient_val(_DIV, k).is_zero() for k in range(aff.dim(_DIV))):
            continue
        size = 1 if constraint.is_equality() else _finite(points.max_val(aff))
        if size is not None:
            found.append((_offset(aff, last), size if constraint.is_equality() else size + 1))
    return found


def _finite(value: isl.Val) -> int | None:
    return int(value.to_python()) if value.is_int() else None


def _offset(aff: isl.Aff, last: int) -> Term:
    """The bound `last >= term` that the constraint `aff >= 0` means."""
    term = {"": -int(aff.get_constant_val().to_python())}
    for k in range(last):
        value = aff.get_coefficient_val(_IN, k)
        if not value.is_zero():
            term[f"@{k}"] = -int(value.to_python())
    for k in range(aff.dim(_PARAM)):
        value = aff.get_coefficient_val(_PARAM, k)
        if not value.is_zero():
            term[aff.get_dim_name(_PARAM, k) or ""] = -int(value.to_python())
    return term


@dataclass(frozen=True)
class Quotient:
    """`floor((constant + sum of factor * name + sum of factor * quotient) / divisor)`; names are dimensions and parameters."""

    constant: int
    terms: tuple[tuple[int, str | Quotient], ...]
    divisor: int


def quotient(function: isl.PwAff) -> Quotient:
    """A function of one piece, integer divisions included. Raises TypeError for one of several pieces."""
    pieces = function.get_pieces()
    if len(pieces) != 1:
        raise TypeError(f"{function} has several pieces")
    return _quotient(pieces[0][1])


def _quotient(aff: isl.Aff) -> Quotient:
    divisor = int(aff.get_denominator_val().to_python())
    scaled = aff.scale_val(isl.Val(divisor, aff.get_ctx()))
    terms: list[tuple[int, str | Quotient]] = []
    for kind in (_IN, _PARAM, _DIV):
        for k in range(aff.dim(kind)):
            factor = scaled.get_coefficient_val(kind, k).get_num_si()
            if factor:
                terms.append((factor, _quotient(aff.get_div(k)) if kind == _DIV else aff.get_dim_name(kind, k) or ""))
    return Quotient(int(scaled.get_constant_val().get_num_si()), tuple(terms), divisor)
