"""Kernels of the IR through the whole GPU path on the stand-in: scheduled, printed, launched by the code that ships in a wheel."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import standin

from setuptools_polyopt.codegen.c import kernel_source
from setuptools_polyopt.diagnostics import NOWHERE
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.interpreter import evaluate
from setuptools_polyopt.ir.kernel import Kernel, NoOverlap, Region, Role, Variant
from setuptools_polyopt.multiversion.gpu import GpuRegion, GpuVariant, cuda_source, gpu_plans_source, gpu_variant
from setuptools_polyopt.polyhedral import Options, optimise
from setuptools_polyopt.polyhedral.footprint import footprints
from setuptools_polyopt.polyhedral.scop import extract
from setuptools_polyopt.runtime import gpu_plan, gpu_target
from setuptools_polyopt.runtime.plan import Field, layout

NO_VARIANT = Variant((), (), Kernel("", (), (), ()))
REGION = Region("", "", NOWHERE, (), (), False, False, (), ())
NOTES: list[str] = []
"""Why the last run did not take place."""


@dataclass
class Hooked:
    """What the native entry point would hand over."""

    args: bytes
    arrays: tuple[Any, ...]
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        self.notes.append(text)


def variant_of(kernel: Kernel, fp: str = "strict") -> GpuVariant:
    """The GPU variant of a kernel in program order, whose arrays share no memory."""
    apart = tuple(NoOverlap(a.name, b.name) for a, b in combinations([a for a in kernel.arrays if a.role is Role.ARGUMENT], 2))
    kernel = replace(kernel, assumptions=(*kernel.assumptions, *apart))
    scheduled = optimise(kernel, Options(gpu=True)).kernel
    return gpu_variant(scheduled, footprints(extract(kernel)), kernel.name, kernel.name, fp)


def plan_of(variant: GpuVariant, kernel: Kernel) -> Any:
    """The plan as a wheel's module would hold it."""
    fields = []
    for item in kernel_source(kernel).args:
        dtype = "uintp" if item.kind in ("data", "result") else "uint8" if item.dtype is DType.BOOL else item.dtype.value
        fields.append(Field(item.name, item.kind, item.source, dtype, item.axis))
    space: dict[str, Any] = {**vars(gpu_plan), "NATIVE": {variant.symbol: SimpleNamespace(fields=tuple(fields))}}
    exec(re.sub(r"from \..*", "", gpu_plans_source([GpuRegion("", REGION, ((NO_VARIANT, variant),))])), space)
    return space["PLANS"][variant.symbol]


def run(variant: GpuVariant, folder: Path, kernel: Kernel, arrays: dict[str, Any], params: Mapping[str, int]) -> tuple[int, int] | None:
    """Run a variant as its native kernel would be asked to: arrays are written in place, results are added."""
    NOTES.clear()
    (folder / f"{variant.symbol}.cu").write_text(cuda_source([variant]))
    (folder / f"{variant.symbol}.sm_90.cubin").write_bytes(b"what NVRTC makes of it; the stand-in takes the source")
    with pytest.MonkeyPatch.context() as patch, standin.installed():
        patch.setattr(gpu_target, "_HERE", folder)
        plan = plan_of(variant, kernel)
        record, data, results = _record(plan, kernel, arrays, params)
        answer = gpu_target.run(plan, Hooked(record, tuple(data.values()), NOTES))
    for name, value in results.items():
        arrays[name] = value[0]
    return answer


def _record(plan: Any, kernel: Kernel, arrays: dict[str, Any], params: Mapping[str, int]) -> tuple[bytes, dict[str, Any], dict[str, Any]]:
    record = np.zeros(1, layout(plan.fields))
    data: dict[str, Any] = {}
    results: dict[str, Any] = {}
    for item in plan.fields:
        match item.kind:
            case "param":
                record[item.name] = params[item.source]
            case "input":
                record[item.name] = arrays[item.source]
            case "result":
                results[item.source] = np.zeros(1, kernel.array(item.source).dtype.value)
                record[item.name] = results[item.source].ctypes.data
            case "data":
                if item.source not in arrays:
                    array = kernel.array(item.source)
                    shape = tuple(max(0, int(_evaluate(extent, params))) for extent in array.extents)
                    arrays[item.source] = np.full(shape, 0, array.dtype.value, order="F" if array.layout.value == "F" else "C")
                data[item.source] = arrays[item.source]
    return record.tobytes(), data, results


def _evaluate(expr: Any, params: Mapping[str, int]) -> int:
    return int(evaluate(expr, dict(params)))
