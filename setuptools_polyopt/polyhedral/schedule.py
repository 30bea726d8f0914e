"""A new order for a kernel's statement instances: Pluto's algorithm as isl implements it.

All dependences are validity constraints and coincidence constraints, flow dependences are proximity constraints (reuse close in time).
isl then fuses what gains from it without losing a parallel loop, and finds permutable bands (with skewing where it takes that). The
work is bounded by counting isl's operations, not by time, so that every build gives the same result; beyond the bound the program's own
order is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import islpy as isl

from setuptools_polyopt.polyhedral.dependences import Dependences
from setuptools_polyopt.polyhedral.scop import Scop
from setuptools_polyopt.polyhedral.tree import Tree, from_isl


@dataclass(frozen=True)
class TooExpensive(Exception):
    """The scheduler ran into its bound."""

    operations: int


def schedule(scop: Scop, deps: Dependences, max_operations: int) -> Tree:
    """isl's schedule of a scop. Raises TooExpensive when it takes more than `max_operations` of isl's operations."""
    context = scop.context.get_ctx()
    context.set_schedule_maximize_coincidence(1)
    context.set_schedule_treat_coalescing(1)
    context.set_schedule_max_coefficient(4)
    context.set_schedule_max_constant_term(16)
    everything = deps.all
    domain = scop.domain
    constraints = isl.ScheduleConstraints.on_domain(domain).set_context(scop.context)
    constraints = constraints.set_validity(everything).set_coincidence(everything).set_proximity(deps.flow)
    context.reset_operations()
    context.set_max_operations(max_operations)
    try:
        result = constraints.compute_schedule()
    except isl.Error as error:
        if "operations" not in str(error) and "quota" not in str(error).lower():
            raise
        raise TooExpensive(max_operations) from None
    finally:
        context.set_max_operations(0)
        context.reset_operations()
    return from_isl(result, scop)
