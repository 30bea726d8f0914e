"""CPython as the oracle of the frontend: the module is rewritten as a wheel would have it, with kernels run by the IR interpreter.

`Rewritten(source)` holds the plain and the rewritten functions; `compare` calls both on equal arguments and compares results,
arguments and exceptions bit by bit. `hits` counts the calls of regions whose guard held, so that a test can see that it tests anything.
"""

from __future__ import annotations

import copy
import sys
import types
import warnings
from typing import Any

import numpy as np

from setuptools_polyopt.config import Settings
from setuptools_polyopt.diagnostics import Diagnostic
from setuptools_polyopt.frontend import analyse_module
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.interpreter import KernelFailed, evaluate, run
from setuptools_polyopt.ir.kernel import (
    ArrayInput,
    Box,
    Contiguous,
    Holds,
    Layout,
    MethodInput,
    NoOverlap,
    ObjectInput,
    OrderedStrides,
    Output,
    Region,
    Role,
    ScalarInput,
    Variant,
)
from setuptools_polyopt.ir.verifier import verify
from setuptools_polyopt.multiversion.rewrite import rewrite_module
from setuptools_polyopt.operators.values import NUMPY_TAG, PYTHON_TAGS
from setuptools_polyopt.profile.schema import Profile

PACKAGE = "_polyopt_test_binding"
_PYTHON = {DType.BOOL: bool, DType.INT64: int, DType.FLOAT64: float, DType.COMPLEX128: complex}


class GuardFailed(Exception):
    """The variant does not take these arguments."""


class Rewritten:
    """A module's plain and optimised form."""

    def __init__(self, source: str, profile: Profile | None = None, settings: Settings | None = None) -> None:
        analysis = analyse_module(source, "case.py", "case", profile, settings or Settings())
        self.regions: tuple[Region, ...] = analysis.regions
        self.diagnostics: tuple[Diagnostic, ...] = analysis.diagnostics
        for region in self.regions:
            for variant in region.variants:
                verify(variant.kernel)
        self.hits: list[str] = []
        self.misses: list[str] = []
        self.plain: dict[str, Any] = {"__name__": "case"}
        exec(compile(source, "case.py", "exec"), self.plain)
        binding = types.ModuleType(PACKAGE)
        binding.bind = lambda name, namespace: types.SimpleNamespace(  # type: ignore[attr-defined]
            **{region.name: self._entry(region) for region in self.regions}
        )
        sys.modules[PACKAGE] = binding
        self.text = rewrite_module(source, self.regions, PACKAGE)
        self.optimised: dict[str, Any] = {"__name__": "case"}
        exec(compile(self.text, "case.py", "exec"), self.optimised)

    def _entry(self, region: Region) -> Any:
        def call(*arguments: Any) -> Any:
            values = dict(zip(region.arguments, arguments, strict=True))
            for variant in region.variants:
                try:
                    results = run_variant(variant, values, self.optimised)
                except (GuardFailed, KernelFailed, IndexError) as error:
                    self.misses.append(f"{region.name}: {type(error).__name__} {error}")
                    continue
                self.hits.append(variant.kernel.name)
                return results
            return None

        return call

    def compare(self, function: str, *arguments: Any) -> Any:
        """Call both forms; the plain result. Arguments are copied for each, with strides and shared memory."""
        first, second = duplicate(arguments, {}), duplicate(arguments, {})
        expected = outcome(self.plain[function], first)
        found = outcome(self.optimised[function], second)
        assert_same(expected, found)
        assert_same(first, second)
        return expected


def duplicate(value: Any, roots: dict[int, Any]) -> Any:
    """A copy in which views of one array are views of one array, with the same strides."""
    if isinstance(value, tuple):
        return tuple(duplicate(item, roots) for item in value)
    if not isinstance(value, np.ndarray):
        return copy.deepcopy(value)
    root = value
    while isinstance(root.base, np.ndarray):
        root = root.base
    if id(root) not in roots:
        roots[id(root)] = (root.copy(order="K"), root)
    offset = value.__array_interface__["data"][0] - root.__array_interface__["data"][0]
    memory = roots[id(root)][0]
    return np.ndarray(value.shape, value.dtype, memory.reshape(-1, order="A").data, offset if value.size else 0, value.strides)


def outcome(function: Any, arguments: tuple[Any, ...]) -> Any:
    """The result, or the exception's type and text."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return function(*arguments)
        except Exception as error:  # noqa: BLE001 - the oracle's exception is part of its answer
            return type(error), str(error)


def assert_same(expected: Any, found: Any) -> None:
    """Equal in type, dtype, layout and bits."""
    assert type(expected) is type(found), (expected, found)
    if isinstance(expected, tuple | list):
        assert len(expected) == len(found)
        for one, other in zip(expected, found, strict=True):
            assert_same(one, other)
    elif isinstance(expected, np.ndarray):
        assert expected.dtype == found.dtype
        assert expected.shape == found.shape
        assert expected.flags.c_contiguous == found.flags.c_contiguous
        assert expected.flags.f_contiguous == found.flags.f_contiguous
        assert expected.tobytes() == found.tobytes(), (expected, found)
    elif isinstance(expected, float | complex | np.generic):
        assert np.asarray(expected).tobytes() == np.asarray(found).tobytes(), (expected, found)
    elif hasattr(expected, "__dict__") and not isinstance(expected, type):
        assert_same(sorted(vars(expected)), sorted(vars(found)))
        for name, value in vars(expected).items():
            assert_same(value, vars(found)[name])
    else:
        assert expected == found, (expected, found)


def run_variant(variant: Variant, values: dict[str, Any], namespace: dict[str, Any]) -> tuple[Any, ...]:
    """What the entry point does: guard, kernel, results. Raises GuardFailed, KernelFailed, IndexError; arguments stay as they were then."""
    params: dict[str, int] = {}
    arrays: dict[str, Any] = {}
    lists: dict[str, Any] = {}
    for item in variant.inputs:
        value = namespace[item.root.partition(":")[2]] if ":" in item.root else values[item.root]
        for name in item.path:
            value = getattr(value, name)
        _bind(item.type, value, params, arrays)
        if isinstance(item.type, ArrayInput) and item.type.container != "ndarray":
            lists[item.type.array] = value
    for param in variant.kernel.params:
        _require(param.minimum <= params[param.name] <= param.maximum, f"{param.name} in range")
    for assumption in variant.kernel.assumptions:
        match assumption:
            case Holds(condition=condition):
                _require(bool(evaluate(condition, {**params, **arrays})), assumption.text)
            case NoOverlap(first=first, second=second) if first in lists:
                _require(not _rows(lists[first], arrays[first].ndim) & _rows(lists[second], arrays[second].ndim), "rows in common")
            case NoOverlap(first=first, second=second):
                _require(not np.shares_memory(arrays[first], arrays[second]), "no overlap")
            case OrderedStrides(array=name):
                strides = [s for s, n in zip(arrays[name].strides, arrays[name].shape, strict=True) if n > 1]
                _require(all(s > 0 for s in strides) and strides == sorted(strides, reverse=True), "ordered strides")
            case Contiguous(array=name, axis=axis):
                boxes = arrays[name][(slice(0, 1),) * axis]
                _require(boxes.flags.c_contiguous, f"contiguous from axis {axis} on")
    arguments = {array.name for array in variant.kernel.arrays if array.role is Role.ARGUMENT}
    work = {name: duplicate(value, {}) if name in arguments else value for name, value in arrays.items()}
    run(variant.kernel, work, params)
    for name in arguments:
        if name in lists:
            _write(lists[name], arrays[name], work[name])
        else:
            arrays[name][...] = work[name]
    return tuple(_result(output, work) for output in variant.outputs)


def _result(output: Output, work: dict[str, Any]) -> Any:
    if output.array is None:
        return [] if output.box == "list" else None
    value = work[output.array]
    if output.box in ("list", "numpy-list"):
        value = value if output.length is None else value[: int(work[output.length])]
        return value.tolist() if output.box == "list" else list(value)
    if output.tag is not None and work[output.tag] != NUMPY_TAG:
        kinds = {PYTHON_TAGS[dtype]: kind for dtype, kind in _PYTHON.items()}
        return kinds[int(work[output.tag])](value)
    return value.item() if output.box == "python" else value


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise GuardFailed(what)


def _rows(value: Any, rank: int) -> set[int]:
    """The lists of numbers below a list."""
    return {id(value)} if rank == 1 else {row for item in value for row in _rows(item, rank - 1)}


def _write(value: Any, before: Any, after: Any) -> None:
    """Put what has changed back into a list."""
    for index in range(len(value)):
        if before.ndim > 1:
            _write(value[index], before[index], after[index])
        elif before[index].tobytes() != after[index].tobytes():
            value[index] = after[index].item()


def _array_of(value: Any, kind: ArrayInput) -> Any:
    """A list as the entry point reads it."""
    outer, wanted = {"list": list, "tuple": tuple}[kind.container], _PYTHON[kind.dtype]
    shape, inner = [], value
    for _ in kind.extents:
        _require(type(inner) is outer, "list type")
        shape.append(len(inner))
        inner = inner[0] if inner else outer()
    array = np.empty(shape, kind.dtype.value)
    rows = [((), value)]
    for extent in shape:
        _require(all(type(row) is outer and len(row) == extent for _, row in rows), "rectangular")
        rows = [((*index, k), item) for index, row in rows for k, item in enumerate(row)]
    for index, item in rows:
        _require(type(item) is wanted and (wanted is not int or -(2**63) <= item < 2**63), "element type")
        array[index] = item
    depth = len(shape)
    _require(not kind.written or depth == 1 or len(_rows(value, depth)) == array[..., 0].size or not array.size, "distinct rows")
    return array


def _bind(kind: Any, value: Any, params: dict[str, int], arrays: dict[str, Any]) -> None:
    match kind:
        case ArrayInput():
            if kind.container != "ndarray":
                value = _array_of(value, kind)
            _require(type(value) is np.ndarray and value.dtype == kind.dtype.value and value.ndim == len(kind.extents), "array type")
            for name, extent in zip(kind.extents, value.shape, strict=True):
                _require((params.setdefault(name, extent) if isinstance(name, str) else name) == extent, f"extent {name}")
            last = value.strides[-1] == value.itemsize or value.shape[-1] <= 1
            _require(kind.layout is not Layout.C or last, "layout")
            arrays[kind.array] = value
        case ScalarInput():
            wanted = {"bool": bool, "int64": int, "float64": float, "complex128": complex}
            python = kind.box is Box.PYTHON
            _require(type(value) is (wanted[kind.dtype.value] if python else np.dtype(kind.dtype.value).type), "scalar type")
            if kind.param is not None:
                _require(params.setdefault(kind.param, value) == value, f"value of {kind.param}")
            if kind.array is not None:
                arrays[kind.array] = value
        case MethodInput(function=function):
            _require(getattr(value, "__func__", value).__qualname__ == function.partition(":")[2], "method")
        case ObjectInput():
            pass
