"""The polyhedral stage: from a kernel in program order to a scheduled one. The only room that imports islpy.

    optimise(kernel, options)   the whole stage
    bounds(kernel)              the condition over the parameters under which every subscript is in bounds
    must_keep(scop, ...)        what a failing kernel must be able to restore
    Schedules                   all three for the variants of a region, with what they share done once
    stages(kernel)              a scheduled kernel as a sequence of kernels, for targets that cannot run it in one go
    chunk(stage)                what a part of a stage's parallel loop reads and writes
    extract, dependences, ...   its phases, each in the module of its name
"""

from setuptools_polyopt.polyhedral.bounds import bounds
from setuptools_polyopt.polyhedral.chunks import chunk
from setuptools_polyopt.polyhedral.footprint import must_keep
from setuptools_polyopt.polyhedral.optimise import Optimised, optimise
from setuptools_polyopt.polyhedral.options import Options
from setuptools_polyopt.polyhedral.shared import Scheduled, Schedules, with_condition
from setuptools_polyopt.polyhedral.stages import stages

__all__ = ["Optimised", "Options", "Scheduled", "Schedules", "bounds", "chunk", "must_keep", "optimise", "stages", "with_condition"]
