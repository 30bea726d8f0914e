"""Products of matrices and vectors: `a @ b`, `np.dot(a, b)`, `np.einsum("ij,jk->ik", a, b)`, `np.tensordot`.

Integers become loops. Floating-point products are NumPy's own (BLAS) in strict mode, which the operators say with the reason.

    a @ b     ->     for i0, i1: t[i0, i1] = 0
                     for i0, i1, i2: t[i0, i1] = t[i0, i1] + a[i0, i2] * b[i2, i1]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.frontend import arrays, library
from setuptools_polyopt.frontend.arguments import Arguments, axis_numbers, constant_integer
from setuptools_polyopt.frontend.context import Context
from setuptools_polyopt.frontend.values import C_ORDER, ArrayValue, ScalarValue, StringValue, TupleValue, Value
from setuptools_polyopt.ir.expressions import Expr, Load, integer
from setuptools_polyopt.ir.statements import Assign
from setuptools_polyopt.operators.contractions import contraction
from setuptools_polyopt.operators.values import Operand, ScalarType, element


def product(ctx: Context, left: Value, right: Value, span: Span, path: str = "operator.matmul") -> Value:
    """The value of a product: of two vectors a scalar, else an array; raises Unsupported."""
    if not isinstance(left, ArrayValue) or not isinstance(right, ArrayValue):
        raise unsupported(span, "contraction", "a matrix product needs two arrays")
    name = path.rpartition(".")[2]
    first, second, result = _LABELS.get(name, _matmul)(left.rank, right.rank, span)
    if ctx.function.fp == "strict" and {left.dtype.kind, right.dtype.kind} & {"f", "c"}:
        return _of_library(ctx, name, left, right, result, span)
    return contracted(ctx, [(left, first), (right, second)], result, span, path)


def _of_library(ctx: Context, name: str, left: ArrayValue, right: ArrayValue, result: str, span: Span) -> Value:
    """A product of floating-point numbers, whose bits are those of NumPy's library."""
    first, second, _ = _LABELS.get(name, _matmul)(left.rank, right.rank, span)
    extents = _extents(ctx, [(left, first), (right, second)], span, name)
    dtype = left.dtype
    left, right = (library.operand(ctx, value, dtype, span) for value in (left, right))
    if name == "inner" and right.rank == 2:
        right = arrays.transpose(right, (1, 0))
    if max(left.rank, right.rank) > 2 and name != "matmul":
        raise library.stays(span, "it is one of several axes")
    if name == "vdot" and (dtype.is_complex or left.rank > 1):
        raise library.stays(span, "it is one of complex or flattened arrays")
    function = "numpy.dot" if name in ("dot", "inner") else "numpy.matmul"
    if not result:
        return ScalarValue(ScalarType("numpy", dtype), library.vectors(ctx, function, left, right, span))
    shape = tuple(extents[letter] for letter in result)
    stack = shape[: max(left.rank, right.rank, 2) - 2]
    order = C_ORDER if len(stack) < 2 else None
    target = ctx.state.temporary("t", dtype, shape, order)
    library.matrices(ctx, function, left, right, target, stack, span)
    return target


# which indices of the operands are one: letters, as in `numpy.einsum`

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def _matmul(left: int, right: int, span: Span) -> tuple[str, str, str]:
    """Stacks of matrices beside each other, aligned at their ends; a vector is a row on the left and a column on the right."""
    stack = _LETTERS[: max(left, right, 2) - 2]
    first = "k" if left == 1 else stack[len(stack) - (left - 2) :] + "yk"
    second = "k" if right == 1 else stack[len(stack) - (right - 2) :] + "kz"
    return first, second, stack + ("y" if left > 1 else "") + ("z" if right > 1 else "")


def _dot(left: int, right: int, span: Span) -> tuple[str, str, str]:
    """The last axis with the one before the last."""
    first, rest = _LETTERS[: left - 1], _LETTERS[left - 1 : left + right - 2]
    second = "z" if right == 1 else rest[:-1] + "z" + rest[-1:]
    return first + "z", second, first + rest


def _inner(left: int, right: int, span: Span) -> tuple[str, str, str]:
    """The last axes of both."""
    first, second = _LETTERS[: left - 1], _LETTERS[left - 1 : left + right - 2]
    return first + "z", second + "z", first + second


def _vdot(left: int, right: int, span: Span) -> tuple[str, str, str]:
    """All elements with all elements."""
    if left != right:
        raise unsupported(span, "contraction", "`numpy.vdot` of arrays of different ranks is not supported")
    return _LETTERS[:left], _LETTERS[:left], ""


_LABELS = {"dot": _dot, "inner": _inner, "vdot": _vdot}


def tensordot(ctx: Context, call: Arguments) -> Value:
    """`np.tensordot(a, b, axes)`."""
    given = call.bound("a", "b", "axes", required=2)
    left, right, span = call.array(given, "a"), call.array(given, "b"), call.span
    axes = given.get("axes")
    if isinstance(axes, TupleValue) and len(axes.items) == 2:
        own, other = (axis_numbers(ctx, item, v.rank, span) for item, v in zip(axes.items, (left, right), strict=True))
    else:
        count = constant_integer(ctx, axes, 2, "the number of axes", span)
        own, other = tuple(range(left.rank - count, left.rank)), tuple(range(count))
    if len(own) != len(other) or len(own) > min(left.rank, right.rank):
        raise unsupported(span, "contraction", "as many axes of the one array as of the other are needed")
    first, second = list(_LETTERS[: left.rank]), list(_LETTERS[left.rank : left.rank + right.rank])
    for a, b in zip(own, other, strict=True):
        second[b] = first[a]
    summed = {first[axis] for axis in own}
    result = [letter for letter in (*first, *second) if letter not in summed]
    if not result:
        raise unsupported(span, "rank-0", "`numpy.tensordot` over all axes gives an array of rank 0", "use np.vdot")
    return contracted(ctx, [(left, "".join(first)), (right, "".join(second))], "".join(result), span, call.path)


def einsum(ctx: Context, call: Arguments) -> Value:
    """`np.einsum("ij,jk->ik", a, b)`, without ellipses."""
    text, *operands = call.positional
    if call.keywords or not isinstance(text, StringValue) or not all(isinstance(operand, ArrayValue) for operand in operands):
        raise unsupported(call.span, "arguments", "`numpy.einsum` is supported with a string constant and arrays only")
    inputs, arrow, result = text.text.replace(" ", "").partition("->")
    labels = inputs.split(",")
    if not arrow:
        result = "".join(sorted(letter for letter in set(inputs) - {","} if inputs.count(letter) == 1))
    pairs = [(operand, own) for operand, own in zip(operands, labels, strict=False) if isinstance(operand, ArrayValue)]
    wrong = len(labels) != len(operands) or any(operand.rank != len(own) for operand, own in pairs)
    if wrong or not set(inputs + result) <= {*_LETTERS, *_LETTERS.upper(), ","} or not set(result) <= set(inputs) - {","}:
        raise unsupported(call.span, "arguments", f"`numpy.einsum` with {text.text!r} and these operands is not supported")
    if len(set(result)) != len(result) or len(operands) < 2:
        raise unsupported(call.span, "arguments", "`numpy.einsum` of one operand is a view or a sum", "use .T, np.diagonal or np.sum")
    return contracted(ctx, pairs, result, call.span, call.path)


def contracted(ctx: Context, operands: Sequence[tuple[ArrayValue, str]], result: str, span: Span, path: str) -> Value:
    """The sum over all letters that the result does not have of the products of the operands' elements."""
    extents = _extents(ctx, operands, span, path)
    summed = [letter for letter in extents if letter not in result]
    rule = contraction(path, [_probe(value) for value, _ in operands], bool(summed), ctx.function.fp, span)
    shape = tuple(extents[letter] for letter in result)
    if len(shape) > arrays.RANK_LIMIT:
        raise unsupported(span, "rank", f"arrays of rank {len(shape)} are not supported")
    plain = all(value.rank < 2 or (value.order is not None and not value.order.axes) for value, _ in operands)
    order = C_ORDER if path.endswith(("dot", "inner")) or len(shape) < 2 or (plain and summed) else None
    if plain and not summed:
        order = arrays.common_order([value for value, _ in operands], len(shape))
    matrices = path.endswith("matmul") and all(value.rank <= 3 for value, _ in operands)
    target: ArrayValue | Load = (
        ctx.state.temporary("t", rule.dtype, shape, C_ORDER if matrices else order) if shape else ctx.state.scratch(rule.dtype)
    )
    with arrays.nest(ctx, shape, span) as indices:
        arrays.store(ctx, _place(target, indices), rule.init, span)
    with arrays.nest(ctx, (*shape, *(extents[letter] for letter in summed)), span) as indices:
        by_letter = dict(zip((*result, *summed), indices, strict=True))
        elements = [_element(value, labels, by_letter) for value, labels in operands]
        place = _place(target, indices[: len(shape)])
        free = rule.dtype.kind in "fc" and bool(summed)
        ctx.state.emit(Assign(place, rule.combine(place, elements), span, free=free))
    return ScalarValue(ScalarType("numpy", target.dtype), target) if isinstance(target, Load) else target


def _extents(ctx: Context, operands: Sequence[tuple[ArrayValue, str]], span: Span, path: str) -> dict[str, Expr]:
    """The extent of each letter; those of stacks stretch."""
    found: dict[str, Expr] = {}
    for value, labels in operands:
        for letter, extent in zip(labels, value.extents, strict=True):
            known = found.setdefault(letter, extent)
            if known == integer(1) and extent != integer(1) and _stretches(path, letter):
                found[letter] = extent
            elif not (extent == integer(1) and _stretches(path, letter)):
                ctx.state.assume_equal(known, extent, "the extents that go together in a product", span)
    return found


def _stretches(path: str, letter: str) -> bool:
    return (path.endswith("matmul") and letter not in "kyz") or path.endswith("einsum")


def _element(value: ArrayValue, labels: str, indices: Mapping[str, Expr]) -> Expr:
    places = zip(labels, value.extents, strict=True)
    return value.read(tuple(integer(0) if extent == integer(1) else indices[letter] for letter, extent in places))


def _probe(value: ArrayValue) -> Operand:
    return element(value.read(tuple(integer(0) for _ in value.extents)))


def _place(target: ArrayValue | Load, indices: tuple[Expr, ...]) -> Load:
    return target if isinstance(target, Load) else target.load(indices)
