"""The form that a kernel takes for a device without libm, NumPy and floating-point flags.

Runs before CUDA is printed. What has no such form is refused. After every operation that may raise a flag somebody looks at the
result (`device.finite`): a result that is not finite stays so through sums, products and the like, so one look at the end of them is
enough, and for a sum in a scalar one look behind its loop.

    for k in 0..p: s = s + A[i, k] * B[k, j]         for k in 0..p: s = s + A[i, k] * B[k, j]
    C[i, j] = s / d[j]                         ->    s = device.finite(s)
                                                     C[i, j] = device.finite(s / d[j])

In strict mode NumPy's own inner loops and the process's libm are refused, since only they give their own bits. In bounded mode
transcendental functions are the device's and sums are pairwise; a value that depends on one must then decide nothing (`decides_nothing`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from setuptools_polyopt.diagnostics import NOWHERE, Span, Unsupported, unsupported
from setuptools_polyopt.exhaustive import assert_never
from setuptools_polyopt.ir.expressions import (
    Binary,
    Call,
    Cast,
    Compare,
    Const,
    Expr,
    Load,
    Product,
    Range,
    Reduce,
    Select,
    Sym,
    Unary,
)
from setuptools_polyopt.ir.kernel import Kernel, Role
from setuptools_polyopt.ir.statements import Alloc, Assign, Block, Break, Continue, For, If, Serial, Stmt, While, walk
from setuptools_polyopt.ir.visitors import assigns, walk_expr

FUNCTIONS = frozenset((
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh",
    "arcsinh", "arccosh", "arctanh", "cbrt", "power", "arctan2", "hypot", "maximum", "minimum",
))  # fmt: skip
"""Ufuncs of float32 and float64 that polyopt_cuda.h (or polyopt_ops.h) has."""

OF_COMPLEX = frozenset(("exp",))
"""The same of complex64 and complex128."""

REDUCTIONS = frozenset(("numpy.add", "numpy.maximum", "numpy.minimum"))

_CARRIES = frozenset(("neg", "abs", "sqrt", "floor", "ceil", "trunc", "rint", "conj"))
"""Unary operators whose result is not finite where their operand is not."""

_UNDERFLOWS = frozenset(("mul", "div", "floordiv", "mod"))


def device_form(kernel: Kernel, fp: str) -> Kernel:
    """The kernel with looks at results. fp: "strict", "bounded" or "fast". Raises Unsupported."""
    for statement in walk(kernel.body):
        for expr in _expressions(statement):
            _accept(expr, fp, _span(statement, kernel))
    return replace(kernel, body=_Form(kernel).block(kernel.body, frozenset()))


def may_underflow(kernel: Kernel) -> bool:
    """Whether an operation may raise the underflow flag, for which nobody looks on a device."""
    return any(
        (isinstance(node, Binary) and node.op in _UNDERFLOWS and node.dtype.kind in "fc")
        or (isinstance(node, Cast) and node.operand.dtype.kind in "fc" and node.dtype.kind in "fc")
        or (isinstance(node, Call) and node.function != "complex")
        or isinstance(node, Reduce)
        for statement in walk(kernel.body)
        for expr in _expressions(statement)
        for node in walk_expr(expr)
    )


def _expressions(statement: Stmt) -> Iterator[Expr]:
    match statement:
        case Assign(target=target, value=value):
            yield from (*target.indices, value)
        case For(lower=lower, upper=upper):
            yield from (lower, upper)
        case If(cond=cond) | While(cond=cond):
            yield cond
        case Alloc() | Serial() | Break() | Continue():
            pass
        case _:
            assert_never(statement)


def _span(statement: Stmt, kernel: Kernel) -> Span:
    span = getattr(statement, "span", NOWHERE)
    return span if span != NOWHERE else kernel.span


def _accept(expr: Expr, fp: str, span: Span) -> None:
    for node in walk_expr(expr):
        match node:
            case Call(function="complex"):
                pass
            case Call(function=function):
                _accept_call(node, function, fp, span)
            case Reduce(function=function):
                if fp == "strict":
                    raise _refused(span, f"`{function}` has NumPy's order of operations, which a GPU does not have", _BOUNDED)
                if function not in REDUCTIONS or not node.dtype.is_float or node.body.dtype is not node.dtype:
                    raise _refused(span, f"a reduction by `{function}` of {node.body.dtype.value} has no GPU form yet")
            case _:
                pass


_BOUNDED = 'set fp to "bounded"'


def _accept_call(node: Call, function: str, fp: str, span: Span) -> None:
    room, _, name = function.partition(".")
    if room == "libm":
        raise _refused(span, f"`{name}` has to give the bits of this machine's libm, which a GPU does not have", "use NumPy's function")
    if fp == "strict":
        raise _refused(span, f"`{function}` has to give NumPy's own bits, which a GPU does not have", _BOUNDED)
    same = all(arg.dtype is node.dtype for arg in node.args)
    known = (name in FUNCTIONS and node.dtype.is_float) or (name in OF_COMPLEX and node.dtype.is_complex)
    if not known or not same:
        raise _refused(span, f"`{function}` of {node.dtype.value} has no GPU form")


def _refused(span: Span, text: str, remedy: str = "") -> Unsupported:
    return unsupported(span, "no-gpu-form", f"not for a GPU: {text}", remedy)


def decides_nothing(kernel: Kernel) -> None:
    """Values within some bound of the right one must not come to tests, subscripts or integers.

    kernel: all of it, whatever it is taken apart into later. Raises Unsupported.
    """
    tainted: set[str] = set()
    found = assigns(kernel.body)
    while True:
        new = {item.target.array for item in found if item.free or _is_tainted(item.value, tainted)} - tainted
        if not new:
            break
        tainted |= new
    for statement in walk(kernel.body):
        for expr in _expressions(statement):
            for node in walk_expr(expr):
                if any(_is_tainted(operand, tainted) for operand in _decisive(node)):
                    text = "a value that is known only within a bound would decide a test or become an integer"
                    raise _refused(_span(statement, kernel), text, 'set fp to "fast"')


def _decisive(node: Expr) -> tuple[Expr, ...]:
    match node:
        case Compare(left=left, right=right):
            return (left, right)
        case Unary(op="isnan" | "isfinite" | "isinf" | "signbit", operand=operand):
            return (operand,)
        case Cast(operand=operand, dtype=dtype) if dtype.kind not in "fc":
            return (operand,)
        case _:
            return ()


def _is_tainted(expr: Expr, tainted: set[str]) -> bool:
    def is_source(node: Expr) -> bool:
        match node:
            case Call(function=function):
                return function != "complex"
            case Load(array=array):
                return array in tainted
            case _:
                return isinstance(node, Reduce)

    return any(map(is_source, walk_expr(expr)))


class _Form:
    """Puts the looks in."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel

    def block(self, body: Block, later: frozenset[str]) -> Block:
        """later: scalars that are looked at behind the loop."""
        found: list[Stmt] = []
        for statement in body:
            match statement:
                case Assign(target=target, value=value):
                    value = self.through(value) if target.array in later else self.sink(value)
                    found.append(replace(statement, target=self.load(target), value=value))
                case For(kind="serial"):
                    sums = self.sums(statement) - later
                    found.append(replace(self.bounds(statement), body=self.block(statement.body, later | sums)))
                    found += (Assign(load, _look(load)) for load in map(self.scalar, sorted(sums)))
                case For():
                    found.append(replace(self.bounds(statement), body=self.block(statement.body, later)))
                case If(cond=cond):
                    inside, orelse = self.block(statement.body, later), self.block(statement.orelse, later)
                    found.append(replace(statement, cond=self.sink(cond), body=inside, orelse=orelse))
                case Alloc():
                    found.append(statement)
                case Serial():
                    found.append(replace(statement, body=self.block(statement.body, later)))
                case While(cond=cond):
                    found.append(replace(statement, cond=self.sink(cond), body=self.block(statement.body, later)))
                case Break() | Continue():
                    found.append(statement)
                case _:
                    assert_never(statement)
        return tuple(found)

    def bounds(self, loop: For) -> For:
        return replace(loop, lower=self.sink(loop.lower), upper=self.sink(loop.upper))

    def scalar(self, name: str) -> Load:
        return Load(name, (), self.kernel.array(name).dtype)

    def sums(self, loop: For) -> frozenset[str]:
        """Scalars that the loop does nothing to but add to them and the like, so that what is not finite stays so to its end."""
        inside = {item.array for item in walk(loop.body) if isinstance(item, Alloc)}
        updates: dict[str, bool] = {}
        for item in assigns(loop.body):
            target = item.target
            if not target.indices and target.dtype.kind in "fc" and target.array not in inside:
                updates[target.array] = updates.get(target.array, True) and _persists(item.value, target)
        return frozenset(
            name for name, persists in updates.items() if persists and self.kernel.array(name).role is Role.TEMPORARY
        )

    def load(self, load: Load) -> Load:
        return replace(load, indices=tuple(self.sink(index) for index in load.indices))

    def sink(self, expr: Expr) -> Expr:
        """An expression whose value goes where nobody sees any more that it was not finite."""
        form = self.through(expr)
        return _look(form) if expr.dtype.kind in "fc" and _computes(expr) else form

    def through(self, expr: Expr) -> Expr:
        """An expression whose value somebody looks at later."""
        match expr:
            case Const() | Sym():
                return expr
            case Load():
                return self.load(expr)
            case Unary(op=op, operand=operand):
                carries = op in _CARRIES or operand.dtype.kind not in "fc"
                return replace(expr, operand=self.through(operand) if carries else self.sink(operand))
            case Binary():
                return self.binary(expr)
            case Compare(left=left, right=right):
                return replace(expr, left=self.sink(left), right=self.sink(right))
            case Select(cond=cond, then=then, orelse=orelse):
                return replace(expr, cond=self.sink(cond), then=self.through(then), orelse=self.through(orelse))
            case Cast(operand=operand, dtype=dtype):
                carries = dtype.kind == "c" or (dtype.kind == "f" and operand.dtype.kind != "c")
                return replace(expr, operand=self.through(operand) if carries else self.sink(operand))
            case Call(function="complex", args=args):
                return replace(expr, args=tuple(self.through(arg) for arg in args))
            case Call(function=function, args=args):
                name = function.replace("numpy.", "device.")
                return replace(expr, function=name, args=tuple(self.sink(arg) for arg in args))
            case Reduce():
                return self.reduce(expr)
            case Product():
                raise TypeError("a product of NumPy's library has no form on a device")
            case _:
                assert_never(expr)

    def binary(self, expr: Binary) -> Expr:
        left, right = expr.left, expr.right
        if expr.dtype.kind not in "fc" or expr.op in ("add", "sub", "mul"):
            return replace(expr, left=self.through(left), right=self.through(right))
        if expr.op == "div":
            divisor = self.sink(right)
            if expr.dtype.is_complex:
                divisor = Call("device.modest", (divisor,), expr.dtype)
            return replace(expr, left=self.through(left), right=divisor)
        if expr.op == "mod" and not expr.checked:
            return Call("device.remainder", (self.sink(left), self.sink(right)), expr.dtype)
        return replace(expr, left=self.sink(left), right=self.sink(right))

    def reduce(self, expr: Reduce) -> Reduce:
        ranges = tuple(Range(part.var, self.sink(part.lower), self.sink(part.upper)) for part in expr.ranges)
        return replace(expr, init=self.sink(expr.init), ranges=ranges)


def _look(expr: Expr) -> Call:
    return Call("device.finite", (expr,), expr.dtype)


def _computes(expr: Expr) -> bool:
    """Whether a number comes out of arithmetic, rather than from where it was stored (and looked at)."""
    match expr:
        case Const() | Sym() | Load():
            return False
        case Reduce(function=function):
            return function == "numpy.add"
        case Select(then=then, orelse=orelse):
            return _computes(then) or _computes(orelse)
        case Call(function="complex", args=args):
            return any(_computes(arg) for arg in args)
        case Unary(op="real" | "imag"):
            return False
        case Binary(op="maximum" | "minimum"):
            return False
        case Cast(operand=operand):
            return operand.dtype.kind in "fc" and (_computes(operand) or expr.dtype.real.itemsize < operand.dtype.real.itemsize)
        case _:
            return True


def _persists(expr: Expr, target: Load) -> bool:
    """Whether the expression is not finite wherever the target is not."""
    match expr:
        case Load():
            return expr == target
        case Binary(op="add" | "sub" | "mul", left=left, right=right):
            return _persists(left, target) or _persists(right, target)
        case Binary(op="div", left=left):
            return _persists(left, target)
        case Unary(op=op, operand=operand):
            return op in _CARRIES and _persists(operand, target)
        case Select(then=then, orelse=orelse):
            return _persists(then, target) and _persists(orelse, target)
        case _:
            return False

