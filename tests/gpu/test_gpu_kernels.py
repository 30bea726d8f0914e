"""Kernels of the polyhedral corpus on the stand-in: the values of the interpreter, bit for bit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import gpu_harness
import numpy as np
import pytest
import standin
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from polyhedral_kernels import CORPUS, F64, array, at, floats, inputs, kernel, loop, minus, number, plus, put, temporary
from random_loop_nests import kernels

from setuptools_polyopt.codegen.registers import keep_in_registers
from setuptools_polyopt.diagnostics import Unsupported
from setuptools_polyopt.ir.expressions import Call, Compare, Select
from setuptools_polyopt.ir.interpreter import run as interpret
from setuptools_polyopt.ir.kernel import Kernel, Role
from setuptools_polyopt.ir.printer import print_kernel
from setuptools_polyopt.ir.statements import Alloc

BOUNDED = {"softmax", "planes", "chain"}


def recurrence() -> Kernel:
    update = put(at("a", "i"), floats("mul", at("a", minus("i", 1)), at("a", "i")))
    return kernel("recurrence", "n", [array("a", "n")], loop("i", 1, "n", update))


def pascal() -> Kernel:
    """Sums of the neighbours above and to the left: parallel on diagonals alone."""
    update = put(at("a", "i", "j"), floats("add", at("a", minus("i", 1), "j"), at("a", "i", minus("j", 1))))
    return kernel("pascal", "n m", [array("a", "n", "m")], loop("i", 1, "n", loop("j", 1, "m", update)))


def check(before: Kernel, folder: Path, params: Mapping[str, int], fp: str = "strict") -> None:
    """The variant leaves what the interpreter leaves, in as many bits as `fp` asks for."""
    variant = gpu_harness.variant_of(before, fp)
    expected, found = inputs(before, params), inputs(before, params)
    outcome = interpret(before, expected, params)
    answer = gpu_harness.run(variant, folder, before, found, params)
    assert answer is not None, gpu_harness.NOTES
    if answer[0] or outcome.flags:
        assert any(not np.isfinite(value).all() for value in expected.values()) or answer[1]
        return
    for name, value in expected.items():
        if fp == "strict":
            assert np.asarray(found[name]).tobytes() == np.asarray(value).tobytes(), f"{name}\n{print_kernel(before)}"
        else:
            np.testing.assert_allclose(found[name], value, rtol=1e-14)


@pytest.mark.parametrize("name", list(CORPUS))
@pytest.mark.parametrize("size", [1, 6, 19])
def test_corpus(name: str, size: int, tmp_path: Path) -> None:
    before = CORPUS[name]()
    params = {param.name: 3 if param.name == "t" else size + position for position, param in enumerate(before.params)}
    check(before, tmp_path, params, "bounded" if name in BOUNDED else "strict")


def test_serial_kernels_are_refused() -> None:
    with pytest.raises(Unsupported, match="no loop has independent iterations"):
        gpu_harness.variant_of(recurrence())


@pytest.mark.parametrize(("make", "launches"), [(pascal, 12 + 17 - 3), (CORPUS["seidel2d"], 4 * 12 + 3 * 17 - 12)])
def test_wavefronts_are_launches(make: Callable[[], Kernel], launches: int, tmp_path: Path) -> None:
    before = make()
    params = {param.name: size for param, size in zip(before.params, (12, 17), strict=True)}
    check(before, tmp_path, params)
    assert standin.COUNTS["launches"] == launches


@pytest.mark.parametrize("name", sorted(BOUNDED))
def test_only_numpy_has_its_own_bits(name: str) -> None:
    with pytest.raises(Unsupported, match=r"NumPy's .*, which a GPU does not have"):
        gpu_harness.variant_of(CORPUS[name]())


FEW = settings(
    max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, phases=[Phase.explicit, Phase.generate]
)


@pytest.mark.slow
@FEW
@given(kernels(), st.integers(0, 4), st.integers(0, 4))
def test_random_kernels(tmp_path_factory: pytest.TempPathFactory, before: Kernel, n: int, m: int) -> None:
    try:
        check(replace(before, name="nest"), tmp_path_factory.mktemp("random"), {"n": n, "m": m})
    except Unsupported as refused:
        assert refused.diagnostic.kind == "no-gpu-form"  # noqa: PT017


def quotients() -> Kernel:
    target = put(at("o", "i"), floats("div", number(1.0), at("a", "i")), "S0")
    return kernel("quotients", "n", [array("a", "n"), array("o", "n", role=Role.RESULT)], loop("i", 0, "n", target))


@pytest.mark.parametrize(("value", "status", "flags"), [(2.0, 0, 8), (0.0, 0, 15), (np.inf, 0, 8), (np.nan, 1, 8)])
def test_flags_are_seen_in_results(value: float, status: int, flags: int, tmp_path: Path) -> None:
    before = quotients()
    arrays = {"a": np.array([1.0, value, 3.0])}
    assert gpu_harness.run(gpu_harness.variant_of(before), tmp_path, before, arrays, {"n": 3}) == (status, flags)
    if not status:
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(arrays["o"], 1.0 / arrays["a"])


def test_transfers_and_launches_are_what_the_kernel_needs(tmp_path: Path) -> None:
    before = CORPUS["jacobi2d"]()
    arrays = inputs(before, {"t": 4, "n": 10})
    gpu_harness.run(gpu_harness.variant_of(before), tmp_path, before, arrays, {"t": 4, "n": 10})
    assert standin.COUNTS["launches"] == 8
    assert standin.COUNTS["to device"] == 2 * 800
    assert standin.COUNTS["to host"] == 2 * 640 + 8  # the rows that are written, and the status


def test_a_kernel_of_a_scalar(tmp_path: Path) -> None:
    body = loop("i", 0, "n", put(at("o", "i"), floats("mul", at("a", "i"), at("c")), "S0"))
    last = put(at("last"), at("o", 0), "S1")
    arrays = [array("a", "n"), array("c", role=Role.INPUT), array("o", "n", role=Role.RESULT), array("last", role=Role.RESULT)]
    before = kernel("scaled", "n", arrays, body, last)
    values = {"a": np.arange(1.0, 5.0), "c": 2.5}
    assert gpu_harness.run(gpu_harness.variant_of(before), tmp_path, before, values, {"n": 4}) == (0, 8)
    np.testing.assert_array_equal(values["o"], np.arange(1.0, 5.0) * 2.5)
    assert values["last"] == 2.5
    assert plus(1, 2).dtype is not F64


def test_extents_that_only_a_stride_needs_are_passed(tmp_path: Path) -> None:
    """The middle extent of a result is in no loop and in no other subscript."""
    body = loop("i", 0, 1, loop("j", 0, "n", put(at("o", "j", 0, 1), at("a", "j"), "S0")))
    arrays = [array("a", "n"), array("o", "n", "m", "p", role=Role.RESULT)]
    before = kernel("sparse", "n m p", arrays, body)
    values = {"a": np.arange(1.0, 4.0), "o": np.zeros((3, 4, 5))}
    answer = gpu_harness.run(gpu_harness.variant_of(before), tmp_path, before, values, {"n": 3, "m": 4, "p": 5})
    assert answer is not None, gpu_harness.NOTES
    np.testing.assert_array_equal(values["o"][:, 0, 1], np.arange(1.0, 4.0))


def test_a_temporary_inside_the_loop_is_not_kept_around_it() -> None:
    update = put(at("t", 0), floats("add", at("t", 0), at("a", "i")), "S1")
    body = loop("i", 0, "n", Alloc("t"), put(at("t", 0), number(0.0), "S0"), update, put(at("a", "i"), at("t", 0), "S2"))
    before = kernel("inner", "n", [array("a", "n"), temporary("t", 2)], body)
    assert keep_in_registers(before, every=True) is before


@pytest.mark.parametrize("apart", [False, True])
def test_a_bounded_value_decides_nothing_in_a_later_launch_either(apart: bool) -> None:
    value = Call("numpy.exp", (at("x", "i"),), F64)
    test = Select(Compare("gt", at("y", minus(minus("n", 1), "i")), number(1.0)), number(0.0), at("x", "i"), F64)
    first, second = put(at("y", "i"), value, "S0"), put(at("z", "i"), test if apart else at("y", "i"), "S1")
    arrays = [array("x", "n"), array("z", "n", role=Role.RESULT), temporary("y", "n")]
    before = kernel("later", "n", arrays, loop("i", 0, "n", first), loop("i", 0, "n", second))
    if apart:
        with pytest.raises(Unsupported, match="would decide a test"):
            gpu_harness.variant_of(before, "bounded")
    else:
        assert gpu_harness.variant_of(before, "bounded").kernels
