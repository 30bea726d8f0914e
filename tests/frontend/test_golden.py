"""Golden texts of the frontend: source -> printed kernels (`lower.test`), source -> reasons (`reasons.test`)."""

from __future__ import annotations

from pathlib import Path

import pytest
from golden_cases import Case, cases, check

from setuptools_polyopt.config import Settings
from setuptools_polyopt.frontend import analyse_module
from setuptools_polyopt.ir.kernel import GlobalGuard, ObjectInput, Region
from setuptools_polyopt.ir.printer import print_kernel
from setuptools_polyopt.ir.verifier import verify

HERE = Path(__file__).parent
HEAD = "import math\nimport numpy as np\nfrom numpy.typing import NDArray\n"
HEAD_LINES = HEAD.count("\n")


def show(region: Region) -> str:
    """A region's interface and the kernel of its first variant."""
    call = f"{region.name}({', '.join(region.arguments)})"
    results = ", ".join(region.results) + (" (tuple)" if region.returns_tuple else "")
    guards = ", ".join(guard(item) for item in region.globals)
    head = [
        f"region {call} -> {results or 'nothing'}, lines {region.span.line - HEAD_LINES}-{region.span.end_line - HEAD_LINES}",
        *(f"  global {guards}" for _ in range(bool(guards))),
        *(f"  variants {len(region.variants)}" for _ in range(len(region.variants) != 1)),
        *(f"  {item.text}: {item.type}" for item in region.variants[0].inputs if isinstance(item.type, ObjectInput)),
    ]
    return "\n".join(head) + "\n" + print_kernel(region.variants[0].kernel)


def guard(item: GlobalGuard) -> str:
    name = ".".join((item.name, *item.attributes))
    return f"{name} is {item.expected}" if item.expected is not None else f"{name} == {item.value!r}"


@pytest.mark.parametrize("case", cases(HERE / "lower.test"), ids=str)
def test_lower(case: Case, request: pytest.FixtureRequest) -> None:
    analysis = analyse_module(HEAD + case.source, "case.py", "case", None, Settings())
    for region in analysis.regions:
        for variant in region.variants:
            verify(variant.kernel)
    check(case, "\n".join(show(region) for region in analysis.regions), request.config.getoption("--update-golden"))


@pytest.mark.parametrize("case", cases(HERE / "reasons.test"), ids=str)
def test_reasons(case: Case, request: pytest.FixtureRequest) -> None:
    analysis = analyse_module(HEAD + case.source, "case.py", "case", None, Settings())
    lines = [f"regions: {len(analysis.regions)}"]
    for item in analysis.diagnostics:
        remedy = f" ({item.remedy})" if item.remedy else ""
        place = f"{item.span.line - HEAD_LINES}:{item.span.column + 1}"
        lines.append(f"{place}: {item.severity.value} [{item.kind}] {item.message}{remedy}")
    check(case, "\n".join(lines), request.config.getoption("--update-golden"))


def test_a_text_that_does_not_parse() -> None:
    analysis = analyse_module("def f(:\n", "bad.py", "bad", None, Settings())
    assert not analysis.regions
    assert [item.kind for item in analysis.diagnostics] == ["syntax"]
    assert analysis.diagnostics[0].span.line == 1
