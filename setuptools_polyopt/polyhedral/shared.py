"""One schedule for all kernels that differ only in the strides of their arguments.

A region has a variant per layout of its arrays: contiguous along the last axis, as the profile has seen them, any strides. What isl has to
find out (bounds, dependences, order, copies) is the same for contiguous and for any strides, since the order of the elements in memory is
most likely the same too; only arrays in Fortran's order ask for another order of the loops. isl's work is most of the time that a build
takes, so it is done once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from setuptools_polyopt.diagnostics import unsupported
from setuptools_polyopt.ir.expressions import TRUE, Expr
from setuptools_polyopt.ir.kernel import Array, Holds, Kernel, Layout
from setuptools_polyopt.polyhedral.bounds import bounds
from setuptools_polyopt.polyhedral.chunks import Chunks
from setuptools_polyopt.polyhedral.footprint import Box, Footprint, footprints, must_keep, steered
from setuptools_polyopt.polyhedral.optimise import Optimised, optimise
from setuptools_polyopt.polyhedral.options import Options
from setuptools_polyopt.polyhedral.scop import Scop, extract


@dataclass(frozen=True, eq=False)
class Scheduled:
    """condition: under which every subscript is within its array. optimised: the scheduled kernel; its name and the strides of its
    arguments are nobody's."""

    condition: Expr
    optimised: Optimised
    scop: Scop
    boxes: dict[bool, Mapping[str, Box]] = field(default_factory=dict)
    others: dict[Options, Optimised] = field(default_factory=dict)
    touched: dict[str, Footprint] = field(default_factory=dict)

    def footprints(self) -> Mapping[str, Footprint]:
        """As `footprint.footprints`."""
        if not self.touched:
            self.touched.update(footprints(self.scop))
        return self.touched

    def with_options(self, options: Options) -> Optimised:
        """Another schedule of the same kernel."""
        if options not in self.others:
            self.others[options] = optimise(self.scop.kernel, options, self.scop)
        return self.others[options]

    def must_keep(self, everything: bool) -> Mapping[str, Box]:
        """As `footprint.must_keep`."""
        if everything not in self.boxes:
            self.boxes[everything] = must_keep(self.scop, everything)
        return self.boxes[everything]

    def steered(self) -> Mapping[str, bool]:
        """As `footprint.steered`."""
        return steered(self.scop)


@dataclass(frozen=True, eq=False)
class Schedules:
    """The schedules of one region's variants so far, and the chunks of their stages."""

    known: dict[Kernel, Scheduled] = field(default_factory=dict)
    chunks: Chunks = field(default_factory=Chunks)

    def of(self, kernel: Kernel) -> Scheduled:
        """The schedule of a verified kernel in program order. Raises Unsupported as `bounds` and `optimise` do."""
        form = replace(
            kernel,
            name="",
            arrays=tuple(_likely(array) for array in kernel.arrays),
            assumptions=tuple(item for item in kernel.assumptions if isinstance(item, Holds)),
        )
        if form not in self.known:
            self.known[form] = _scheduled(form)
        return self.known[form]


def with_condition(kernel: Kernel, condition: Expr) -> Kernel:
    """The kernel with the condition of its bounds among its assumptions."""
    if condition == TRUE:
        return kernel
    return replace(kernel, assumptions=(*kernel.assumptions, Holds(condition, "every subscript is within its array", kernel.span)))


def _scheduled(kernel: Kernel) -> Scheduled:
    condition = bounds(kernel)
    kernel = with_condition(kernel, condition)
    scop = extract(kernel)
    if scop.context.is_empty():
        text = "there are no sizes for which every subscript is within its array"
        raise unsupported(kernel.span, "bounds", text, "NumPy raises IndexError, or a negative index counts from the end")
    return Scheduled(condition, optimise(kernel, scop=scop), scop)


def _likely(array: Array) -> Array:
    """An array with any strides most likely has its elements in the order of its axes."""
    return replace(array, layout=Layout.C) if array.layout is Layout.STRIDED else array
