"""The frontend's parts by themselves: index arithmetic, proofs, liveness, resolution, signatures, regions of a profiled module."""

from __future__ import annotations

import ast
import itertools
import random
from typing import Any

import pytest

from setuptools_polyopt.config import FunctionSettings, Settings
from setuptools_polyopt.diagnostics import DEFECT
from setuptools_polyopt.frontend import analyse_module, analysis
from setuptools_polyopt.frontend.affine import Affine, affine, number, symbol
from setuptools_polyopt.frontend.names import function_names
from setuptools_polyopt.frontend.prover import implies
from setuptools_polyopt.frontend.resolution import module_names
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Expr, Sym, integer
from setuptools_polyopt.ir.interpreter import evaluate
from setuptools_polyopt.ir.kernel import ArrayInput, Layout
from setuptools_polyopt.profile.canonical import definitions, function_hash
from setuptools_polyopt.profile.schema import (
    ArrayProfile,
    FunctionProfile,
    OtherProfile,
    Profile,
    Range,
    ScalarProfile,
    Variant,
)

NAMES = ("i", "j", "n")


def random_expr(rng: random.Random, depth: int) -> Expr:
    """An index expression over three symbols."""
    if not depth or rng.random() < 0.2:
        return Sym(rng.choice(NAMES)) if rng.random() < 0.6 else integer(rng.randint(-4, 4))
    op: Any = rng.choice(("add", "sub", "mul", "floordiv", "mod", "min", "max"))
    right = integer(rng.randint(1, 4)) if op in ("mul", "floordiv", "mod") else random_expr(rng, depth - 1)
    return Binary(op, random_expr(rng, depth - 1), right, DType.INT64)


@pytest.mark.parametrize("seed", range(60))
def test_linear_forms_keep_the_value(seed: int) -> None:
    rng = random.Random(seed)
    expr = random_expr(rng, 3)
    form = affine(expr)
    if form is None:
        return
    for _ in range(10):
        values = {name: rng.randint(-9, 9) for name in NAMES}
        assert evaluate(form.expr(), values) == evaluate(expr, values), f"seed {seed}"


@pytest.mark.parametrize("seed", range(150))
def test_proofs_hold_on_all_points(seed: int) -> None:
    rng = random.Random(seed)

    def form() -> Affine:
        total = number(rng.randint(-4, 4))
        for name in NAMES:
            total = total + symbol(name) * rng.randint(-2, 2)
        return total

    known, claim = [form() for _ in range(rng.randint(1, 4))], form()
    if implies(known, claim):
        for point in itertools.product(range(-7, 8), repeat=3):
            values = dict(zip(NAMES, point, strict=True))
            if all(evaluate(item.expr(), values) >= 0 for item in known):
                assert evaluate(claim.expr(), values) >= 0, f"seed {seed} at {values}"


def test_the_prover_finds_what_the_lowering_needs() -> None:
    i, n = symbol("i"), symbol("n")
    assert implies([i, n - i - 1], n - 1)
    assert not implies([i, n - i], n - 1)
    half = affine(Binary("floordiv", Sym("n"), integer(2), DType.INT64))
    assert half is not None
    assert implies([i, half - i - 1, n], n - i - 1)


def names_of(source: str) -> tuple[Any, ast.FunctionDef]:
    node = ast.parse(source).body[0]
    assert isinstance(node, ast.FunctionDef)
    return function_names(node), node


def test_liveness_goes_round_loops_and_out_of_them() -> None:
    names, node = names_of("def f(n):\n    t = 0\n    for i in range(n):\n        u = t\n        t = i\n    return u\n")
    start, loop, _ = node.body
    assert "t" in names.live[id(start)]
    assert {"t", "u"} <= names.live_in[id(loop)]
    assert "u" in names.live[id(loop)]
    assert "t" not in names.live[id(loop)]


def test_closures_spies_and_handlers_keep_names_alive() -> None:
    names, node = names_of("def f(n):\n    a = n\n    b = n\n    g = lambda: a\n    return g\n")
    assert "a" in names.live[id(node.body[2])]
    assert "b" not in names.live[id(node.body[1])]
    names, node = names_of("def f(n):\n    a = n\n    return locals()\n")
    assert "a" in names.live[id(node.body[0])]
    names, node = names_of("def f(n):\n    a = n\n    try:\n        n()\n        a = 2\n    except E:\n        return a\n    return 0\n")
    assert "a" in names.live[id(node.body[0])]


def test_resolution_of_module_names() -> None:
    module = module_names(
        ast.parse(
            "import numpy as np\nfrom math import sqrt as root\nimport os.path\nA = 2\nB = -A * 1.5\nC = 1\nC = 2\n"
            "if A:\n    D = 1\ndef g():\n    global E\n    E = 1\nE = 3\nrange = 5\n"
        )
    )
    assert module.path("np") == "numpy"
    assert module.path("root") == "math.sqrt"
    assert module.path("len") == "builtins.len"
    assert {name: module.constants.get(name) for name in "ABCDE"} == {"A": 2, "B": -3.0, "C": None, "D": None, "E": None}
    assert module.path("C") is None
    assert module.resolve("D") is None
    found = module.resolve("np", ("amax",))
    assert found is not None
    assert (found.path, found.guard.expected) == ("numpy.max", "numpy.amax")


def test_names_that_a_try_block_binds() -> None:
    module = module_names(
        ast.parse(
            "try:\n    import numpy as xp\n    from numpy import sin\n    K = 1\n"
            "except ImportError:\n    xp = None\n    from math import sin, cos\n"
            "else:\n    L = 2\ntry:\n    import numba\nexcept ImportError:\n    M = 3\nxp2 = 1\ntry:\n    xp2 = 2\nfinally:\n    pass\n"
        )
    )
    assert {name: module.path(name) for name in ("xp", "sin", "cos", "numba")} == {
        "xp": "numpy", "sin": "numpy.sin", "cos": None, "numba": "numba",
    }  # fmt: skip
    assert module.constants == {"K": 1, "L": 2}


def test_constants_of_operations() -> None:
    module = module_names(
        ast.parse("A = 1 << 5 | 3\nB = 2**10 // 3 % 7\nC = A & ~1\nD = 10**-2\nE = 2**64\n"
            "F = 2**9999999999\nG = 1 << -1\nH = 1.5 & 1\nI = E + 1")
    )
    assert module.constants == {"A": 35, "B": 5, "D": 0.01, "E": 2**64}


def test_constants_in_the_body_of_a_class() -> None:
    text = (
        "A = 1\nB = 2\nclass K:\n    A = A + 1\n    B = 5\n    C = B + 1\n"
        "    if A:\n        D = 3\n    E = 4\n    E = 5\n    F = E\n"
    )
    tree = ast.parse(text)
    node = tree.body[-1]
    assert isinstance(node, ast.ClassDef)
    assert module_names(tree).inside(node.body) == {"B": 5, "C": 6}


SOURCE = """
def f(a, n):
    for i in range(n):
        a[i] = a[i] + 1.0

class Grid:
    def fill(self, x):
        for i in range(self.n):
            self.data[i, 0] = x
"""


def array(rank: int, dtype: str = "float64", layout: Any = "C") -> ArrayProfile:
    return ArrayProfile(dtype, (Range(2, 9),) * rank, (layout,))


def profile_of(source: str, variants: dict[str, tuple[Variant, ...]]) -> Profile:
    nodes = dict(definitions(ast.parse(source)))
    return Profile({f"case:{name}": FunctionProfile(function_hash(nodes[name]), 1, 0.5, v) for name, v in variants.items()})


def test_a_variant_for_each_profiled_signature_and_layout() -> None:
    scalar = ScalarProfile("int", Range(1, 9))
    variants = (
        Variant(1, 0.5, {"a": array(1), "n": scalar}),
        Variant(1, 0.1, {"a": array(1, layout="strided"), "n": scalar}),
        Variant(1, 0.1, {"a": array(1, "complex64"), "n": scalar}),
    )
    analysis = analyse_module(SOURCE, "case.py", "case", profile_of(SOURCE, {"f": variants}), Settings())
    (region,) = (region for region in analysis.regions if region.function == "f")
    types = [variant.inputs[1].type for variant in region.variants]
    assert [(t.dtype, t.layout) for t in types if isinstance(t, ArrayInput)] == [
        (DType.FLOAT64, Layout.C),
        (DType.FLOAT64, Layout.STRIDED),
        (DType.COMPLEX64, Layout.C),
        (DType.COMPLEX64, Layout.STRIDED),
    ]
    assert len({variant.kernel.name for variant in region.variants}) == len(region.variants)


def test_fortran_layouts_of_the_profile_are_compiled() -> None:
    source = "def f(a):\n    n, m = a.shape\n    for i in range(n):\n        for j in range(m):\n            a[i, j] = 0.0\n"
    profile = profile_of(source, {"f": (Variant(1, 0.5, {"a": array(2, layout="F")}),)})
    (region,) = analyse_module(source, "case.py", "case", profile, Settings()).regions
    layouts = [variant.inputs[0].type.layout for variant in region.variants if isinstance(variant.inputs[0].type, ArrayInput)]
    assert layouts == [Layout.C, Layout.STRIDED, Layout.FORTRAN]


def test_attributes_come_from_the_profile() -> None:
    attributes = {"self.n": ScalarProfile("int", Range(3, 3)), "self.data": array(2)}
    variant = Variant(1, 0.5, {"self": OtherProfile("case.Grid"), "x": ScalarProfile("float")}, attributes)
    analysis = analyse_module(SOURCE, "case.py", "case", profile_of(SOURCE, {"Grid.fill": (variant,)}), Settings())
    (region,) = analysis.regions
    assert region.arguments == ("self", "x")
    assert [item.text for item in region.variants[0].inputs] == ["self.n", "x", "self.data"]


def test_a_stale_entry_is_reported_and_not_used() -> None:
    profile = profile_of(SOURCE.replace("1.0", "2.0"), {"f": (Variant(1, 0.5, {"a": array(1), "n": ScalarProfile("int", Range(1, 9))}),)})
    analysis = analyse_module(SOURCE, "case.py", "case", profile, Settings())
    assert not analysis.regions
    assert "stale-profile" in {item.kind for item in analysis.diagnostics}


def test_settings_exclude_functions_and_add_dtypes() -> None:
    head = "import numpy as np\nfrom numpy.typing import NDArray\n"
    source = f"{head}def f(a: NDArray[np.float64]):\n    for i in range(len(a)):\n        a[i] = 0.0\n"
    assert not analyse_module(source, "case.py", "case", None, Settings(exclude=("case:f",))).regions
    settings = Settings(functions={"case:f": FunctionSettings(also_dtypes=("float32",))})
    (region,) = analyse_module(source, "case.py", "case", None, settings).regions
    assert {item.type.dtype for v in region.variants for item in v.inputs if isinstance(item.type, ArrayInput)} == {
        DType.FLOAT64,
        DType.FLOAT32,
    }


MIXED = """
ROWS = [1, 2.5]
NESTED = [[0, 1.5], [2, 3.0]]
WEIGHTS = [0.5, 1.5]

def f(x: NDArray[np.float64]):
    for i in range(2):
        x[i] = WEIGHTS[i]
"""


def test_lists_of_integers_and_floats_at_the_top_level_are_no_defect() -> None:
    found = analyse_module("import numpy as np\nfrom numpy.typing import NDArray\n" + MIXED, "mod.py", "mod", None, Settings())
    assert len(found.regions) == 1
    assert not [item for item in found.diagnostics if item.kind == DEFECT]


def test_a_defect_in_a_module_level_value_costs_that_value_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(analysis, "expression_type", broken)
    text = "import numpy as np\nfrom numpy.typing import NDArray\n" + MIXED.replace("WEIGHTS[i]", "1.0")
    found = analyse_module(text, "mod.py", "mod", None, Settings())
    assert len(found.regions) == 1
    assert [item.kind for item in found.diagnostics] == [DEFECT] * 3
