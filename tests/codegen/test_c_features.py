"""What single features of the printed C promise, each against NumPy, Python or the interpreter."""

from __future__ import annotations

import ctypes
import functools
import math
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import test_c_golden
from codegen_harness import SUPPORT, Library, compile_shared, cpu_levels, same
from kernel_builders import F64, I64, argument, array, at, kernel, loop, op, plus, put

from setuptools_polyopt.codegen.c import kernel_source, translation_unit
from setuptools_polyopt.codegen.expr import guard_expression
from setuptools_polyopt.codegen.source import Options
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Call, Compare, Expr, Select, Sym, Unary, integer
from setuptools_polyopt.ir.kernel import Array, Kernel, Layout, Param, Role
from setuptools_polyopt.ir.statements import Alloc, If, Stmt


def one(name: str, value: Expr, *arrays: Array, kind: Any = "vector", dtype: DType = F64) -> Kernel:
    """`for i in 0..n: out[i] = value`."""
    body = loop("i", 0, "n", put(at("out", "i", dtype=dtype), value), kind=kind)
    return kernel(name, "n", [*arrays, array("out", Role.RESULT, "n", dtype=dtype)], (body,))


def double_all(step: int) -> Kernel:
    body = loop("i", 0, "n", put(at("x", "i"), op("mul", at("x", "i"), 2.0)), kind="parallel", step=step)
    return kernel(f"double{step}", "n", [argument("x", "n")], (body,))


def test_chunk_bounds_of_the_outermost_parallel_loop() -> None:
    library = Library([double_all(1), double_all(3)])
    assert library.sources["double1"].chunked
    x = np.arange(10.0)
    library.call("double1", {"x": x}, {"n": 10}, chunk=(2, 5), pieces=2)
    assert x.tolist() == [0, 1, 4, 6, 8, 5, 6, 7, 8, 9]
    x = np.arange(10.0)
    library.call("double3", {"x": x}, {"n": 10}, chunk=(1, 3), pieces=2)  # iterations number 1 and 2: elements 3 and 6
    assert x.tolist() == [0, 1, 2, 6, 4, 5, 12, 7, 8, 9]


def test_cancelled_kernels_stop() -> None:
    count = put(at("s"), op("add", at("s"), 1.0))
    forever = kernel("forever", "n", [array("s", Role.RESULT)], (put(at("s"), 0.0), loop("i", 0, "n", count)))
    rows = kernel("rows", "n", [array("s", Role.RESULT)], (put(at("s"), 0.0), loop("i", 0, "n", loop("j", 0, "n", count))))
    library = Library([forever, rows])
    for name in ("forever", "rows"):
        memory: dict[str, Any] = {}
        result = library.call(name, memory, {"n": 2**40}, cancel=1)
        assert result.failed == 4
        assert memory["s"] < 2**40


def test_failed_kernels_stop() -> None:
    failing = put(at("k", dtype=I64), op("floordiv", integer(1), at("k", dtype=I64), I64, True))
    body = (put(at("k", dtype=I64), 0), loop("i", 0, "n", loop("j", 0, "n", failing)))
    library = Library([kernel("fails", "n", [array("k", Role.RESULT, dtype=I64)], body)])
    assert library.call("fails", {}, {"n": 2**40}).failed == 1


def test_memory_that_cannot_be_had() -> None:
    arrays = [array("T", Role.TEMPORARY, Sym("n"), Sym("n")), array("s", Role.RESULT)]
    body = (Alloc("T"), put(at("T", 0, 0), 1.0), put(at("s"), at("T", 0, 0)))
    library = Library([kernel("large", "n", arrays, body)])
    assert library.call("large", {}, {"n": 2**40}).failed == 2
    small: dict[str, Any] = {}
    assert not library.call("large", small, {"n": 20}).failed
    assert small["s"] == 1.0


def test_block_calls() -> None:
    power = Call("numpy.power", (at("x", "i", "j"), op("add", at("c"), 1.0)), F64)
    body = loop("i", 0, "n", loop("j", 1, plus("m", -1), put(at("y", "i", "j"), power, 3), kind="vector"), kind="parallel")
    kernels = {}
    for layout in Layout:
        arrays = [argument("x", "n", "m", layout=layout), argument("y", "n", "m", layout=layout), array("c", Role.INPUT)]
        kernels[layout] = kernel(f"powers_{layout.value}", "n m", arrays, (body,), "x-y")
    library = Library(list(kernels.values()))
    for layout, item in kernels.items():
        assert "polyopt_ufunc_block" in library.sources[item.name].text
        x = np.random.default_rng(0).uniform(0, 9, (5, 40))
        x = {Layout.C: x, Layout.FORTRAN: np.asfortranarray(x), Layout.STRIDED: np.repeat(x, 2, 1)[:, ::2]}[layout]
        y = np.zeros_like(x)
        library.call(item.name, {"x": x, "y": y, "c": 1.5}, {"n": 5, "m": 40}, pieces=3)
        expected = np.zeros_like(x)
        expected[:, 1:-1] = np.power(x, 2.5)[:, 1:-1]
        assert same(y, expected)
        empty = np.zeros((3, 1))
        assert not library.call(item.name, {"x": empty, "y": empty + 1, "c": 1.5}, {"n": 3, "m": 1}).failed


def test_a_recurrence_is_no_block_call() -> None:
    step = put(at("x", plus("i", 1)), Call("numpy.exp", (at("x", "i"),), F64))
    library = Library([kernel("chain", "n", [argument("x", "n")], (loop("i", 0, plus("n", -1), step),))])
    assert "polyopt_ufunc_block" not in library.sources["chain"].text
    x = np.zeros(5)
    library.call("chain", {"x": x}, {"n": 5})
    expected = [0.0]
    for _ in range(4):
        expected.append(float(np.exp(np.array([expected[-1]]))[0]))
    assert x.tolist() == expected or np.isinf(x[-1])


def test_arguments_that_may_overlap_are_not_restricted() -> None:
    step = put(at("y", "i"), op("add", at("x", "i"), 1.0))
    together = kernel("together", "n", [argument("x", "n"), argument("y", "n")], (loop("i", 0, "n", step),))
    library = Library([together])
    assert "*x;" in library.sources["together"].struct
    base = np.zeros(20)
    library.call("together", {"x": base[:-1], "y": base[1:]}, {"n": 19})
    assert base.tolist() == [float(k) for k in range(20)]


def test_names_that_c_would_misread() -> None:
    names = ["int", "NAN", "ctx", "größe", "self.grid", "double", "n_", "i", "failed", "x0"]
    arrays = [argument(name, "n") for name in names[1:-1] if name != "i"]
    value: Expr = at(arrays[0].name, "i")
    for item in arrays[1:]:
        value = op("add", value, at(item.name, "i"))
    library = Library([one("struct", value, *arrays)])
    memory: dict[str, Any] = {item.name: np.full(3, 2.0**number) for number, item in enumerate(arrays)}
    library.call("struct", memory, {"n": 3})
    assert memory["out"].tolist() == [float(2 ** len(arrays) - 1)] * 3


SPECIAL = [0.0, -0.0, 1.0, -1.5, 0.5, 700.0, 1e308, -1e308, math.inf, -math.inf, math.nan, -3.0, 2.0]


MATH = ["sin", "exp", "log", "log2", "log10", "log1p", "expm1", "acos", "acosh", "atanh", "sinh", "tan"]


@functools.cache
def math_library() -> Library:
    """`math.NAME` of one argument, and `math.pow`."""
    x = argument("x", "n")
    kernels = [one(f"math_{name}", Call(f"libm.{name}", (at("x", "i"),), F64, True), x, kind="serial") for name in MATH]
    power = Call("libm.pow", (at("x", "i"), at("y", "i")), F64, True)
    return Library([*kernels, one("power", power, x, argument("y", "n"), kind="serial")])


@pytest.mark.parametrize("name", MATH)
def test_math_functions_fail_where_python_raises(name: str) -> None:
    for x in SPECIAL:
        compare_with_python(math_library(), f"math_{name}", {"x": x}, lambda x=x: getattr(math, name)(x))


def test_power_fails_where_python_raises() -> None:
    for x in SPECIAL:
        for y in SPECIAL:
            if x or y != -math.inf:  # left to Python, whose versions differ there
                compare_with_python(math_library(), "power", {"x": x, "y": y}, lambda x=x, y=y: math.pow(x, y))


def test_complex_division_is_pythons() -> None:
    c = DType.COMPLEX128
    arrays = [argument("x", "n", dtype=c), argument("y", "n", dtype=c)]
    quotient = Binary("div", at("x", "i", dtype=c), at("y", "i", dtype=c), c, True)
    library = Library([one("quotient", quotient, *arrays, dtype=c)])
    numbers = [complex(a, b) for a in (0.0, 1.1, -3.7, math.inf) for b in (0.0, -0.3, 2.9)]
    for x in numbers:
        for y in numbers:
            compare_with_python(library, "quotient", {"x": x, "y": y}, lambda x=x, y=y: x / y)


def compare_with_python(library: Library, name: str, values: Mapping[str, Any], function: Callable[[], Any]) -> None:
    memory: dict[str, Any] = {key: np.array([value]) for key, value in values.items()}
    result = library.call(name, memory, {"n": 1})
    try:
        expected = function()
    except (ValueError, OverflowError, ZeroDivisionError):
        assert result.failed, values
        return
    assert not result.failed, values
    assert same(memory["out"], np.array([expected])), (values, memory["out"], expected)


def test_products_are_rounded() -> None:
    """gcc 12 fuses the products of a rotation into the sums in spite of -ffp-contract=off, unless they are kept apart."""
    rotate = (
        put(at("y", "i", 0), op("sub", op("mul", at("c"), at("x", "i", 0)), op("mul", at("s"), at("x", "i", 1)))),
        put(at("y", "i", 1), op("add", op("mul", at("c"), at("x", "i", 1)), op("mul", at("s"), at("x", "i", 0)))),
    )
    arrays = [argument("x", "n", 2), argument("y", "n", 2), array("c", Role.INPUT), array("s", Role.INPUT)]
    x = np.random.default_rng(1).normal(size=(500, 2))
    c, s = math.cos(0.3), math.sin(0.3)
    for level in cpu_levels() or [None]:
        library = Library([kernel("rotate", "n", arrays, (loop("i", 0, "n", *rotate, kind="vector"),), "x-y")], level)
        y = np.zeros_like(x)
        library.call("rotate", {"x": x, "y": y, "c": c, "s": s}, {"n": len(x)})
        assert same(y, np.stack([c * x[:, 0] - s * x[:, 1], c * x[:, 1] + s * x[:, 0]], 1))


@pytest.mark.parametrize("kind", ["serial", "vector"])
def test_comparisons_are_quiet(kind: str) -> None:
    kernels = []
    for name in ("lt", "le", "gt", "ge", "eq", "ne"):
        chosen = Select(Compare(name, at("x", "i"), at("y", "i")), at("x", "i"), at("y", "i"), F64)
        kernels.append(one(f"choose_{name}", chosen, argument("x", "n"), argument("y", "n"), kind=kind))
    for name in ("maximum", "minimum"):
        kernels.append(one(name, Binary(name, at("x", "i"), at("y", "i"), F64), argument("x", "n"), argument("y", "n"), kind=kind))
    x, y = (np.array(column * 3) for column in zip(*[(a, b) for a in SPECIAL for b in SPECIAL], strict=True))
    for level in cpu_levels() or [None]:
        library = Library(kernels, level)
        for item in kernels:
            memory: dict[str, Any] = {"x": x, "y": y}
            result = library.call(item.name, memory, {"n": len(x)})
            assert not result.flags, item.name
            if item.name in ("maximum", "minimum"):
                assert same(memory["out"], getattr(np, item.name)(x, y))


def test_flags_of_values_that_are_thrown_away() -> None:
    arrays = [argument("x", "n"), argument("out", "n"), array("t", Role.TEMPORARY)]
    body = (
        Alloc("t"),
        put(at("t"), op("div", 1.0, at("x", "i"))),
        put(at("out", "i"), Select(Compare("gt", at("x", "i"), at("out", "i")), at("t"), at("x", "i"), F64)),
    )
    loops = {"serial": loop("i", 0, "n", *body), "vector": loop("i", 0, "n", *body, kind="vector")}
    library = Library([kernel(f"where_{kind}", "n", arrays, (item,), "x-out") for kind, item in loops.items()])
    for kind in loops:
        for x in ([0.0], [0.0] * 9):
            result = library.call(f"where_{kind}", {"x": np.array(x), "out": np.full(len(x), 5.0)}, {"n": len(x)})
            assert result.flags == {"divide"}


def guards() -> list[tuple[Expr, tuple[Param, ...]]]:
    n, m, k = Sym("n"), Sym("m"), Sym("k")
    wide = Binary("mul", Binary("mul", n, m, I64), k, I64)
    return [
        (Compare("le", plus("n", -1), m), ()),
        (Binary("and", Compare("ge", n, integer(1)), Compare("lt", Binary("floordiv", plus(n, -7), integer(3), I64), m), DType.BOOL), ()),
        (Compare("lt", wide, integer(2**62)), ()),
        (Compare("lt", Binary("min", wide, m, I64), Binary("mod", wide, integer(5), I64)), ()),
        (Binary("or", Unary("not", Compare("eq", n, m), DType.BOOL), Compare("gt", Binary("max", n, k, I64), integer(4)), DType.BOOL), ()),
    ]


def test_guard_expressions(tmp_path: Path) -> None:
    lines = ['#include "polyopt_ops.h"', "#pragma GCC visibility push(default)"]
    for number, (expr, params) in enumerate(guards()):
        head = f"int32_t guard{number}(int64_t n, int64_t m, int64_t k)"
        lines.append(f"{head};\n{head} {{ (void)n; (void)m; (void)k; return {guard_expression(expr, params)}; }}")
    library = ctypes.CDLL(str(compile_shared({"guards.c": "\n".join(lines)}, None)))
    sizes = [0, 1, 2, 5, 7, 1000, 2**31, 2**40]
    for number, (expr, _) in enumerate(guards()):
        function = getattr(library, f"guard{number}")
        function.argtypes = [ctypes.c_int64] * 3
        for n in sizes:
            for m in sizes:
                for k in sizes:
                    assert bool(function(n, m, k)) == exact(expr, {"n": n, "m": m, "k": k}), (number, n, m, k)


def exact(expr: Expr, values: Mapping[str, int]) -> Any:
    """A guard over Python's integers."""
    if isinstance(expr, Compare):
        a, b = exact(expr.left, values), exact(expr.right, values)
        return {"lt": a < b, "le": a <= b, "gt": a > b, "ge": a >= b, "eq": a == b, "ne": a != b}[expr.op]
    if isinstance(expr, Binary):
        a, b = exact(expr.left, values), exact(expr.right, values)
        table: dict[str, Callable[[], Any]] = {
            "and": lambda: a and b, "or": lambda: a or b, "add": lambda: a + b, "mul": lambda: a * b, "min": lambda: min(a, b),
            "max": lambda: max(a, b), "floordiv": lambda: a // b, "mod": lambda: a % b,
        }  # fmt: skip
        return table[expr.op]()
    if isinstance(expr, Unary):
        return not exact(expr.operand, values)
    return values[expr.name] if isinstance(expr, Sym) else int(expr.value)  # type: ignore[union-attr, arg-type]


def test_serial_printing_has_no_outlined_bodies() -> None:
    assert "polyopt_parallel" not in kernel_source(double_all(1), Options(parallel=False)).text


def typical() -> list[Kernel]:
    return [case() for case in test_c_golden.CASES]


@pytest.mark.parametrize("level", [None, "x86-64-v2", "x86-64-v3", "x86-64-v4"])
def test_every_level_compiles_without_fused_instructions(level: str | None) -> None:
    if level and not cpu_levels():
        pytest.skip("no x86-64")
    path = compile_shared({"kernels.c": translation_unit([kernel_source(item) for item in typical()])}, level)
    text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", str(path)], capture_output=True, text=True, check=True).stdout
    assert "vfm" not in text
    assert "vfnm" not in text


@pytest.mark.parametrize("case", ["axpy", "matmul", "jacobi", "softmax", "square"])
def test_vector_loops_are_vectorised(case: str) -> None:
    if "x86-64-v3" not in cpu_levels():
        pytest.skip("AVX2 is needed")
    source = next(kernel_source(item) for item in typical() if item.name == case)
    path = compile_shared({"kernels.c": translation_unit([source])}, "x86-64-v3")
    text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", str(path)], capture_output=True, text=True, check=True).stdout
    operation = {"axpy": "vmulpd", "matmul": "vmulpd", "jacobi": "vaddpd", "softmax": "vdivpd", "square": "vmulpd"}[case]
    assert any(operation in line and "ymm" in line for line in text.splitlines())


def test_under_sanitizers() -> None:
    """The random loop nests once more, in a process with the address and undefined behaviour sanitizers."""
    done = subprocess.run(["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True)
    library = Path(done.stdout.strip())
    if not library.is_absolute():
        pytest.skip("no libasan")
    script = (
        "from test_c_kernels import *; from codegen_harness import SANITIZE\n"
        "kernels = nests(77, 5)\n"
        "library = Library(kernels, extra=SANITIZE)\n"
        "[check(library, kernel, 5 * n, 1 + n % 2) for n, kernel in enumerate(kernels)]\n"
        "from test_c_expressions import *\n"
        "exprs = expressions(5, 26, 3)\n"
        "library = Library([kernel_of(name, expr, 'vector') for name, expr in exprs.items()], extra=SANITIZE)\n"
        "[check_expression(library, name, expr, random.Random(1)) for name, expr in exprs.items()]\n"
        "print('clean')\n"
    )
    root = SUPPORT.parents[2]
    environment = {
        **os.environ, "LD_PRELOAD": str(library), "ASAN_OPTIONS": "detect_leaks=0", "PYTHONPATH": f"{root}:{Path(__file__).parent}",
    }  # fmt: skip
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=False)
    assert done.stdout.strip() == "clean", done.stderr[-4000:]


def test_conditions_keep_their_branches() -> None:
    """A branch that is not taken is not evaluated: its subscript may lie outside."""
    last = plus("n", -1)
    guarded: list[Stmt] = [If(Compare("lt", Sym("i"), last), (put(at("y", "i"), at("x", plus("i", 1))),), (put(at("y", "i"), 0.0),))]
    body = loop("i", 0, "n", *guarded)
    library = Library([kernel("shift", "n", [argument("x", "n"), argument("y", "n")], (body,), "x-y")])
    x, y = np.arange(4.0), np.ones(4)
    library.call("shift", {"x": x, "y": y}, {"n": 4})
    assert y.tolist() == [1.0, 2.0, 3.0, 0.0]

