"""The variant plan: what the entry points of an extension are made from.

The pipeline fills it after code generation; `entry` prints it as C.
"""

from __future__ import annotations

from dataclasses import dataclass

from setuptools_polyopt.codegen.source import KernelSource
from setuptools_polyopt.ir.kernel import Region, Variant
from setuptools_polyopt.multiversion.safety import Safety


@dataclass(frozen=True, slots=True)
class NativeVariant:
    """A variant with its generated kernel: `variant` holds inputs, outputs and the program-order kernel with every assumption; `source` is
    the printed kernel; `loops` the indexes of NumPy's inner loops it needs."""

    variant: Variant
    source: KernelSource
    safety: Safety
    loops: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class NativeRegion:
    """A region of module `module` with at least one variant; `symbol` is its C name, unique in the package."""

    module: str
    symbol: str
    region: Region
    variants: tuple[NativeVariant, ...]
