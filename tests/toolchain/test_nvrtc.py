"""NVRTC without a GPU: found, used for several architectures, its output kept by content."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path

import pytest

from setuptools_polyopt import nvrtc
from setuptools_polyopt.toolchain import ToolchainError

SOURCE = """#include "polyopt_cuda.h"
POLYOPT_GLOBAL void twice(const int64_t n, double *x)
{
    for (int64_t i = POLYOPT_THREAD(x); i < n; i += POLYOPT_THREADS(x)) x[i] = polyopt_finite_f64(x[i] * 2.0 + 1.0);
}
"""


def headers() -> dict[str, str]:
    """The text that CUDA code includes."""
    support = resources.files("setuptools_polyopt.codegen") / "support"
    return {name: (support / name).read_text() for name in ("polyopt_cuda.h", "polyopt_math.h", "polyopt_ops.h")}


@pytest.fixture(scope="module")
def compiler() -> nvrtc.Nvrtc:
    found = nvrtc.find_nvrtc(os.environ)
    if isinstance(found, nvrtc.NoNvrtc):
        pytest.skip(found.reason)
    return found


def test_cubins_and_ptx(compiler: nvrtc.Nvrtc, tmp_path: Path) -> None:
    made = nvrtc.build_cubins(compiler, {"f.cu": SOURCE}, headers(), (), tmp_path)
    assert sorted(made) == ["f.compute_90.ptx", "f.sm_75.cubin", "f.sm_80.cubin", "f.sm_90.cubin"]
    assert all(content.startswith(b"\x7fELF") for name, content in made.items() if name.endswith(".cubin"))
    ptx = made["f.compute_90.ptx"].decode()
    assert ".visible .entry twice(" in ptx
    assert "fma." not in ptx  # products are rounded on their own
    assert made == nvrtc.build_cubins(compiler, {"f.cu": SOURCE}, headers(), (), tmp_path)


def test_unchanged_sources_come_from_the_cache(compiler: nvrtc.Nvrtc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = nvrtc.build_cubins(compiler, {"f.cu": SOURCE}, headers(), ("sm_80",), tmp_path)
    monkeypatch.setattr(nvrtc, "compile_cuda", None)
    assert nvrtc.build_cubins(compiler, {"f.cu": SOURCE}, headers(), ("sm_80",), tmp_path) == made


def test_messages(compiler: nvrtc.Nvrtc) -> None:
    with pytest.raises(ToolchainError, match=r"could not compile f.cu for sm_75:\n.*oops"):
        nvrtc.build_cubins(compiler, {"f.cu": "int f() { return oops; }"}, {}, ("sm_75",))
    with pytest.raises(ToolchainError, match="for none of sm_20"):
        nvrtc.build_cubins(compiler, {"f.cu": SOURCE}, headers(), ("sm_20",))


def test_a_source_at_fault_costs_no_other(compiler: nvrtc.Nvrtc) -> None:
    with pytest.raises(nvrtc.Refused, match="oops") as caught:
        nvrtc.build_cubins(compiler, {"f.cu": SOURCE, "g.cu": "int g() { return oops; }"}, headers(), ("sm_80",))
    assert sorted(caught.value.made) == ["f.compute_80.ptx", "f.sm_80.cubin"]
    assert list(caught.value.refused) == ["g.cu"]


def test_nothing_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvrtc.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(nvrtc.ctypes.util, "find_library", lambda name: None)
    assert nvrtc.find_nvrtc({}) == nvrtc.NoNvrtc("NVRTC was not found (the package nvidia-cuda-nvrtc-cu12 has it)")
