"""polyopt_math.h against CPython and NumPy: every helper on special and random values, bit for bit, with its failures and flags."""

from __future__ import annotations

import ctypes
import itertools
import math
import operator
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import build_example
import numpy as np
import pytest

SPECIAL = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -0.5,
    1.5,
    2.5,
    -2.5,
    3.0,
    -3.0,
    0.1,
    1e-310,
    -1e-310,
    1e308,
    -1e308,
    1e16,
    7.9,
    float("inf"),
    -float("inf"),
    float("nan"),
]
INTS = [
    0,
    1,
    -1,
    2,
    -2,
    3,
    7,
    -7,
    10,
    62,
    63,
    64,
    2**31,
    -(2**31),
    2**53 + 1,
    2**62,
    -(2**62),
    2**63 - 1,
    -(2**63),
    -(2**63) + 1,
]

# name, C type of both operands, C type of the result, expression; ctx is in reach
BINARY = [
    *(
        (f"py_{op}_i64", "int64_t", "int64_t", f"polyopt_py_{op}_i64(ctx, a, b)")
        for op in ("add", "sub", "mul", "floordiv", "mod", "pow", "lshift", "rshift")
    ),
    ("py_truediv_i64", "int64_t", "double", "polyopt_py_truediv_i64(ctx, a, b)"),
    *((f"py_{op}_f64", "double", "double", f"polyopt_py_{op}_f64(ctx, a, b)") for op in ("truediv", "floordiv", "mod", "pow")),
    ("py_math_pow", "double", "double", "polyopt_py_math_pow(ctx, a, b)"),
    ("py_max_f64", "double", "double", "polyopt_py_max_f64(a, b)"),
    ("py_min_f64", "double", "double", "polyopt_py_min_f64(a, b)"),
    *(
        (f"np_{op}_{suffix}", ctype, ctype, f"polyopt_np_{op}_{suffix}(a, b)")
        for suffix, ctype in (("i64", "int64_t"), ("i32", "int32_t"))
        for op in ("add", "sub", "mul", "floordiv", "mod", "lshift", "rshift", "max", "min")
    ),
    ("np_pow_i64", "int64_t", "int64_t", "polyopt_np_pow_i64(ctx, a, b)"),
    ("np_pow_i32", "int32_t", "int32_t", "polyopt_np_pow_i32(ctx, a, b)"),
    *(
        (f"np_{op}_{suffix}", ctype, ctype, f"polyopt_np_{op}_{suffix}(a, b)")
        for suffix, ctype in (("f64", "double"), ("f32", "float"))
        for op in ("floordiv", "mod", "maximum", "minimum", "fmax", "fmin")
    ),
    *((f"{op.lower()}", "double", "int64_t", f"POLYOPT_{op}(a, b)") for op in ("LT", "LE", "GT", "GE")),
    *((f"py_{op}_c128", "polyopt_c128", "polyopt_c128", f"polyopt_{op}_c128(a, b)") for op in ("add", "sub", "mul")),
    ("py_div_c128", "polyopt_c128", "polyopt_c128", "polyopt_py_div_c128(ctx, a, b)"),
    ("np_div_c128", "polyopt_c128", "polyopt_c128", "polyopt_np_div_c128(a, b)"),
    ("np_div_c64", "polyopt_c64", "polyopt_c64", "polyopt_np_div_c64(a, b)"),
    ("np_mul_c64", "polyopt_c64", "polyopt_c64", "polyopt_mul_c64(a, b)"),
]  # fmt: skip
CTYPES = {"f64": "double", "f32": "float", "i64": "int64_t", "i32": "int32_t"}
UNARY = [
    *((f"py_{op}_f64", "double", "int64_t", f"polyopt_py_{op}_f64(ctx, a)") for op in ("int", "floor", "ceil", "round")),
    *((f"py_{op}_i64", "int64_t", "int64_t", f"polyopt_py_{op}_i64(ctx, a)") for op in ("neg", "abs")),
    *((f"np_{op}_i64", "int64_t", "int64_t", f"polyopt_np_{op}_i64(a)") for op in ("neg", "abs", "sign")),
    *((f"np_sign_{suffix}", ctype, ctype, f"polyopt_np_sign_{suffix}(a)") for suffix, ctype in (("f64", "double"), ("f32", "float"))),
    *(
        (f"np_cast_{a}_{b}", CTYPES[a], CTYPES[b], f"polyopt_np_cast_{a}_{b}(a)")
        for a, b in (("f64", "i64"), ("f64", "i32"), ("f32", "i64"), ("f32", "i32"), ("i64", "i32"))
    ),
    ("py_abs_c128", "polyopt_c128", "double", "polyopt_py_abs_c128(ctx, a)"),
    *(
        (f"math_{op}", "double", "double", f"polyopt_py_math1(ctx, a, ctx->fn->libm.{op}(a))")
        for op in ("sin", "tan", "asin", "atanh", "exp", "sqrt", "cosh", "expm1", "log1p")
    ),
    *((f"math_{op}", "double", "double", f"polyopt_py_math_log(ctx, ctx->fn->libm.{op}, a)") for op in ("log", "log2", "log10")),
]  # fmt: skip
DTYPES = {"double": "f8", "float": "f4", "int64_t": "i8", "int32_t": "i4", "polyopt_c128": "c16", "polyopt_c64": "c8"}
SIGNATURES = {name: (DTYPES[operand], DTYPES[result]) for name, operand, result, _ in [*BINARY, *UNARY]}


def source() -> str:
    """One function a helper: results, a failed flag an element, and all floating-point flags of the run."""
    text = [
        '#include "polyopt_fenv.h"',
        '#include "polyopt_pool.h"',
        '#define RUN __attribute__((visibility("default"), noinline))',
    ]
    for rows, pointer in ((BINARY, "const {0} *x, const {0} *y"), (UNARY, "const {0} *x")):
        for name, operand, result, expression in rows:
            second = f"{operand} b = y[i];" if rows is BINARY else ""
            text.append(
                f"RUN uint32_t run_{name}({pointer.format(operand)}, {result} *z, uint8_t *failed, int64_t n) {{\n"
                "    struct polyopt_ctx context = {0}, *ctx = &context;\n"
                "    static struct polyopt_functions functions;\n"
                "    polyopt_libm_fill(&functions.libm);\n"
                "    context.fn = &functions;\n"
                "    (void)ctx;\n    polyopt_fp_enter();\n"
                f"    for (int64_t i = 0; i < n; i++) {{ {operand} a = x[i]; {second} context.failed = 0;\n"
                f"        z[i] = {expression}; failed[i] = context.failed != 0; }}\n"
                "    return polyopt_fp_flags();\n}"
            )
    return "\n".join(text) + "\n"


Run = Callable[..., tuple[Any, Any, int]]


@pytest.fixture(scope="module", params=["base", "v3"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    if request.param == "v3" and build_example.MACHINE != "x86_64":
        pytest.skip("x86-64 only")
    folder = tmp_path_factory.mktemp("arithmetic")
    (folder / "all.c").write_text(source())
    flags = [*build_example.COMMON, *build_example.KERNEL, *(build_example.V3 if request.param == "v3" else [])]
    units = [str(folder / "all.c"), str(build_example.SUPPORT / "polyopt_base.c")]
    build_example.run(
        ["gcc", *flags, f"-I{build_example.SUPPORT}", "-shared", "-o", str(folder / "all.so"), *units, "-lm"]
    )
    library = ctypes.CDLL(str(folder / "all.so"))

    def call(name: str, *operands: Any) -> tuple[Any, Any, int]:
        dtype, result_dtype = SIGNATURES[name]
        arrays = [np.ascontiguousarray(operand, dtype) for operand in operands]
        z, failed = np.zeros(len(arrays[0]), result_dtype), np.zeros(len(arrays[0]), "u1")
        function = getattr(library, f"run_{name}")
        function.argtypes = [ctypes.c_void_p] * (len(arrays) + 2) + [ctypes.c_int64]
        function.restype = ctypes.c_uint32
        flags = function(*(array.ctypes.data for array in arrays), z.ctypes.data, failed.ctypes.data, len(z))
        return z, failed.astype(bool), flags

    return call


def pairs(values: list[Any], extra: Any, count: int = 700) -> tuple[list[Any], list[Any]]:
    both = [*itertools.product(values, values), *(extra() for _ in range(count))]
    return [a for a, _ in both], [b for _, b in both]


def floats(seed: int) -> tuple[list[float], list[float]]:
    rng = np.random.default_rng(seed)

    def one() -> float:
        return (
            float(rng.normal() * 10.0 ** rng.integers(-4, 5)) if rng.random() < 0.7 else float(rng.integers(-9, 10)) / 2
        )

    return pairs(SPECIAL, lambda: (one(), one()))


def ints(seed: int) -> tuple[list[int], list[int]]:
    rng = np.random.default_rng(seed)
    return pairs(
        INTS,
        lambda: (
            int(rng.integers(-(2**63), 2**63)) >> int(rng.integers(0, 62)),
            int(rng.integers(-(2**63), 2**63)) >> int(rng.integers(0, 62)),
        ),
    )


def same_bits(found: Any, wanted: Any) -> bool:
    """Equal bits; every nan equals every nan (its payload and sign are not Python's to tell)."""
    found, wanted = np.asarray(found), np.asarray(wanted, found.dtype)
    if found.dtype.kind in "fc":
        real = found.view(f"f{found.itemsize // (2 if found.dtype.kind == 'c' else 1)}")
        other = np.ascontiguousarray(wanted).view(real.dtype)
        return bool(
            (np.isnan(real) == np.isnan(other)).all()
            and (np.nan_to_num(real, nan=0.0).tobytes() == np.nan_to_num(other, nan=0.0).tobytes())
        )
    return bool((found == wanted).all())


def check_python(
    run: Run,
    name: str,
    function: Callable[..., Any],
    *operands: list[Any],
    may_fail_more: Callable[..., bool] = lambda *_: False,
) -> None:
    """The helper fails where Python raises or leaves the type; elsewhere the bits are the same."""
    found, failed, _ = run(name, *operands)
    kind = {"i": int, "f": float, "c": complex}[found.dtype.kind]
    for index, values in enumerate(zip(*operands, strict=True)):
        try:
            wanted = function(*values)
        except (ArithmeticError, ValueError):
            wanted = None
        if type(wanted) is not kind or (kind is int and not -(2**63) <= wanted < 2**63):
            assert failed[index], (name, values, wanted)
        elif failed[index]:
            assert may_fail_more(*values), (name, values, wanted)
        else:
            assert same_bits(found[index : index + 1], [wanted]), (name, values, wanted, found[index])


def power(a: int, b: int) -> Any:
    if b < 0:
        return None
    return a**b if abs(a) <= 1 or b <= 64 else 2**64


def shift_left(a: int, b: int) -> Any:
    return a << b if 0 <= b <= 64 or b < 0 else (0 if a == 0 else 2**64)


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("add", operator.add), ("sub", operator.sub), ("mul", operator.mul), ("floordiv", operator.floordiv), ("mod", operator.mod),
        ("pow", power), ("lshift", shift_left), ("rshift", operator.rshift), ("truediv", operator.truediv),
    ],
)  # fmt: skip
def test_python_ints(run: Run, name: str, function: Callable[..., Any]) -> None:
    def more(a: int, b: int) -> bool:
        return name == "truediv" and max(abs(a), abs(b)) > 2**53

    small = pairs(list(range(-6, 7)), lambda: (3, 4), 1)
    for operands in (ints(1), small):
        check_python(run, f"py_{name}_i64", function, *operands, may_fail_more=more)


def test_python_ints_unary(run: Run) -> None:
    for name, function in (("neg", operator.neg), ("abs", abs)):
        check_python(run, f"py_{name}_i64", function, ints(2)[0])


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("py_truediv_f64", operator.truediv), ("py_floordiv_f64", operator.floordiv), ("py_mod_f64", operator.mod),
        ("py_pow_f64", operator.pow), ("py_math_pow", math.pow), ("py_max_f64", max), ("py_min_f64", min),
    ],
)  # fmt: skip
def test_python_floats(run: Run, name: str, function: Callable[..., Any]) -> None:
    def more(a: float, b: float) -> bool:
        return name == "py_math_pow" and a == 0.0 and b == -math.inf

    check_python(run, name, function, *floats(3), may_fail_more=more)


@pytest.mark.parametrize(
    ("name", "function"), [("int", int), ("floor", math.floor), ("ceil", math.ceil), ("round", round)]
)
def test_python_floats_to_int(run: Run, name: str, function: Callable[..., Any]) -> None:
    check_python(
        run,
        f"py_{name}_f64",
        function,
        [*floats(4)[0], 0.49999999999999994, 4503599627370497.5, 9.2e18, -9.3e18, -(2.0**63), 2.0**63],
    )


@pytest.mark.parametrize(
    "name", ["sin", "tan", "asin", "atanh", "exp", "sqrt", "cosh", "expm1", "log1p", "log", "log2", "log10"]
)
def test_math_functions(run: Run, name: str) -> None:
    check_python(run, f"math_{name}", getattr(math, name), [*floats(5)[0], 709.0, 710.0, -745.0, -746.0])


def complexes(seed: int, dtype: str) -> tuple[list[Any], list[Any]]:
    a, b = floats(seed)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(a))
    with np.errstate(all="ignore"):
        left, right = np.empty(len(a), dtype), np.empty(len(a), dtype)
        left.real, left.imag = a, np.array(b)[order]
        right.real, right.imag = b, np.array(a)[order[::-1]]
    return list(left), list(right)


@pytest.mark.parametrize(
    ("name", "function"),
    [("add", operator.add), ("sub", operator.sub), ("mul", operator.mul), ("div", operator.truediv)],
)
def test_python_complex(run: Run, name: str, function: Callable[..., Any]) -> None:
    left, right = complexes(6, "c16")
    check_python(run, f"py_{name}_c128", function, [complex(a) for a in left], [complex(b) for b in right])


def test_python_complex_abs(run: Run) -> None:
    check_python(run, "py_abs_c128", abs, [complex(a) for a in complexes(7, "c16")[0]])


def check_numpy(run: Run, name: str, function: Callable[..., Any], *operands: Any, flags: bool = True) -> None:
    """Same bits as NumPy on arrays, and a flag when, and only when, NumPy warns; each element by itself for the flags."""
    found, failed, _ = run(name, *operands)
    assert not failed.any()
    with np.errstate(all="ignore"):
        wanted = function(*operands)
    assert wanted.dtype == found.dtype
    assert same_bits(found, wanted), [
        (*(o[i] for o in operands), found[i], wanted[i])
        for i in range(len(found))
        if not same_bits(found[i : i + 1], wanted[i : i + 1])
    ][:5]
    for index in range(0, len(found) if flags else 0, 3):
        ones = [operand[index : index + 1] for operand in operands]
        with warnings.catch_warnings(record=True) as seen, np.errstate(all="warn"):
            warnings.simplefilter("always")
            function(*ones)
        assert bool(run(name, *ones)[2]) == bool(seen), (name, ones, [str(w.message) for w in seen])


@pytest.mark.parametrize("dtype", ["i8", "i4"])
@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("add", np.add), ("sub", np.subtract), ("mul", np.multiply), ("floordiv", np.floor_divide), ("mod", np.remainder),
        ("lshift", np.left_shift), ("rshift", np.right_shift), ("max", np.maximum), ("min", np.minimum),
    ],
)  # fmt: skip
def test_numpy_ints(run: Run, dtype: str, name: str, function: Callable[..., Any]) -> None:
    suffix = {"i8": "i64", "i4": "i32"}[dtype]
    check_numpy(run, f"np_{name}_{suffix}", function, *(np.array(values).astype(dtype) for values in ints(8)))


@pytest.mark.parametrize("dtype", ["i8", "i4"])
def test_numpy_integer_power(run: Run, dtype: str) -> None:
    name = {"i8": "np_pow_i64", "i4": "np_pow_i32"}[dtype]
    a, b = (np.array(values).astype(dtype) for values in ints(9))
    check_numpy(run, name, np.power, a[b >= 0], b[b >= 0])
    assert run(name, a[b < 0], b[b < 0])[1].all()


def test_numpy_ints_unary(run: Run) -> None:
    values = np.array(ints(10)[0])
    for name, function in (("neg", np.negative), ("abs", np.abs), ("sign", np.sign)):
        check_numpy(run, f"np_{name}_i64", function, values)
    check_numpy(run, "np_cast_i64_i32", lambda a: a.astype("i4"), values)


@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize(("name", "function"), [("floordiv", np.floor_divide), ("mod", np.remainder)])
def test_numpy_float_division(run: Run, dtype: str, name: str, function: Callable[..., Any]) -> None:
    suffix = {"f8": "f64", "f4": "f32"}[dtype]
    with np.errstate(all="ignore"):
        operands = [np.array(values).astype(dtype) for values in floats(11)]
    check_numpy(run, f"np_{name}_{suffix}", function, *operands)


@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize(
    ("name", "function"), [("maximum", np.maximum), ("minimum", np.minimum), ("fmax", np.fmax), ("fmin", np.fmin)]
)
def test_numpy_extrema(run: Run, dtype: str, name: str, function: Callable[..., Any]) -> None:
    suffix = {"f8": "f64", "f4": "f32"}[dtype]
    with np.errstate(all="ignore"):
        a, b = (np.array(values).astype(dtype) for values in floats(12))
    zeros = (
        (a == 0) & (b == 0) & (np.signbit(a) != np.signbit(b))
    )  # which zero wins depends on NumPy's vector width and the position
    check_numpy(run, f"np_{name}_{suffix}", function, a[~zeros], b[~zeros])


@pytest.mark.parametrize("dtype", ["f8", "f4"])
def test_numpy_sign_and_casts(run: Run, dtype: str) -> None:
    suffix = {"f8": "f64", "f4": "f32"}[dtype]
    edges = [
        2.0**63,
        -(2.0**63),
        2.0**31,
        -(2.0**31),
        2.0**31 - 1,
        -(2.0**31) - 1,
        2147483520.0,
        -2147483904.0,
        9.3e18,
        0.99,
        -0.99,
    ]
    with np.errstate(all="ignore"):
        values = np.array([*floats(13)[0], *edges]).astype(dtype)
    check_numpy(run, f"np_sign_{suffix}", np.sign, values)
    for target in ("i64", "i32"):
        check_numpy(
            run, f"np_cast_{suffix}_{target}", lambda a, to=target: a.astype({"i64": "i8", "i32": "i4"}[to]), values
        )


@pytest.mark.parametrize(
    ("name", "dtype", "function"),
    [("np_div_c128", "c16", operator.truediv), ("np_div_c64", "c8", operator.truediv), ("np_mul_c64", "c8", operator.mul)],
)
def test_numpy_complex_scalars(run: Run, name: str, dtype: str, function: Callable[..., Any]) -> None:
    left, right = complexes(14, dtype)
    with np.errstate(all="ignore"):
        wanted = np.array([function(a, b) for a, b in zip(left, right, strict=True)])
        found, _, _ = run(name, np.array(left), np.array(right))
        bad = [
            (a, b, f, w)
            for a, b, f, w in zip(left, right, found, wanted, strict=True)
            if not same_bits(np.array([f]), np.array([w]))
        ]
    assert wanted.dtype == dtype
    assert not bad, (len(bad), bad[:3])


@pytest.mark.parametrize(
    ("name", "function"), [("lt", operator.lt), ("le", operator.le), ("gt", operator.gt), ("ge", operator.ge)]
)
def test_quiet_comparisons(run: Run, name: str, function: Callable[..., Any]) -> None:
    a, b = floats(15)
    found, _, _ = run(name, a, b)
    assert found.tolist() == [int(function(x, y)) for x, y in zip(a, b, strict=True)]
    for x, y in zip(
        a[: len(SPECIAL) ** 2], b, strict=False
    ):  # one element at a time: a vectorised loop may raise the flag
        assert run(name, [x], [y])[2] & 1 == 0


def test_the_harness_can_fail(run: Run) -> None:
    with pytest.raises(AssertionError):
        check_python(run, "py_max_f64", min, *floats(3))
    with pytest.raises(AssertionError):
        check_numpy(run, "np_floordiv_f64", np.remainder, *(np.array(values) for values in floats(3)))


def test_sources_are_shipped() -> None:
    from setuptools_polyopt.codegen import support

    assert {path.name for path in Path(support.DIRECTORY).glob("*.[ch]")} == {*support.sources(), *support.headers()}
