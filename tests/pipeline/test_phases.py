"""What each phase prints (`polyopt compile --stop-after PHASE`), as golden cases, and what the whole pipeline promises."""

from __future__ import annotations

from pathlib import Path

import pytest
from golden_cases import Case, cases, check

import setuptools_polyopt.pipeline as pipeline
from setuptools_polyopt.config import Settings
from setuptools_polyopt.diagnostics import DEFECT, PolyoptError, Severity
from setuptools_polyopt.operators.facts import FACTS
from setuptools_polyopt.pipeline import PHASES, ModuleSource, compile_file, compile_package

CASES = cases(Path(__file__).with_name("phases.test"))
SOURCE = """
import numpy as np
from numpy.typing import NDArray


def heat(a: NDArray[np.float64], b: NDArray[np.float64], n: int):
    for i in range(1, n - 1):
        b[i] = a[i - 1] + a[i + 1]
"""


@pytest.mark.parametrize("case", CASES, ids=str)
def test_phase(case: Case, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    file = tmp_path / "mod.py"
    file.write_text(case.source)
    phase = case.name.split("-")[0]
    text = compile_file(file, None, Settings(), phase).replace(f'"{FACTS.signature()}"', '"<facts>"')
    check(case, text, request.config.getoption("--update-golden"))


def test_every_phase_has_a_case() -> None:
    assert {case.name.split("-")[0] for case in CASES} == set(PHASES)


def test_unknown_phase_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(PolyoptError, match="lower, fold"):
        compile_file(tmp_path / "x.py", None, Settings(), "shedule")


def test_unreadable_file_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("def f(:\n")
    with pytest.raises(PolyoptError, match=r"bad\.py: cannot be compiled"):
        compile_file(tmp_path / "bad.py", None, Settings())


def package(native: bool = True) -> pipeline.CompiledPackage:
    return compile_package("m._polyopt", [ModuleSource("m.k", "m/k.py", SOURCE)], None, Settings(), native)


def test_same_inputs_same_bytes() -> None:
    assert package() == package()


def test_without_a_compiler_nothing_is_rewritten_but_the_report_is_there() -> None:
    compiled = package(native=False)
    assert not compiled.modules
    assert not compiled.entry_sources
    assert not compiled.report.native
    assert [region.function for region in compiled.report.modules[0].regions] == ["heat"]


PLACES = (
    "pipeline.variant.kernel_source",
    "pipeline.translation_unit",
    "multiversion.version.guard_expression",
    "frontend.analysis.signatures",
)


@pytest.mark.parametrize("place", PLACES)
def test_a_defect_costs_one_region_not_the_build(monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    def broken(*_: object) -> None:
        raise KeyError("oops")

    monkeypatch.setattr(f"setuptools_polyopt.{place}", broken)
    compiled = package()
    assert not compiled.modules
    assert {diagnostic.kind for diagnostic in compiled.diagnostics} == {DEFECT}
    assert "stays Python" in compiled.diagnostics[0].message


def test_a_unit_that_the_compiler_refused_costs_its_region() -> None:
    modules = [ModuleSource("m.k", "m/k.py", SOURCE + "\n\n" + SOURCE[SOURCE.index("def") :].replace("heat", "cool"))]
    compiled = compile_package("m._polyopt", modules, None, Settings(), True, {"m_k_cool_0.c": "gcc's words"})
    assert list(compiled.kernel_sources) == ["m_k_heat_0.c"]
    (found,) = compiled.diagnostics
    assert (found.kind, found.severity, found.developer) == (DEFECT, Severity.WARNING, "gcc's words")


@pytest.mark.parametrize("place", ["cuda_source", "gpu_variant", "gpu_plans_source"])
def test_a_defect_in_the_gpu_variant_costs_nothing_else(monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    def broken(*_: object) -> None:
        raise KeyError("oops")

    modules = [ModuleSource("m.k", "m/k.py", SOURCE)]
    assert compile_package("m._polyopt", modules, None, Settings(targets=("cpu", "gpu")), True).gpu_sources
    monkeypatch.setattr(f"setuptools_polyopt.pipeline.{place}", broken)
    compiled = compile_package("m._polyopt", modules, None, Settings(targets=("cpu", "gpu")), True)
    alone = package()
    assert compiled.modules == alone.modules
    assert compiled.kernel_sources == alone.kernel_sources
    assert not compiled.gpu_sources
    assert {diagnostic.kind for diagnostic in compiled.diagnostics} == {DEFECT}
    assert "GPU variant" in compiled.diagnostics[0].message
