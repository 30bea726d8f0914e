"""What Python and NumPy operators and functions mean at element level, bit for bit.

Given typed operands, each function answers with the type that CPython/NumPy would give the result and an IR expression with its
bits, or raises `Unsupported` with the reason. Shapes, broadcasting, views and statements are the frontend's.

Interface (spans are `diagnostics.Span`; `fp` is "strict", "bounded" or "fast"; everything raises `Unsupported` for what stays Python):

`values`       ScalarType(box, dtype), Operand(expr, type, array); python(expr), scalar(expr), element(expr), literal(value, span) make
               operands; join(type, type) is the type of a name that has either; SYMBOL_BOUND.
`elementwise`  binary(op, left, right, fp, span) -> Operand        op: "Add" "Sub" "Mult" "Div" "FloorDiv" "Mod" "Pow" "BitAnd" "BitOr"
                                                                   "BitXor" "LShift" "RShift" (augmented assignment: the same, then
                                                                   convert_in_place for arrays)
               unary(op, operand, span) -> Operand                 op: "UAdd" "USub" "Not" "Invert"
               compare(op, left, right, span) -> Operand           op: "Lt" "LtE" "Gt" "GtE" "Eq" "NotEq"
               boolean(op, left, right, span) -> Operand           op: "And" "Or": Python's value semantics, scalars only
               conditional(test, then, orelse, span) -> Operand    `then if test else orelse`, scalars only
               truth(operand, span) -> Expr                        bool(x) as a BOOL expression, scalars only
               convert(operand, dtype, span) -> Expr               `a[i] = x`, `a[:] = x` into an array of dtype (setitem's casting)
               convert_in_place(operand, dtype, span) -> Expr      `a += x`, `np.f(x, out=a)`: the ufunc's casting rule "same_kind"
               same_scalar(operand, type, span) -> Expr            the operand as a value of a scalar name of that (joined) type
               call(path, args, kwargs, fp, span) -> Operand       elementwise functions by canonical path: "math.sin", "builtins.abs",
                                                                   "numpy.exp", "numpy.float64"; kwargs: str -> Operand
`reductions`   reduction(path, operand, fp, span) -> Reduction: init, prepare, combine, finish; plan(rank, axes) -> Plan: the order
`contractions` contraction(path, left, right, fp, span) -> Contraction for `@`, numpy.dot (in strict mode of integers and bools only)
`facts`        FACTS: what the installed NumPy does where versions differ (for the load-time check)
`functions`    kind(path) -> "elementwise" | "reduction" | "creation" | "contraction" | "view" | "query" | "library" | None;
               method(name) -> canonical path of an ndarray's or NumPy scalar's method ("sum" -> "numpy.sum") or None; pure(path)

What the caller has to know:
 - Operands may be duplicated in the result (an `abs`, a complex product written out). A frontend that wants small expressions passes
   loads of temporaries; the value is the same either way because expressions have no side effects.
 - Every parameter and iterator (`Sym`) is a Python int within +-SYMBOL_BOUND: index arithmetic is then proved not to overflow at build
   time and carries no `checked`.
 - A `Call("numpy.X", args, dtype)`'s args have the dtypes of NumPy's inner loop for that ufunc (converted already).
 - Arrays: integers wrap, division by zero of floats gives IEEE values and a flag. Scalars: overflow, division by zero and whatever
   else raises or warns without a floating-point flag is `checked`. A floating-point flag stands for NumPy's RuntimeWarning; a flag
   that Python's own float arithmetic would not report only costs a run of the original.
 - `numpy.where`, `maximum` and other functions evaluate all operands in NumPy, a `Select` only one: operands that can fail or set a flag
   are passed as loads of temporaries (one temporary per array operator, as the lowering does).
 - `elementwise.unit_stride_arguments(expr)` lists the operands of complex products, squares and sizes: where one is a view that does not
   advance by one element in the innermost loop, NumPy takes another path with other bits, and the statement must stay NumPy's.
 - A float `power` whose exponent is an array and whose base is a scalar is supported for a result of the exponent's shape only.
 - complex in the IR: `add sub` by components; `mul` is (ar*br - ai*bi, ar*bi + ai*br) without FMA; `div` is NumPy's scalar algorithm
   (Smith's, multiplying by 1/denominator); CPython's quotient, which divides, is written out in float operations.

Assumptions about the NumPy that runs the wheel (measured on 2.4.6, 2.2.6, 1.26.4; rules are taken from the NumPy that builds, so the
runtime compares at load, see `facts.FACTS`, and disables the kernels where one differs; before NEP 50 mixed types with scalars stay
Python):
 - promotion: `np.result_type(np.float32(1), 1.0)` (float32 in 2, float64 in 1.26), `np.float32 array * np.float64` (float64, float32),
   `np.int32(1) + 2**40` (raises, int64), `np.floor(3).dtype` (int64 in 2, float64 in 1.26);
 - power: the loop of 2.4 squares, roots and inverts where one exponent serves a whole inner loop (also `np.power(x, 2.0)`, ints `** 0.5`,
   `z ** np.float64(0.5)` never); 1.26 does so for operators only, and there for every scalar exponent;
 - clip: between equal zeros 2.4 keeps the element, 1.26 the bound; fmin/fmax: positional signs of zeros in 2.4 only;
 - complex: multiply, square and absolute use FMA where the CPU has it, not for reversed operands (2.4) or any stride (1.26).
"""

from __future__ import annotations
