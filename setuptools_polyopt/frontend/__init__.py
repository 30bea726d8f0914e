"""From a module's source to regions of typed Loop IR, with a reason for everything that stays Python.

    parse      source (which functions), names (locals, liveness), resolution (what globals are)
    types      annotations, ranks, signatures (types at entry), pytypes (types between statements), flow (the walk)
    calls      project (the functions of all modules), single_exit, inline (a callee's statements where its call stands), order
    lower      runs -> statements, loops, joins -> expressions, subscripts, calls, arrays, creation, reduction, contraction
               context and state hold the kernel under construction; affine and prover do index arithmetic
    finish     outputs (what leaves a region), finish (kernels and layouts), analysis (regions and variants)

What operators and functions mean for one element is the room `operators`'; bounds of subscripts and dependences are `polyhedral`'s.
"""

from __future__ import annotations

from setuptools_polyopt.frontend.analysis import ModuleAnalysis, analyse_module
from setuptools_polyopt.frontend.project import Project, project_of

__all__ = ["ModuleAnalysis", "Project", "analyse_module", "project_of"]
