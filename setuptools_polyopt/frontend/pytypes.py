"""Types of Python names outside of regions: what is expected, not what is certain.

Everything that follows from them is checked by a region's guard, so they may be guesses; only `Binding.definite` (the name is certainly
bound) must be right, because a region's call reads its inputs.

    def f(a: NDArray[np.float64], n: int)     ->   {"a": ArrayType(float64, 2), "n": ScalarType("python", int64)}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.operators.values import ScalarType, join


@dataclass(frozen=True, slots=True)
class ArrayType:
    """An exact ndarray; `units` are the axes whose extent is expected to be one (they stretch in broadcasting)."""

    dtype: DType
    rank: int
    units: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ListType:
    """An exact list of numbers, or of lists of one length of them (rank 2), and so on. box: Python's numbers or NumPy scalars. lengths: of
    tuples, which are only read, where they were always the same."""

    dtype: DType
    rank: int
    box: Literal["python", "numpy"] = "python"
    container: Literal["list", "tuple"] = "list"
    lengths: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class NoneType:
    """None."""


@dataclass(frozen=True, slots=True)
class ObjectType:
    """An object that attributes are read from; `name` of its class, as in "pkg.mod.Grid", empty where it is not known."""

    name: str = ""


@dataclass(frozen=True, slots=True)
class UnknownType:
    """Anything; `why` completes "the type of x is not known: ...", `line` is that of a statement that made it so."""

    why: str = ""
    line: int = 0


PyType: TypeAlias = ScalarType | ArrayType | ListType | NoneType | ObjectType | UnknownType


@dataclass(frozen=True, slots=True)
class Binding:
    """What a name (or `self.n`) is expected to be here, and whether it is certainly bound."""

    type: PyType
    definite: bool = True


Env: TypeAlias = Mapping[str, Binding]


def join_types(first: PyType, second: PyType) -> PyType:
    """The type of a name where two paths meet."""
    if first == second:
        return first
    if isinstance(first, ScalarType) and isinstance(second, ScalarType):
        joined = join(first, second)
        if joined is not None:
            return joined
    return UnknownType("it differs from path to path")


def join_envs(first: Env, second: Env) -> dict[str, Binding]:
    """Names bound on both paths stay definite."""
    result = {}
    for name in sorted(first.keys() | second.keys()):
        a, b = first.get(name), second.get(name)
        if a is None or b is None:
            one = a or b
            assert one is not None
            result[name] = Binding(one.type, False)
        else:
            result[name] = Binding(join_types(a.type, b.type), a.definite and b.definite)
    return result


def forget(env: Env, names: Iterable[str], definite: bool, why: str, line: int = 0) -> dict[str, Binding]:
    """The environment after `names` got values that nothing is known of; `definite`: they are certainly bound now."""
    result = dict(env)
    for name in names:
        old = result.get(name)
        result[name] = Binding(UnknownType(why, line), definite or (old is not None and old.definite))
    return result
