"""Tables of repeated calls: random loop nests leave the same bits with them, and the tables hold just what is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from polyhedral_kernels import array, assert_same, at, floats, kernel, loop, number, plus, put
from random_loop_nests import kernels

from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Call, Cast, Expr, Sym
from setuptools_polyopt.ir.kernel import Kernel
from setuptools_polyopt.ir.printer import print_kernel
from setuptools_polyopt.ir.statements import Assign, Block, For, If, Stmt
from setuptools_polyopt.ir.verifier import verify
from setuptools_polyopt.polyhedral import Options, optimise
from setuptools_polyopt.polyhedral.hoist import hoist

F64 = DType.FLOAT64


def cosine(*names: str) -> Expr:
    """The cosine of a combination of iterators, checked as `math.cos` is."""
    total: Expr = number(0.25)
    for factor, name in enumerate(names, 1):
        total = floats("add", floats("mul", total, number(factor)), Cast(Sym(name), F64))
    return Call("libm.cos", (total,), F64, checked=True)


def with_calls(body: Block, loops: tuple[str, ...], draw: st.DrawFn, numbers: Iterator[int]) -> Block:
    """The block with calls of random iterators added to random right-hand sides."""
    result: list[Stmt] = []
    for item in body:
        match item:
            case For():
                result.append(replace(item, body=with_calls(item.body, (*loops, item.var), draw, numbers)))
            case If():
                then, orelse = (with_calls(part, loops, draw, numbers) for part in (item.body, item.orelse))
                result.append(replace(item, body=then, orelse=orelse))
            case Assign(value=value):
                first, second = (draw(st.lists(st.sampled_from(loops), unique=True, max_size=2)) if loops else [] for _ in range(2))
                product = floats("mul", cosine(*first), cosine(*second)) if draw(st.booleans()) else cosine(*first)
                added = floats("add", value, product) if value.dtype is F64 else value
                result.append(replace(item, value=added, label=f"S{next(numbers)}"))
            case _:
                result.append(item)
    return tuple(result)


@st.composite
def calling_kernels(draw: st.DrawFn) -> Kernel:
    """Random loop nests with repeated calls."""
    found = draw(kernels())
    return replace(found, body=with_calls(found.body, (), draw, count()))


@settings(
    max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, phases=[Phase.explicit, Phase.generate]
)
@given(calling_kernels(), st.integers(0, 4), st.integers(0, 4))
def test_random_kernels_keep_their_meaning(before: Kernel, n: int, m: int) -> None:
    verify(before)
    hoisted = hoist(before)
    verify(hoisted)
    try:
        for options in (Options(reorder=False), Options()):
            assert_same(before, optimise(hoisted, options).kernel, {"n": n, "m": m})
    except (AssertionError, IndexError) as error:
        raise AssertionError(f"{error}\n{print_kernel(before)}\n{print_kernel(hoisted)}") from error


def tables(found: Kernel) -> list[int]:
    """Ranks of a kernel's tables."""
    return [item.rank for item in found.arrays if item.name.startswith("table")]


def summed(value: Expr, *loops: For) -> Kernel:
    """`s[i] = s[i] + value` in loops."""
    body: Stmt = put(at("s", "i"), floats("add", at("s", "i"), value), "S0")
    for header in reversed(loops):
        body = replace(header, body=(body,))
    return kernel("sums", "n m", [array("s", "n")], body)


def test_a_triangle_is_no_box() -> None:
    """`j` from 0 to `i`: the table has the elements of the largest `i` only, whatever the loop around asks for."""
    found = hoist(summed(cosine("j"), loop("i", 0, "n"), loop("j", 0, "i")))
    assert tables(found) == [1]
    assert "for j in 0..n - 1" in print_kernel(found)


def test_a_table_is_no_operand_of_another_one() -> None:
    before = summed(floats("mul", cosine("i"), cosine("j")), loop("i", 0, "n"), loop("j", 0, "m"))
    found = hoist(before)
    assert tables(found) == [0, 1]
    for options in (Options(reorder=False), Options()):
        assert_same(before, optimise(found, options).kernel, {"n": 3, "m": 4})


def test_nothing_is_repeated() -> None:
    before = summed(cosine("i", "j"), loop("i", 0, "n"), loop("j", 0, "m"))
    assert hoist(before) is before


def test_iterations_with_holes_have_no_table() -> None:
    before = summed(cosine("j"), loop("i", 0, "n"), loop("j", 0, "m", step=2))
    assert hoist(before) is before


def test_what_a_loop_around_decides_is_inside_of_it() -> None:
    found = hoist(summed(cosine("i", "j"), loop("i", 0, "n"), loop("k", 0, "m"), loop("j", 0, plus("i", 1))))
    assert tables(found) == [1]
    assert isinstance(found.body[0], For)
    assert found.body[0].var == "i"
