"""The polyhedral stage: from a kernel in program order to a scheduled one. The only room that imports islpy.

    optimise(kernel, options)   the whole stage
    bounds(kernel)              the condition over the parameters under which every subscript is in bounds
    must_keep(scop, ...)        what a failing kernel must be able to restore
    Schedules                   all three for the variants of a region, with what they share done once
    extract, dependences, ...   its phases, each in the module of its name
"""

from setuptools_polyopt.polyhedral.bounds import bounds
from setuptools_polyopt.polyhedral.footprint import must_keep
from setuptools_polyopt.polyhedral.optimise import Optimised, optimise
from setuptools_polyopt.polyhedral.options import Options
from setuptools_polyopt.polyhedral.shared import Scheduled, Schedules, with_condition

__all__ = ["Optimised", "Options", "Scheduled", "Schedules", "bounds", "must_keep", "optimise", "with_condition"]
