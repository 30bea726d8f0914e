"""A new order for a kernel's statement instances: Pluto's algorithm as isl implements it.

All dependences are validity constraints and coincidence constraints, flow dependences are proximity constraints (reuse close in time).
isl then fuses what gains from it without losing a parallel loop, and finds permutable bands (with skewing where it takes that). The caller
bounds the work by counting isl's operations, not by time, so that every build gives the same result.
"""

from __future__ import annotations

import islpy as isl

from setuptools_polyopt.polyhedral.dependences import Dependences
from setuptools_polyopt.polyhedral.scop import Scop
from setuptools_polyopt.polyhedral.tree import Tree, from_isl


class NoSchedule(Exception):
    """isl finds no schedule."""


def schedule(scop: Scop, deps: Dependences, apart: bool = False) -> Tree:
    """isl's schedule of a scop. apart: fuse nothing that dependences do not force together. Raises NoSchedule."""
    context = scop.context.get_ctx()
    context.set_schedule_serialize_sccs(int(apart))
    context.set_schedule_maximize_coincidence(1)
    context.set_schedule_treat_coalescing(1)
    everything = deps.all
    constraints = isl.ScheduleConstraints.on_domain(scop.domain).set_context(scop.context)
    constraints = constraints.set_validity(everything).set_coincidence(everything).set_proximity(deps.flow)
    return from_isl(_compute(constraints, context), scop)


def _compute(constraints: isl.ScheduleConstraints, context: isl.Context) -> isl.Schedule:
    """With small coefficients if possible (they make readable loops), else with any."""
    for coefficient, constant in ((4, 16), (-1, -1)):
        context.set_schedule_max_coefficient(coefficient)
        context.set_schedule_max_constant_term(constant)
        try:
            return constraints.compute_schedule()
        except isl.Error as error:
            if "carry" not in str(error) and "solution" not in str(error):
                raise
    raise NoSchedule("isl finds no schedule")
