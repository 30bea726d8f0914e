"""Types from annotations and defaults.

    a: NDArray[np.float64]       ->   an array of float64, rank open
    a: Float64[np.ndarray, "n m"]->   rank 2 (jaxtyping)
    n: int, x: float             ->   exact Python numbers
    x: list[list[float]]         ->   a list of lists of one length
    eps=0.1                      ->   float, for lack of anything better

Strings are read as annotations. `Optional`, unions and anything else say nothing.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

import numpy as np

from setuptools_polyopt.frontend.names import FunctionNode
from setuptools_polyopt.frontend.pytypes import ListType
from setuptools_polyopt.frontend.resolution import Module
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.operators.values import ScalarType

_PYTHON = {
    "builtins.bool": DType.BOOL,
    "builtins.int": DType.INT64,
    "builtins.float": DType.FLOAT64,
    "builtins.complex": DType.COMPLEX128,
}
_ARRAYS = ("numpy.typing.NDArray", "numpy.ndarray")
_LISTS = ("builtins.list", "typing.List", "typing.Sequence", "collections.abc.Sequence", "collections.abc.MutableSequence")
_DEEPEST = 3
_JAXTYPING = {
    "Float": DType.FLOAT64, "Float64": DType.FLOAT64, "Float32": DType.FLOAT32, "Int": DType.INT64, "Int64": DType.INT64,
    "Int32": DType.INT32, "Complex": DType.COMPLEX128, "Complex128": DType.COMPLEX128, "Complex64": DType.COMPLEX64, "Bool": DType.BOOL,
}  # fmt: skip


@dataclass(frozen=True)
class OpenArray:
    """An array whose element type or rank (None) is left open."""

    dtype: DType | None = None
    rank: int | None = None


Hint = ScalarType | OpenArray | ListType | None


def hints(node: FunctionNode, module: Module) -> dict[str, Hint]:
    """What the signature says about each positional or keyword argument."""
    own = node.args
    result: dict[str, Hint] = {}
    for argument in (*own.posonlyargs, *own.args, *own.kwonlyargs):
        result[argument.arg] = None if argument.annotation is None else hint(argument.annotation, module)
    positional = (*own.posonlyargs, *own.args)
    defaults = list(zip(positional[len(positional) - len(own.defaults) :], own.defaults, strict=True))
    defaults += [(a, d) for a, d in zip(own.kwonlyargs, own.kw_defaults, strict=True) if d is not None]
    for argument, default in defaults:
        if argument.annotation is None:
            result[argument.arg] = _of_default(default)
    return result


def _of_default(node: ast.expr) -> Hint:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node = node.operand
    if isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float | complex):
        return ScalarType("python", _PYTHON[f"builtins.{type(node.value).__name__}"])
    return None


def hint(node: ast.expr, module: Module) -> Hint:
    """The meaning of one annotation, None where it says nothing that helps."""
    match node:
        case ast.Constant(value=str() as text):
            try:
                return hint(ast.parse(text.strip(), mode="eval").body, module)
            except SyntaxError:
                return None
        case ast.Subscript(value=base, slice=index):
            return _subscripted(module.dotted(base), index, module)
        case _:
            path = module.dotted(node)
            if path in _PYTHON:
                return ScalarType("python", _PYTHON[path])
            if path in _ARRAYS:
                return OpenArray()
            dtype = scalar_type(path)
            return None if dtype is None else ScalarType("numpy", dtype)


def scalar_type(path: str | None) -> DType | None:
    """`numpy.float64` and the like."""
    if path is None or not path.startswith("numpy."):
        return None
    kind = getattr(np, path.removeprefix("numpy."), None)
    if not (isinstance(kind, type) and issubclass(kind, np.generic)):
        return None
    try:
        return DType(np.dtype(kind).name)
    except (TypeError, ValueError):
        return None


def _subscripted(path: str | None, index: ast.expr, module: Module) -> Hint:
    items = list(index.elts) if isinstance(index, ast.Tuple) else [index]
    if path in _LISTS and len(items) == 1:
        return _list(hint(items[0], module))
    if path in ("builtins.tuple", "typing.Tuple"):
        return _tuple(items, module)
    if path == "numpy.typing.NDArray" and len(items) == 1:
        dtype = scalar_type(module.dotted(items[0]))
        return None if dtype is None else OpenArray(dtype)
    if path == "numpy.ndarray" and len(items) == 2:
        return _shaped(items, module)
    if path is not None and path.startswith("jaxtyping.") and len(items) == 2 and isinstance(items[1], ast.Constant):
        dtype = _JAXTYPING.get(path.removeprefix("jaxtyping."))
        text = items[1].value
        if dtype is not None and isinstance(text, str):
            return OpenArray(dtype, None if "..." in text or "*" in text else len(text.split()))
    return None


def _list(inner: Hint) -> ListType | None:
    """A list of what the hint says."""
    match inner:
        case ScalarType(box="python", dtype=dtype):
            return ListType(dtype, 1)
        case ListType(container="list", rank=rank, dtype=dtype) if rank < _DEEPEST:
            return ListType(dtype, rank + 1)
        case _:
            return None


def _tuple(items: list[ast.expr], module: Module) -> ListType | None:
    """`tuple[float, ...]` and `tuple[float, float]`."""
    lengths: tuple[int, ...] = (len(items),)
    if len(items) == 2 and isinstance(items[1], ast.Constant) and items[1].value is ...:
        items, lengths = items[:1], ()
    found = {hint(item, module) for item in items}
    inner = found.pop() if len(found) == 1 else None
    plain = isinstance(inner, ScalarType) and inner.box == "python"
    return ListType(inner.dtype, 1, "python", "tuple", lengths) if isinstance(inner, ScalarType) and plain else None


def _shaped(items: list[ast.expr], module: Module) -> Hint:
    """`np.ndarray[tuple[int, int], np.dtype[np.float64]]`."""
    rank = None
    shape = items[0]
    if isinstance(shape, ast.Subscript) and module.dotted(shape.value) == "builtins.tuple" and isinstance(shape.slice, ast.Tuple):
        parts = shape.slice.elts
        if not any(isinstance(part, ast.Constant) and part.value is ... for part in parts):
            rank = len(parts)
    dtype = None
    if isinstance(items[1], ast.Subscript) and module.dotted(items[1].value) == "numpy.dtype":
        dtype = scalar_type(module.dotted(items[1].slice))
    return OpenArray(dtype, rank)
