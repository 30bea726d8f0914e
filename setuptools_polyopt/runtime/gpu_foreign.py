"""Regions called with CuPy arrays: the guard in Python, the kernels on the arrays where they are, the answer in kind.

What: the native entry point refuses arguments that are not NumPy's and asks here. The same conditions are looked at as there: exact types,
element types, ranks, strides, extents, ranges, overlap, and the condition of the bounds. Results are new CuPy arrays (of rank 0 where
NumPy would answer a scalar of its own). A run that fails leaves the arrays as they were; then the answer is None and CuPy runs the original
statements.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from . import gpu_target
from .gpu_plan import Foreign, Given

_PYTHON: dict[str, type] = {"bool": bool, "int64": int, "float64": float, "complex128": complex}


def answer(variants: Sequence[Foreign], args: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """The outputs of the first variant whose guard holds, or None."""
    for variant in variants:
        values = bind(variant, args)
        if values is not None:
            return _run(variant, values)
    return None


def bind(variant: Foreign, args: tuple[Any, ...]) -> dict[str, Any] | None:
    """Parameters, scalar inputs and arrays by name, where every condition holds."""
    import cupy

    values: dict[str, Any] = {}
    arrays: dict[str, Any] = {}
    for given in variant.inputs:
        value = args[given.position]
        if given.kind == "array":
            if type(value) is not cupy.ndarray or not _fits(given, value) or not _defines(given, value.shape, values):
                return None
            arrays[given.array] = value
        elif not _is_scalar(given, value) or (given.param and not _same(values, given.param, int(value))):
            return None
        elif given.array:
            values[given.array] = np.dtype(given.dtype).type(value)
    if not all(low <= values[name] <= high for name, low, high in variant.ranges):
        return None
    if any(_overlap(arrays[a], arrays[b]) for a, b in variant.apart):
        return None
    if not all(_is_contiguous(arrays[name], axis) for name, axis in variant.contiguous):
        return None
    names = [*(name for name, _, _ in variant.ranges), *variant.scalars]
    return {**values, **arrays} if variant.holds(*(values[name] for name in names)) else None


def _is_scalar(given: Given, value: Any) -> bool:
    if given.kind == "attribute":
        return False
    if given.kind == "numpy":
        return type(value) is np.dtype(given.dtype).type
    if type(value) is not _PYTHON[given.dtype]:
        return False
    return not isinstance(value, int) or -(2**63) <= value < 2**63


def _fits(given: Given, array: Any) -> bool:
    """Element type, rank, and strides that kernels rely on."""
    size = array.dtype.itemsize
    if array.dtype != np.dtype(given.dtype) or array.ndim != len(given.extents) or any(step % size for step in array.strides):
        return False
    if given.layout == "strided":
        return True
    axis = 0 if given.layout == "F" else array.ndim - 1
    return bool(array.shape[axis] <= 1 or array.strides[axis] == size)


def _defines(given: Given, shape: Sequence[int], values: dict[str, Any]) -> bool:
    """Extents that are as others have said, and that say it where they are the first."""
    pairs = zip(given.extents, shape, strict=True)
    return all(extent == name if isinstance(name, int) else _same(values, name, extent) for name, extent in pairs)


def _same(values: dict[str, Any], name: str, value: int) -> bool:
    return bool(values.setdefault(name, value) == value)


def _bounds(array: Any) -> tuple[int, int]:
    """First byte and the one after the last."""
    low = high = int(array.data.ptr)
    for extent, step in zip(array.shape, array.strides, strict=True):
        low += min(0, (extent - 1) * step)
        high += max(0, (extent - 1) * step)
    return low, high + array.dtype.itemsize


def _overlap(first: Any, second: Any) -> bool:
    """Whether two arrays may share memory."""
    if not first.size or not second.size:
        return False
    (a, b), (c, d) = _bounds(first), _bounds(second)
    return a < d and c < b


def _is_contiguous(array: Any, axis: int) -> bool:
    step = array.dtype.itemsize
    for extent, actual in reversed(list(zip(array.shape, array.strides, strict=True))[axis:]):
        if extent > 1 and actual != step:
            return False
        step *= extent
    return True


def _run(variant: Foreign, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
    plan = variant.plan
    hosts = {array.name: values[array.name] for array in plan.arrays if array.name in values}
    given = [*(values[name] for name, _, _ in variant.ranges), *(values[name] for name in variant.scalars)]
    try:
        with gpu_target.LOCK:
            started = gpu_target.Run(gpu_target.load(plan), plan, hosts)
            try:
                plan.launch(started, *given)
                status, _ = started.status()
                return None if status else tuple(_output(started, name, box) for name, box in variant.outputs)
            except BaseException:  # KeyboardInterrupt among them
                started.restore()
                raise
    except gpu_target.Unavailable:
        return None


def _output(run: gpu_target.Run, name: str, box: str) -> Any:
    """A result as the region's caller gets it."""
    if not name:
        return None
    device = run.devices[name]
    if name in run.hosts:
        return run.hosts[name]
    if box == "array":
        return device.buffer.reshape(device.shape, order=device.order)
    return device.buffer.reshape(()) if box == "numpy" else device.buffer.get()[0].item()
