"""Calls: which function is meant, and which part of the lowering does it.

    np.exp(a)         elementwise: a loop nest through the operators
    np.zeros((n, m))  creation: a local array
    a.sum(axis=0)     reduction; a method is the function of the same name
    np.transpose(a)   view; len(a) query
    np.fft.fft(a)     library: stays Python, with the reason
"""

from __future__ import annotations

import ast

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.frontend import (
    accumulations,
    appends,
    arrays,
    composites,
    comprehensions,
    contraction,
    creation,
    joining,
    lists,
    order,
    records,
    reduction,
    ufunc_calls,
    views,
)
from setuptools_polyopt.frontend.affine import affine
from setuptools_polyopt.frontend.arguments import PYTHON_INT, Arguments
from setuptools_polyopt.frontend.attributes import attribute_of, chain, component, extent_value, size
from setuptools_polyopt.frontend.context import Context, constant_value
from setuptools_polyopt.frontend.inline import inline
from setuptools_polyopt.frontend.resolution import spelt_float
from setuptools_polyopt.frontend.values import (
    ArrayValue,
    FunctionValue,
    ListValue,
    MethodValue,
    NoneValue,
    ObjectValue,
    PathValue,
    RecordValue,
    ScalarValue,
    TupleValue,
    Value,
)
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Const, integer
from setuptools_polyopt.operators import elementwise, functions, numpy_functions

_METHODS = {"copy": "ndarray.copy", "astype": "ndarray.astype", "flatten": "ndarray.flatten"}
_CREATION = (*_METHODS.values(), "numpy.array", "numpy.ndarray", "numpy.asarray", "numpy.ascontiguousarray")
_DISPLAYED = ("numpy.array", "numpy.asarray")


def call(ctx: Context, node: ast.Call) -> Value:
    """The value of a call; raises Unsupported."""
    span = ctx.span(node)
    made = records.constructed(ctx, node)
    if made is not None:
        return made
    function = _callee(ctx, node.func)
    if isinstance(function, FunctionValue):
        return inline(ctx, node, function)
    if isinstance(function, MethodValue) and isinstance(function.receiver, PathValue):
        return _dispatch(ctx, _arguments(ctx, node, f"{function.receiver.path}.{function.name}", ()))
    if isinstance(function, MethodValue) and isinstance(function.receiver, ListValue):
        return lists.method(ctx, function.receiver, function.name, node)
    if isinstance(function, MethodValue):
        if function.name == "tolist" and isinstance(function.receiver, ArrayValue) and not node.args and not node.keywords:
            return lists.tolist(ctx, function.receiver, span)
        if function.name in ("conj", "conjugate") and _is_real(function.receiver) and not node.args and not node.keywords:
            return function.receiver
        path = _METHODS.get(function.name) if isinstance(function.receiver, ArrayValue) else None
        path = path or functions.method(function.name)
        if path is None:
            raise unsupported(span, "method", f"the method `.{function.name}()` is not supported")
        return _dispatch(ctx, _arguments(ctx, node, path, (function.receiver,)))
    if not isinstance(function, PathValue):
        raise unsupported(span, "call", f"`{ast.unparse(node.func)}` is not a function that is known when building")
    if function.path == "builtins.list" and len(node.args) == 1 and not node.keywords:
        return comprehensions.listed(ctx, node.args[0])
    if function.path == "builtins.tuple" and len(node.args) == 1 and not node.keywords:
        return comprehensions.tupled(ctx, node.args[0])
    if function.path == "builtins.float" and len(node.args) == 1 and isinstance(node.args[0], ast.Constant):
        spelt = spelt_float(node.args[0].value)
        if spelt is not None:
            return constant_value(spelt, span)
    if function.path in accumulations.FUNCTIONS:
        found = accumulations.accumulated(ctx, node, function.path)
        if found is not None:
            return found
    return _dispatch(ctx, _arguments(ctx, node, function.path, ()))


def _callee(ctx: Context, node: ast.expr) -> Value:
    """The function; of an object, its method, or what its class has for calling it."""
    span = ctx.span(node)
    if isinstance(node, ast.Attribute) and not _is_known(ctx, node) and (chain(node) is not None or not isinstance(node.value, ast.Name)):
        base = ctx.expr(node.value)
        if isinstance(base, ObjectValue) and not _is_data(ctx, base, node.attr):
            return ctx.method(base, node.attr, span)
        if isinstance(base, TupleValue | RecordValue) and base.kind is not None and node.attr not in base.kind.fields:
            return ctx.bound_method(base, base.kind.path, node.attr, span)
        if chain(node) is None:
            return attribute_of(ctx, base, node)
    found = ctx.expr(node)
    return ctx.method(found, "__call__", span) if isinstance(found, ObjectValue) else found


def _is_known(ctx: Context, node: ast.expr) -> bool:
    """Whether a chain of names leads through modules and classes to something of the project's, so that no object is asked."""
    name, *rest = chain(node) or ("",)
    own = not ctx.is_local(name) and name not in ctx.function.enclosing
    return own and ctx.function.project.find(ctx.function.module, name, tuple(rest)) is not None


def _is_data(ctx: Context, base: ObjectValue, name: str) -> bool:
    """Whether an attribute of an object is known as data, and not as a method of its class."""
    project = ctx.function.project
    known = f"{base.text}.{name}" in ctx.outermost.entry or project.attribute(base.name, name) is not None
    return known and project.method(base.name, name) is None


def _arguments(ctx: Context, node: ast.Call, path: str, receiver: tuple[Value, ...]) -> Arguments:
    span = ctx.span(node)
    if any(isinstance(item, ast.Starred) for item in node.args) or any(k.arg is None for k in node.keywords):
        raise unsupported(span, "starred", "`*` and `**` in a call are not supported")
    if _kind(path) in (None, "library"):
        raise _unknown(path, node, span)
    nodes = [*node.args, *(k.value for k in node.keywords)]
    values = order.evaluated(ctx, [_display(item) for item in nodes] if path in composites.DISPLAYS else nodes)
    keywords = dict(zip((k.arg for k in node.keywords if k.arg is not None), values[len(node.args) :], strict=True))
    return Arguments(node, path, (*receiver, *values[: len(node.args)]), keywords, span)


def _display(node: ast.expr) -> ast.expr:
    """A list that stands in the call of a function which only reads it is as good as a tuple."""
    if isinstance(node, ast.List | ast.Tuple):
        return ast.copy_location(ast.Tuple([_display(item) for item in node.elts], ast.Load()), node)
    return node


def _unknown(path: str, node: ast.Call, span: Span) -> Exception:
    if _kind(path) == "library":
        return unsupported(span, "library-call", f"`{path}` is a library function and is called as it is", "", "library statement")
    return unsupported(span, "call", f"`{ast.unparse(node.func)}` is not a function that can be compiled")


def _dispatch(ctx: Context, arguments: Arguments) -> Value:
    if any(isinstance(value, ListValue) for value in (*arguments.positional, *arguments.keywords.values())):
        return lists.call(ctx, arguments.path, arguments.positional, arguments.keywords, arguments.span)
    match _kind(arguments.path):
        case "elementwise":
            return _elementwise(ctx, arguments)
        case "reduction":
            return reduction.reduce(ctx, arguments)
        case "creation" if arguments.path in _DISPLAYED and any(isinstance(value, TupleValue) for value in arguments.positional[:1]):
            return joining.array(ctx, arguments)
        case "creation":
            return creation.create(ctx, arguments.path, arguments.positional, arguments.keywords, arguments.span)
        case "contraction":
            left, right = _exactly(arguments, 2)
            return contraction.product(ctx, left, right, arguments.span, arguments.path)
        case "composite":
            return composites.composite(ctx, arguments)
        case "outer":
            return _outer(ctx, arguments)
        case "ufunc-method":
            return ufunc_calls.method(ctx, arguments)
        case "view":
            return views.view(ctx, arguments)
        case "query":
            return _query(ctx, arguments)
        case _:
            raise _unknown(arguments.path, arguments.node, arguments.span)


def _outer(ctx: Context, arguments: Arguments) -> Value:
    """`np.outer(a, b)` of vectors is `np.multiply.outer(a, b)`."""
    left, right = _exactly(arguments, 2)
    if not (isinstance(left, ArrayValue) and isinstance(right, ArrayValue) and left.rank == right.rank == 1):
        raise unsupported(arguments.span, "arguments", "`numpy.outer` is supported with two vectors only")
    return ufunc_calls.outer(ctx, "numpy.multiply", arguments)


def _kind(path: str) -> str | None:
    if path == "numpy.outer":
        return "outer"
    if path in composites.FUNCTIONS:
        return "composite"
    if ufunc_calls.is_method(path):
        return "ufunc-method"
    return "creation" if path in _CREATION else functions.kind(path)


def _exactly(arguments: Arguments, count: int) -> tuple[Value, ...]:
    if len(arguments.positional) != count or arguments.keywords:
        raise unsupported(arguments.span, "arguments", f"`{arguments.path}` is supported with {count} plain arguments only")
    return arguments.positional


def _elementwise(ctx: Context, arguments: Arguments) -> Value:
    path, span = arguments.path, arguments.span
    if path == "builtins.abs" and isinstance(arguments.positional[0], ArrayValue):
        path = "numpy.absolute"
    if ufunc_calls.is_ufunc(path) and (arguments.keywords or len(arguments.positional) > ufunc_calls.operands(path)):
        return ufunc_calls.call(ctx, arguments)
    if arguments.keywords:
        name = next(iter(arguments.keywords))
        raise unsupported(span, "keyword-argument", f"`{path}` with the argument `{name}=` is not supported")
    short = _index_extreme(ctx, arguments) or _view_of_itself(ctx, arguments)
    if short is not None:
        return short
    fp = ctx.function.fp
    values = tuple(_number(ctx, value) for value in arguments.positional)
    return arrays.apply(ctx, values, lambda operands: elementwise.call(path, operands, {}, fp, span), span)


def _is_real(value: Value) -> bool:
    """Whether the method `conj` answers the object itself (of a scalar, one of its type: the ufunc makes int8 of np.bool)."""
    if isinstance(value, ScalarValue):
        return value.type.box == "numpy" and value.type.dtype is DType.BOOL
    return isinstance(value, ArrayValue) and value.dtype.kind in "biuf"


def _view_of_itself(ctx: Context, arguments: Arguments) -> Value | None:
    """What `np.real(a)`, `np.imag(a)` and the constructor of the array's own type answer shares the array's memory."""
    value, name = arguments.positional[0] if arguments.positional else None, arguments.path.removeprefix("numpy.")
    if not isinstance(value, ArrayValue) or len(arguments.positional) > 1:
        return None
    if arguments.path in ("numpy.real", "numpy.imag"):
        return component(ctx, value, name, arguments.span)
    return value if numpy_functions.CONSTRUCTORS.get(name) is value.dtype and name != arguments.path else None


def _number(ctx: Context, value: Value) -> Value:
    """Index expressions with their present equalities."""
    if isinstance(value, ScalarValue) and not value.narrow and not isinstance(value.expr, Const):
        form = ctx.state.form(value.expr)
        if form is not None:
            return ScalarValue(value.type, form.expr(), value.storage)
    return value


def _index_extreme(ctx: Context, arguments: Arguments) -> ScalarValue | None:
    """`min(i + 8, n)` of index expressions stays one."""
    op = {"builtins.min": "min", "builtins.max": "max"}.get(arguments.path)
    if op is None or len(arguments.positional) < 2:
        return None
    result = None
    for value in arguments.positional:
        form = ctx.state.form(value.expr) if isinstance(value, ScalarValue) and value.type == PYTHON_INT and not value.narrow else None
        if form is None:
            return None
        if result is None:
            result = form
        else:
            result = affine(Binary("min" if op == "min" else "max", result.expr(), form.expr(), DType.INT64))
            assert result is not None  # both sides are affine
    return None if result is None else ScalarValue(PYTHON_INT, result.expr())


def _query(ctx: Context, arguments: Arguments) -> Value:
    value, span = arguments.positional[0], arguments.span
    if isinstance(value, TupleValue) and arguments.path == "builtins.len":
        return ScalarValue(PYTHON_INT, integer(len(value.items)))
    if isinstance(value, ArrayValue) and len(arguments.positional) == 1 and not arguments.keywords:
        match arguments.path:
            case "builtins.len":
                return extent_value(ctx, value.extents[0])
            case "numpy.shape":
                return TupleValue(tuple(extent_value(ctx, extent) for extent in value.extents))
            case "numpy.ndim":
                return ScalarValue(PYTHON_INT, integer(value.rank))
            case "numpy.size":
                return size(ctx, value, arguments.node)
    raise unsupported(span, "query", f"`{arguments.path}` of this value is not supported")


def effect(ctx: Context, node: ast.Call) -> None:
    """A call that stands alone as a statement: `a.fill(x)`, `np.add(a, b, out=c)`, `np.copyto(a, b)`."""
    span = ctx.span(node)
    if appends.append(ctx, node, span):
        return
    if isinstance(node.func, ast.Name | ast.Attribute) and chain(node.func) is not None and records.constructed(ctx, node) is None:
        function = _callee(ctx, node.func)
        if isinstance(function, FunctionValue):
            inline(ctx, node, function, used=False)
            return
    if isinstance(node.func, ast.Attribute) and node.func.attr == "fill" and len(node.args) == 1 and not node.keywords:
        target = ctx.expr(node.func.value)
        if isinstance(target, ArrayValue):
            value = ctx.expr(node.args[0])
            if not isinstance(value, ScalarValue):
                raise unsupported(span, "assigned-value", "only a number can fill an array")
            arrays.assign(ctx, target, value, span)
            return
    out = [keyword for keyword in node.keywords if keyword.arg == "out"]
    called = ctx.expr(node.func) if chain(node.func) is not None else None
    path = called.path if isinstance(called, PathValue) else ""
    if ufunc_calls.is_ufunc(path) and (out or len(node.args) > ufunc_calls.operands(path)):
        ctx.expr(node)
        return
    if len(out) == 1 and len(node.keywords) == 1:
        target = ctx.expr(out[0].value)
        if isinstance(target, ArrayValue):
            inner = ast.copy_location(ast.Call(node.func, node.args, []), node)
            value = ctx.expr(inner)
            if not isinstance(value, ArrayValue) or value.rank != target.rank:
                raise unsupported(span, "shape-mismatch", "the result does not have the rank of `out=`")
            arrays.assign(ctx, target, value, span, in_place=True)
            return
    if not isinstance(ctx.expr(node), NoneValue):
        raise unsupported(span, "expression-statement", "the result of this call is not used; it stays Python")
