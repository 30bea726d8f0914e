"""Loop IR as text, for people and golden tests.

    kernel axpy(n) {
      argument x: float64[n] C
      input a: float64
      guard n >= 1
      for i in 0..n parallel:  # tile
        S0: y[i] = y[i] + a * x[i]
    }
"""

from __future__ import annotations

from collections.abc import Iterator

from setuptools_polyopt.exhaustive import assert_never
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import (
    ROW,
    Binary,
    Call,
    Cast,
    Compare,
    Const,
    Expr,
    Load,
    Product,
    Reduce,
    Select,
    Sym,
    Unary,
)
from setuptools_polyopt.ir.kernel import Array, Assumption, Contiguous, Holds, Kernel, NoOverlap, OrderedStrides, Role
from setuptools_polyopt.ir.statements import Alloc, Assign, Block, Break, Continue, For, If, Serial, While

_INFIX = {
    "add": ("+", 6), "sub": ("-", 6), "mul": ("*", 7), "div": ("/", 7), "floordiv": ("//", 7), "mod": ("%", 7), "pow": ("**", 9),
    "and": ("and", 2), "or": ("or", 1), "bitand": ("&", 5), "bitor": ("|", 3), "bitxor": ("^", 4), "shl": ("<<", 5), "shr": (">>", 5),
}  # fmt: skip
_COMPARE = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}


def print_expr(expr: Expr, precedence: int = 0) -> str:
    """One expression; `!` behind an operator marks a checked one, `(dtype)` a cast."""
    match expr:
        case Const(value=value, dtype=dtype):
            return repr(value) if dtype in (DType.INT64, DType.FLOAT64, DType.BOOL) else f"{dtype.value}({value!r})"
        case Sym(name=name):
            return name
        case Load(array=array, indices=()):
            return array
        case Load(array=array, indices=indices):
            return f"{array}[{', '.join(print_expr(index) for index in indices)}]"
        case Binary():
            return _print_binary(expr, precedence)
        case Compare(op=op, left=left, right=right):
            text = f"{print_expr(left, 3)} {_COMPARE[op]} {print_expr(right, 3)}"
            return f"({text})" if precedence > 2 else text
        case Unary(op="neg", operand=operand):
            return f"-{'!' if expr.checked else ''}{print_expr(operand, 8)}"
        case Unary(op=op, operand=operand):
            return f"{op}{'!' if expr.checked else ''}({print_expr(operand)})"
        case Cast(operand=operand, dtype=dtype):
            return f"{dtype.value}{'!' if expr.checked else ''}({print_expr(operand)})"
        case Select(cond=cond, then=then, orelse=orelse):
            return f"({print_expr(then)} if {print_expr(cond)} else {print_expr(orelse)})"
        case Call(function=function, args=args):
            return f"{function}{'!' if expr.checked else ''}({', '.join(print_expr(arg) for arg in args)})"
        case Reduce():
            spans = ", ".join(f"{part.var} in {print_expr(part.lower)}..{print_expr(part.upper)}" for part in expr.ranges)
            skip = f" skip {expr.skip}" if expr.skip else ""
            if expr.function == ROW:
                return f"[{print_expr(expr.body)} for {spans}]"
            return f"reduce {expr.function}({print_expr(expr.init)}; {print_expr(expr.body)} for {spans}{skip})"
        case Product(function=function, left=row, right=column):
            return f"{function}({print_expr(row)}, {print_expr(column)})"
        case _:
            assert_never(expr)


def _print_binary(expr: Binary, precedence: int) -> str:
    mark = "!" if expr.checked else ""
    if expr.op not in _INFIX:
        return f"{expr.op}{mark}({print_expr(expr.left)}, {print_expr(expr.right)})"
    sign, own = _INFIX[expr.op]
    text = f"{print_expr(expr.left, own)} {sign}{mark} {print_expr(expr.right, own + 1)}"
    return f"({text})" if own < precedence else text


def print_block(body: Block, indent: int = 0) -> str:
    """A block, one statement a line, two spaces a level; empty text for an empty block."""
    return "".join(f"{line}\n" for line in _lines(body, "  " * indent))


def _lines(body: Block, pad: str) -> Iterator[str]:
    for statement in body:
        match statement:
            case Assign(target=target, value=value, label=label):
                yield f"{pad}{label + ': ' if label else ''}{print_expr(target)} = {print_expr(value)}"
            case Alloc(array=array):
                yield f"{pad}alloc {array}"
            case If(cond=cond):
                yield f"{pad}if {print_expr(cond)}:"
                yield from _lines(statement.body, pad + "  ")
                if statement.orelse:
                    yield f"{pad}else:"
                    yield from _lines(statement.orelse, pad + "  ")
            case For():
                step = f" by {statement.step}" if statement.step != 1 else ""
                kind = f" {statement.kind}" if statement.kind != "serial" else ""
                note = f"  # {statement.note}" if statement.note else ""
                bounds = f"{print_expr(statement.lower, 3)}..{print_expr(statement.upper, 3)}"
                yield f"{pad}for {statement.var} in {bounds}{step}{kind}:{note}"
                yield from _lines(statement.body, pad + "  ")
            case Serial():
                yield f"{pad}serial:"
                yield from _lines(statement.body, pad + "  ")
            case While(cond=cond):
                yield f"{pad}while {print_expr(cond)}:"
                yield from _lines(statement.body, pad + "  ")
            case Break() | Continue():
                yield f"{pad}{'break' if isinstance(statement, Break) else 'continue'}"
            case _:
                assert_never(statement)


def print_array(array: Array) -> str:
    """A declaration: `argument A: float64[n, m] C`."""
    extents = f"[{', '.join(print_expr(extent) for extent in array.extents)}]" if array.rank else ""
    layout = f" {array.layout.value}" if array.role is Role.ARGUMENT else ""
    return f"{array.role.value} {array.name}: {array.dtype.value}{extents}{layout}"


def print_assumption(assumption: Assumption) -> str:
    """A guard in words."""
    match assumption:
        case Holds(condition=condition):
            return f"guard {print_expr(condition)}"
        case NoOverlap(first=first, second=second):
            return f"guard no-overlap({first}, {second})"
        case OrderedStrides(array=array):
            return f"guard ordered-strides({array})"
        case Contiguous(array=array, axis=axis):
            return f"guard contiguous({array}, {axis})"
        case _:
            assert_never(assumption)


def print_kernel(kernel: Kernel) -> str:
    """The whole kernel."""
    params = ", ".join(param.name for param in kernel.params)
    head = [print_array(array) for array in kernel.arrays] + [print_assumption(item) for item in kernel.assumptions]
    declarations = "".join(f"  {line}\n" for line in head)
    return f"kernel {kernel.name}({params}) {{\n{declarations}{print_block(kernel.body, 1)}}}\n"
