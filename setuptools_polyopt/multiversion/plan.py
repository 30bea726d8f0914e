"""The variant plan: what the entry points of an extension are made from.

The pipeline fills it after code generation; `entry` prints it as C.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from setuptools_polyopt.codegen.source import KernelSource
from setuptools_polyopt.ir.expressions import Expr
from setuptools_polyopt.ir.kernel import Region, Variant
from setuptools_polyopt.multiversion.safety import Safety
from setuptools_polyopt.polyhedral.chunks import Chunk
from setuptools_polyopt.polyhedral.footprint import Footprint
from setuptools_polyopt.polyhedral.stages import Stage, Stages


@dataclass(frozen=True, slots=True)
class NativeStage:
    """A stage with its printed kernel (the variant's own where the stage is all of it). `chunk`: what a part of its parallel loop reads
    and writes; None where it runs in one piece."""

    stage: Stage
    source: KernelSource
    chunk: Chunk | None
    loops: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class NativeVariant:
    """A variant with its generated kernel: `variant` holds inputs, outputs and the program-order kernel with every assumption; `source` is
    the printed kernel; `loops` the indexes of NumPy's inner loops it needs. `staged` and `stages` are what a cluster runs; where there
    are none, `why_not` says why. `footprints`: what it reads and writes of the lists among its arguments, by array name. `devices`: the
    same with stages whose chunks GPUs can run. `certain`: where lists come in, the work if loops that data may end do so at once."""

    variant: Variant
    source: KernelSource
    safety: Safety
    loops: tuple[int, ...]
    staged: Stages | None = None
    stages: tuple[NativeStage, ...] = ()
    why_not: str = ""
    footprints: Mapping[str, Footprint] = field(default_factory=dict)
    devices: NativeVariant | None = None
    certain: Expr | None = None


@dataclass(frozen=True, slots=True)
class NativeRegion:
    """A region of module `module` with at least one variant; `symbol` is its C name, unique in the package."""

    module: str
    symbol: str
    region: Region
    variants: tuple[NativeVariant, ...]


def kernels(variant: NativeVariant) -> Iterator[tuple[KernelSource, tuple[int, ...]]]:
    """The kernels of a variant and of its stages, each with the indexes of the inner loops that it calls."""
    yield variant.source, variant.loops
    for stage in (*variant.stages, *(variant.devices.stages if variant.devices else ())):
        if not stage.stage.whole:
            yield stage.source, stage.loops
