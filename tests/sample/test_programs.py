"""The corpus in plain Python: each program runs, repeats, and where a short formula exists, is right."""

from __future__ import annotations

import ast
import copy
import importlib.util
import itertools

import numpy as np
import pytest

from benchmarks import run_programs
from benchmarks.equality import difference

NAMES = run_programs.names_of(["*"])


def load(name):
    spec = importlib.util.spec_from_file_location(name, run_programs.PROGRAMS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(params=NAMES)
def program(request):
    return load(request.param)


def run_small(name):
    """The arguments before, the arguments after, and the result of one small run."""
    module = load(name)
    before = module.initialize(module.SMALL)
    after = copy.deepcopy(before)
    return before, after, module.kernel(**after)


def test_corpus_is_large_enough():
    assert len(NAMES) >= 25


def test_same_run_twice(program):
    left, right = program.initialize(program.SMALL), program.initialize(program.SMALL)
    assert difference(left, right) is None
    results = program.kernel(**left), program.kernel(**right)
    assert difference(*results) is None
    assert difference(left, right) is None


def test_run_has_an_effect(program):
    before, after = program.initialize(program.SMALL), program.initialize(program.SMALL)
    result = program.kernel(**after)
    assert result is not None or difference(before, after) is not None


# name -> (what the program gives, what it should be), from the arguments before, after and the result
FORMULAS = {
    "gemm_expression": lambda b, a, r: (a["C"], b["alpha"] * b["A"] @ b["B"] + b["beta"] * b["C"]),
    "cholesky_dot": lambda b, a, r: (np.tril(a["A"]), np.linalg.cholesky(b["A"])),
    "floyd_warshall_broadcast": lambda b, a, r: (a["dist"], relaxed(b["dist"])),
    "conv_loops": lambda b, a, r: (r, windows(b["image"], b["stencil"])),
    "stockham_fft": lambda b, a, r: (r, np.fft.fft(b["x"])),
    "histogram": lambda b, a, r: (r, np.histogram(b["values"], b["bins"], (b["low"], b["high"]))[0]),
    "matmul_lists": lambda b, a, r: (np.array(r), np.array(b["a"]) @ np.array(b["b"])),
    "spmv": lambda b, a, r: (r, dense(b["rowptr"], b["cols"], b["values"], len(b["x"])) @ b["x"]),
    "spmv_loops": lambda b, a, r: (r, dense(b["indptr"], b["indices"], b["data"], len(b["x"])) @ b["x"]),
    "compute": lambda b, a, r: (r, np.minimum(np.maximum(b["array_1"], 2), 10) * 4 + b["array_2"] * 3 + 9),
    "go_fast": lambda b, a, r: (r, b["a"] + np.tanh(np.diag(b["a"])).sum()),
    "softmax": lambda b, a, r: (r.sum(axis=-1), np.ones(r.shape[:-1])),
    "life": lambda b, a, r: (r, life(b["board"], b["generations"])),
    "crc16": lambda b, a, r: (r, crc(b["data"])),
    "contour_integral": lambda b, a, r: (np.shape(r), (2, *b["y"].shape)),
    "black_scholes": lambda b, a, r: (r[0] - r[1], b["spot"] - b["strike"] * np.exp(-b["rate"] * b["years"])),
}


def relaxed(distance):
    """Shortest paths by repeated min-plus squaring, another algorithm than the programs'."""
    best = distance.copy()
    for _ in range(len(best)):
        best = np.minimum(best, (best[:, :, None] + best[None, :, :]).min(axis=1))
    return best


def windows(image, stencil):
    view = np.lib.stride_tricks.sliding_window_view(image, stencil.shape)
    return np.einsum("ijpq,pq->ij", view, stencil)


def dense(pointers, columns, values, width):
    matrix = np.zeros((len(pointers) - 1, width))
    for row in range(len(pointers) - 1):
        for k in range(int(pointers[row]), int(pointers[row + 1])):
            matrix[row, columns[k]] += values[k]
    return matrix


def life(board, generations):
    for _ in range(generations):
        shifts = [(i, j) for i, j in itertools.product((-1, 0, 1), repeat=2) if (i, j) != (0, 0)]
        count = sum(np.roll(board, shift, (0, 1)).astype(int) for shift in shifts)
        board = (count == 3) | (board & (count == 2))
    return board


def crc(data):
    """The same checksum by a table of 256 entries."""
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (0x8408 if value & 1 else 0)
        table.append(value)
    state = 0xFFFF
    for byte in data.tolist():
        state = state >> 8 ^ table[(state ^ byte) & 0xFF]
    state = ~state & 0xFFFF
    return (state << 8 | state >> 8) & 0xFFFF


@pytest.mark.parametrize("name", FORMULAS)
def test_against_a_formula(name):
    found, expected = FORMULAS[name](*run_small(name))
    np.testing.assert_allclose(found, expected, rtol=1e-6 if name == "softmax" else 1e-9, atol=1e-6)


def test_generated_package(tmp_path):
    project = run_programs.generate(["nbody", "savgol"], tmp_path)
    assert {path.name for path in (project / "src" / "corpus").iterdir()} == {"__init__.py", "nbody.py", "savgol.py"}
    tree = ast.parse((project / "tests" / "test_programs.py").read_text())
    assert "nbody" in ast.unparse(tree)


def test_plain_against_plain():
    outcome = run_programs.run("nbody", load("nbody"), load("nbody"), timed=False)
    assert (outcome.difference, outcome.share) == (None, 0.0)


def test_a_difference_is_found():
    wrong = load("gemm_expression")
    kernel = wrong.kernel

    def broken(**arguments):
        kernel(**arguments)
        arguments["C"][2, 3] = np.nextafter(arguments["C"][2, 3], 0.0)

    wrong.kernel = broken
    outcome = run_programs.run("gemm_expression", load("gemm_expression"), wrong, timed=False)
    assert "arguments.C[2, 3]" in outcome.difference
    assert "1 of 144" in outcome.difference


def test_optimised_share(tmp_path):
    plain, built = tmp_path / "plain.py", tmp_path / "built.py"
    plain.write_text(
        'def initialize(n):\n    return n\n\ndef kernel(a):\n    """Doc."""\n    b = a\n    c = b\n    return c\n'
    )
    built.write_text("    # polyopt: lines 6-7\n")
    assert run_programs.optimised_share(plain, built) == pytest.approx(2 / 3)
