"""A new order for a kernel's statement instances: Pluto's algorithm as isl implements it.

All dependences are validity constraints and coincidence constraints, flow dependences are proximity constraints (reuse close in time).
isl then fuses what gains from it without losing a parallel loop, and finds permutable bands (with skewing where it takes that). The
work is bounded by counting isl's operations, not by time, so that every build gives the same result; beyond the bound the program's own
order is kept.
"""

from __future__ import annotations

import islpy as isl

from setuptools_polyopt.polyhedral.dependences import Dependences
from setuptools_polyopt.polyhedral.scop import Scop
from setuptools_polyopt.polyhedral.tree import Tree, from_isl


class NoSchedule(Exception):
    """There is no schedule to be had: the text says why (the bound was reached, or isl finds none with small coefficients)."""


def schedule(scop: Scop, deps: Dependences, max_operations: int) -> Tree:
    """isl's schedule of a scop. Raises NoSchedule, also when it takes more than `max_operations` of isl's operations."""
    context = scop.context.get_ctx()
    context.set_schedule_maximize_coincidence(1)
    context.set_schedule_treat_coalescing(1)
    everything = deps.all
    constraints = isl.ScheduleConstraints.on_domain(scop.domain).set_context(scop.context)
    constraints = constraints.set_validity(everything).set_coincidence(everything).set_proximity(deps.flow)
    context.reset_operations()
    context.set_max_operations(max_operations)
    try:
        return from_isl(_compute(constraints, context), scop)
    except isl.Error as error:
        raise NoSchedule(str(error)) from None
    finally:
        context.set_max_operations(0)
        context.reset_operations()


def _compute(constraints: isl.ScheduleConstraints, context: isl.Context) -> isl.Schedule:
    """With small coefficients if possible (they make readable loops), else with any."""
    for coefficient, constant in ((4, 16), (-1, -1)):
        context.set_schedule_max_coefficient(coefficient)
        context.set_schedule_max_constant_term(constant)
        try:
            return constraints.compute_schedule()
        except isl.Error as error:
            if coefficient < 0 or "operations" in str(error):
                raise
    raise NoSchedule("no schedule")
