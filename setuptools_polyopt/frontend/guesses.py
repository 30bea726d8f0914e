"""What type a NumPy function that stays Python will return: found by calling it on small samples when building.

    s = np.std(a, axis=0)     ->   `s` is expected to be a float64 array of rank 1, so that a loop behind it can be compiled

A guess may be wrong (the shape may depend on values); the guard of the region that uses it checks. Only pure functions of NumPy are called.
"""

from __future__ import annotations

import ast
import operator
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from setuptools_polyopt.diagnostics import Unsupported
from setuptools_polyopt.frontend.context import Function
from setuptools_polyopt.frontend.pytypes import ArrayType, Env, ListType, PyType, UnknownType
from setuptools_polyopt.frontend.resolution import Module
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.operators import functions
from setuptools_polyopt.operators.values import ScalarType

_SIZE = 3
_MOST = 16
_PYTHON: Mapping[type, DType] = {bool: DType.BOOL, int: DType.INT64, float: DType.FLOAT64, complex: DType.COMPLEX128}
_OPERATORS: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv, ast.MatMult: operator.matmul,
}  # fmt: skip
_CONSTRUCTORS = ("numpy.linspace", "numpy.hstack", "numpy.vstack", "numpy.asarray", "numpy.array", "numpy.meshgrid")


TypeOf = Callable[[Function, Env, ast.expr], PyType]


class _NoSample(Exception):
    """The value of an expression cannot be imitated."""


def guessed_type(function: Function, env: Env, node: ast.expr, type_of: TypeOf) -> PyType:
    """The expected type of an expression that is not understood, UnknownType where there is nothing to go by.

    type_of: the type of an understood expression; raises Unsupported.
    """
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return _type(_sample(function, env, node, type_of))
    except (_NoSample, ArithmeticError, LookupError, TypeError, ValueError, AttributeError):
        return UnknownType()


def _type(value: object) -> PyType:
    if type(value) is np.ndarray and value.ndim:
        units = tuple(axis for axis, extent in enumerate(value.shape) if extent == 1)
        return ArrayType(DType(value.dtype.name), value.ndim, units)
    if isinstance(value, np.generic):
        return ScalarType("numpy", DType(value.dtype.name))
    if type(value) in _PYTHON:
        return ScalarType("python", _PYTHON[type(value)])
    raise _NoSample


def _sample(function: Function, env: Env, node: ast.expr, type_of: TypeOf) -> Any:
    """A small value of the type that the expression has."""

    def inner(part: ast.expr) -> Any:
        return _sample(function, env, part, type_of)

    match node:
        case ast.Constant(value=value):
            return min(value, _MOST) if type(value) is int else value  # it may be a size
        case ast.Tuple(elts=elts):
            return tuple(inner(item) for item in elts)
        case ast.List(elts=elts):
            return [inner(item) for item in elts]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -inner(operand)
    try:
        return _of_type(type_of(function, env, node))
    except Unsupported:
        pass
    match node:
        case ast.Call() if not any(isinstance(item, ast.Starred) for item in node.args):
            called = _callable(function.module, node.func)
            keywords = {k.arg: inner(k.value) for k in node.keywords if k.arg is not None}
            return called(*(inner(item) for item in node.args), **keywords)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](inner(left), inner(right))
        case ast.Attribute():
            dotted = function.module.dotted(node)
            if dotted is not None and dotted.startswith("numpy."):
                return getattr(np, dotted.removeprefix("numpy."))
            raise _NoSample
        case _:
            raise _NoSample


def _of_type(kind: PyType) -> Any:
    match kind:
        case ArrayType(dtype=dtype, rank=rank):
            values = np.ones((_SIZE,) * rank)
            if rank >= 2:
                values += np.eye(_SIZE)  # regular, for solvers
            return values.astype(dtype.value)
        case ListType(dtype=dtype, rank=rank, container=container):
            items = np.ones((_SIZE,) * rank, dtype.value).tolist()
            return tuple(items) if container == "tuple" else items
        case ScalarType(box="python", dtype=dtype):
            return {DType.BOOL: True, DType.INT64: _SIZE, DType.FLOAT64: 1.5, DType.COMPLEX128: 1.5j}[dtype]
        case ScalarType(dtype=dtype):
            return np.dtype(dtype.value).type(1)
        case _:
            raise _NoSample


def _callable(module: Module, node: ast.expr) -> Callable[..., Any]:
    """A pure function of NumPy, by its path."""
    path = module.dotted(node)
    if path is None or not path.startswith("numpy.") or not (functions.pure(path) or path in _CONSTRUCTORS):
        raise _NoSample
    found: Any = np
    for part in path.split(".")[1:]:
        found = getattr(found, part)
    if not callable(found):
        raise _NoSample
    return found  # type: ignore[no-any-return]
