"""One operation of the IR as C text, given the text of its operands.

Floats use C's own operators (the build forbids contraction); integers, complex numbers and everything checked call the inline
functions of `support/polyopt_ops.h` and `support/polyopt_math.h`, which say what each computes. Every operand text that comes in is
complete: `Text` carries how tightly it binds.

    Binary("mul", a, b) of FLOAT64          a * b
    Binary("mul", a, b) of INT32            polyopt_mul_i32(a, b)
    Binary("mul", a, b) of INT32, checked   polyopt_try_mul_i32(a, b, &failed)
"""

from __future__ import annotations

from dataclasses import dataclass

from setuptools_polyopt.codegen.literals import c_type, suffix
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import BinaryOp, CompareOp, UnaryOp

SUM, PRODUCT, PREFIX, PRIMARY = 12, 13, 14, 15
"""How tightly C's operators bind; everything looser than a sum is always put in parentheses."""


@dataclass(frozen=True, slots=True)
class Text:
    """C text of an expression and the operator class of its root."""

    text: str
    binds: int = PRIMARY

    def at(self, binds: int) -> str:
        """The text as an operand of an operator of that class."""
        return f"({self.text})" if self.binds < binds else self.text


@dataclass(frozen=True, slots=True)
class Style:
    """failed: text of a pointer to the sticky flag; vector: the operation is in a loop that the compiler is to vectorise; products:
    those that are added or subtracted must be kept apart (see POLYOPT_PRODUCT); keeps: floating-point flags of unread values count
    (codegen/keep.py)."""

    failed: str
    vector: bool = False
    products: bool = False
    keeps: bool = True


LOOSE = 0
_COMPARE: dict[CompareOp, str] = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}
_BOOL_INFIX: dict[BinaryOp, str] = {
    "bitand": "&", "mul": "&", "minimum": "&", "bitor": "|", "add": "|", "maximum": "|", "bitxor": "^",
}  # fmt: skip
_INFIX: dict[BinaryOp, tuple[str, int]] = {"add": ("+", SUM), "sub": ("-", SUM), "mul": ("*", PRODUCT), "div": ("/", PRODUCT)}
_BITWISE: dict[BinaryOp, str] = {"bitand": "&", "bitor": "|", "bitxor": "^"}
_ROUND = {"floor": "FLOOR", "ceil": "CEIL", "trunc": "TRUNC", "rint": "RINT", "sqrt": "SQRT", "abs": "FABS"}
_NARROW = {DType.INT8, DType.INT16, DType.INT32, DType.UINT8, DType.UINT16}
"""Integers to which compilers can convert vectors of floats."""
_SIGNED = {DType.INT8, DType.INT16, DType.INT32, DType.INT64}


def call(function: str, *args: str) -> Text:
    """A call as a primary expression."""
    return Text(f"{function}({', '.join(args)})")


def infix(sign: str, left: Text, right: Text, binds: int) -> Text:
    """A left-associative operator of a class."""
    return Text(f"{left.at(binds)} {sign} {right.at(binds + 1)}", binds)


def binary(op: BinaryOp, dtype: DType, left: Text, right: Text, checked: bool, style: Style) -> Text:
    """`Binary` but `and` and `or`. Raises TypeError for an operator that the type does not have."""
    if dtype is DType.BOOL:
        if op not in _BOOL_INFIX:
            raise TypeError(f"{op} of booleans")
        return Text(f"{left.at(PREFIX)} {_BOOL_INFIX[op]} {right.at(PREFIX)}", LOOSE)
    if dtype.is_integer:
        return _integer(op, dtype, left, right, checked, style)
    if dtype.is_complex:
        return _complex(op, dtype, left, right, checked, style)
    return _floating(op, dtype, left, right, checked, style)


def _integer(op: BinaryOp, dtype: DType, left: Text, right: Text, checked: bool, style: Style) -> Text:
    tail = suffix(dtype)
    if op in _BITWISE:
        return Text(f"({c_type(dtype)})({left.at(PREFIX)} {_BITWISE[op]} {right.at(PREFIX)})", PREFIX)
    if op in ("min", "max", "minimum", "maximum"):
        return call(f"polyopt_{op[:3]}_{tail}", left.text, right.text)
    if op == "index":
        return call("polyopt_index", left.text, right.text, style.failed)
    if op not in ("add", "sub", "mul", "floordiv", "mod", "pow", "shl", "shr"):
        raise TypeError(f"{op} of integers")
    if checked:
        return call(f"polyopt_try_{op}_{tail}", left.text, right.text, style.failed)
    if op == "pow":  # a negative exponent fails even here
        return call(f"polyopt_pow_{tail}", left.text, right.text, style.failed)
    return call(f"polyopt_{op}_{tail}", left.text, right.text)


def _floating(op: BinaryOp, dtype: DType, left: Text, right: Text, checked: bool, style: Style) -> Text:
    tail = suffix(dtype)
    if checked and op in ("div", "floordiv", "mod"):
        return call(f"polyopt_try_{op}_{tail}", left.text, right.text, style.failed)
    if op in ("add", "sub"):
        left, right = apart(left, style), apart(right, style)
    if op in _INFIX:
        return infix(_INFIX[op][0], left, right, _INFIX[op][1])
    if op in ("floordiv", "mod"):
        return call(f"polyopt_np_{op}_{tail}", left.text, right.text)
    if op in ("maximum", "minimum"):
        return call(f"polyopt_{'vector_' if style.vector else ''}{op}_{tail}", left.text, right.text)
    raise TypeError(f"{op} of floats")


def apart(operand: Text, style: Style) -> Text:
    """A product that might come to be added to something, out of reach of fused instructions."""
    if style.products and operand.binds == PRODUCT and " * " in operand.text:
        return call("POLYOPT_PRODUCT", operand.text)
    return operand


def _complex(op: BinaryOp, dtype: DType, left: Text, right: Text, checked: bool, style: Style) -> Text:
    tail = suffix(dtype)
    if op in ("add", "sub", "mul"):
        return call(f"polyopt_{op}_{tail}", left.text, right.text)
    if op != "div":
        raise TypeError(f"{op} of complex numbers")
    if not checked:
        return call(f"polyopt_np_div_{tail}", left.text, right.text)
    if dtype is DType.COMPLEX128:
        return call("polyopt_py_div_c128", "ctx", left.text, right.text)
    return call("polyopt_try_div_c64", left.text, right.text, style.failed)


def compare(op: CompareOp, dtype: DType, left: Text, right: Text, style: Style) -> Text:
    """`Compare`: 0 or 1, quiet on NaN."""
    if dtype.is_complex:
        return call(f"polyopt_{op}_{suffix(dtype)}", left.text, right.text)
    if dtype is DType.BOOL:
        a, b = left.at(PREFIX), right.at(PREFIX)
        negated = {"lt": f"(!{a}) & {b}", "le": f"(!{a}) | {b}", "gt": f"{a} & (!{b})", "ge": f"{a} | (!{b})"}
        return Text({**negated, "ne": f"{a} ^ {b}", "eq": f"!({a} ^ {b})"}[op], LOOSE)
    if dtype.is_float and op not in ("eq", "ne"):
        return call(f"polyopt_{'vector_' if style.vector else ''}{op}_{suffix(dtype)}", left.text, right.text)
    return Text(f"{left.at(SUM)} {_COMPARE[op]} {right.at(SUM)}", LOOSE)


def unary(op: UnaryOp, operand: Text, source: DType, dtype: DType, checked: bool, style: Style) -> Text:
    """`Unary`; `source` is the operand's type, `dtype` the result's."""
    match op:
        case "not":
            return Text(f"!{operand.at(PREFIX)}", LOOSE)  # gcc warns about `!a | b`
        case "isnan" | "isfinite" | "isinf" | "signbit":
            return _classify(op, operand, source)
        case "real" | "imag":
            return Text(f"{operand.at(PRIMARY)}.{op[:2]}")
        case "conj":
            return call(f"polyopt_conj_{suffix(dtype)}", operand.text) if dtype.is_complex else operand
        case "invert":
            if dtype is DType.BOOL:
                return Text(f"!{operand.at(PREFIX)}", LOOSE)
            return call(f"polyopt_invert_{suffix(dtype)}", operand.text)
        case "neg" if not dtype.is_integer:
            return call(f"polyopt_neg_{suffix(dtype)}", operand.text) if dtype.is_complex else _minus(apart(operand, style))
    if dtype.is_integer and op in ("neg", "abs"):
        if checked:
            return call(f"polyopt_try_{op}_{suffix(dtype)}", operand.text, style.failed)
        return call(f"polyopt_{op}_{suffix(dtype)}", operand.text)
    if not dtype.is_float:
        raise TypeError(f"{op} of {dtype.value}")
    if op == "sqrt" and checked:
        return call(f"polyopt_try_sqrt_{suffix(dtype)}", operand.text, style.failed)
    return call(f"POLYOPT_{_ROUND[op]}{'F' if dtype is DType.FLOAT32 else ''}", operand.text)


def _minus(operand: Text) -> Text:
    text = operand.at(PREFIX)
    return Text(f"-({text})" if text.startswith("-") else f"-{text}", PREFIX)


def _classify(op: UnaryOp, operand: Text, source: DType) -> Text:
    if source.is_complex:
        parts = [_classify(op, Text(f"{operand.at(PRIMARY)}.{part}"), source.real) for part in ("re", "im")]
        return Text(f"{parts[0].at(PREFIX)} {'&' if op == 'isfinite' else '|'} {parts[1].at(PREFIX)}", LOOSE)
    if not source.is_float:
        return Text("1" if op == "isfinite" else "0") if op != "signbit" else Text(f"{operand.at(SUM)} < 0", LOOSE)
    return call(f"polyopt_{op}_{suffix(source)}", operand.text)


def cast(operand: Text, source: DType, dtype: DType, checked: bool, style: Style) -> Text:
    """`Cast`, as NumPy's astype."""
    if source is dtype:
        return operand
    if source.is_complex:
        return _cast_complex(operand, source, dtype, checked, style)
    if dtype.is_complex:
        part = cast(operand, source, dtype.real, False, style)
        return call(f"polyopt_make_{suffix(dtype)}", part.text, "0")
    if dtype is DType.BOOL:
        return Text(f"{operand.at(SUM)} != 0", LOOSE)
    if checked and dtype.is_integer and source is not DType.BOOL and not _fits(source, dtype):
        wide = suffix(source) if source.is_float else "i64" if source in _SIGNED else "u64"
        return call(f"polyopt_try_{suffix(dtype)}_{wide}", operand.text, style.failed)
    if source.is_float and dtype.is_integer:
        vector = "vector_" if style.vector and dtype in _NARROW else ""
        return call(f"polyopt_{vector}cast_{suffix(source)}_{suffix(dtype)}", operand.text)
    return Text(f"({c_type(dtype)}){operand.at(PREFIX)}", PREFIX)


def _fits(source: DType, dtype: DType) -> bool:
    """Whether every value of an integer type is one of the other's."""
    if not source.is_integer:
        return False
    low, high = dtype.integer_range()
    bottom, top = source.integer_range()
    return low <= bottom and top <= high


def _cast_complex(operand: Text, source: DType, dtype: DType, checked: bool, style: Style) -> Text:
    if dtype.is_complex:
        return call(f"polyopt_{suffix(dtype)}_{suffix(source)}", operand.text)
    if dtype is DType.BOOL:
        return call(f"polyopt_nonzero_{suffix(source)}", operand.text)
    return cast(Text(f"{operand.at(PRIMARY)}.re"), source.real, dtype, checked, style)
