"""What kind of function a dotted path is, which path a method stands for, and whether a call can be moved or dropped (purity).

Paths are canonical: the module that owns the function for users ("numpy.sum", "math.sin", "builtins.abs"), whatever it was imported as.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from setuptools_polyopt.operators import (
    builtin_functions,
    contractions,
    mathematics,
    numpy_functions,
    reductions,
    ufuncs,
)

FunctionKind: TypeAlias = Literal[
    "elementwise", "reduction", "creation", "contraction", "view", "query", "library"
]  # fmt: skip

CREATION = frozenset({
    "zeros", "ones", "empty", "full", "zeros_like", "ones_like", "empty_like", "full_like", "arange", "eye", "identity", "copy",
})  # fmt: skip
VIEWS = frozenset({
    "transpose", "permute_dims", "matrix_transpose", "swapaxes", "moveaxis", "rollaxis", "expand_dims", "squeeze", "atleast_1d",
    "atleast_2d", "atleast_3d", "broadcast_to", "diagonal", "flip", "fliplr", "flipud", "rot90", "reshape",
})  # fmt: skip
QUERIES = frozenset({"shape", "ndim", "size"})
LIBRARY_MODULES = ("numpy.fft.", "numpy.linalg.", "numpy.random.")
LIBRARY = frozenset({
    "sort", "argsort", "argmax", "argmin", "cumsum", "cumprod", "einsum", "tensordot", "outer", "var", "std", "median", "concatenate",
    "stack", "unique", "searchsorted", "interp", "convolve", "trace", "nonzero", "roll", "ravel",
})  # fmt: skip
# Calls whose result depends on, or changes, something besides the arguments.
IMPURE_MODULES = ("numpy.random.", "random.", "time.")

_METHODS = {
    **{name: f"numpy.{name}" for name in ("sum", "prod", "mean", "min", "max", "any", "all", "dot", "clip", "round", "copy")},
    **{name: f"numpy.{name}" for name in ("transpose", "swapaxes", "squeeze", "diagonal", "trace", "repeat")},
    **{name: f"numpy.{name}" for name in ("sort", "argsort", "argmax", "argmin", "cumsum", "cumprod", "var", "std", "ravel", "reshape")},
    "conj": "numpy.conjugate",
    "conjugate": "numpy.conjugate",
}
_ATTRIBUTES = {"real": "numpy.real", "imag": "numpy.imag", "T": "numpy.transpose"} | {
    name: f"numpy.{name}" for name in ("shape", "ndim", "size")
}


def kind(path: str) -> FunctionKind | None:
    """The kind of a function, None for one that is not known here (then nothing may be assumed about it)."""
    room, _, name = path.partition(".")
    if room == "math":
        return "elementwise" if name in mathematics.FUNCTIONS else None
    if room == "builtins":
        return "query" if name == "len" else "elementwise" if name in builtin_functions.FUNCTIONS else None
    if room != "numpy":
        return None
    return _numpy_kind(path, name)


def _numpy_kind(path: str, name: str) -> FunctionKind | None:
    if name in reductions.FUNCTIONS:
        return "reduction"
    if name in contractions.FUNCTIONS:
        return "contraction"
    if name in numpy_functions.FUNCTIONS or ufuncs.ALIASES.get(name, name) in ufuncs.SUPPORTED:
        return "elementwise"
    if name in CREATION:
        return "creation"
    if name in VIEWS:
        return "view"
    if name in QUERIES:
        return "query"
    return "library" if name in LIBRARY or path.startswith(LIBRARY_MODULES) else None


def method(name: str) -> str | None:
    """The function that an ndarray's method stands for (`a.sum()` is `numpy.sum(a)`), None for others. `sort` sorts in place, and
    `astype` and `fill` are the frontend's (their arguments are no operands)."""
    return None if name == "sort" else _METHODS.get(name)


def attribute(name: str) -> str | None:
    """The function that an attribute of an ndarray stands for (`a.T`, `a.real`, `a.shape`), None for others."""
    return _ATTRIBUTES.get(name)


def pure(path: str) -> bool:
    """Whether a call only depends on its arguments and changes nothing: known, and no random numbers."""
    return kind(path) is not None and not path.startswith(IMPURE_MODULES)
