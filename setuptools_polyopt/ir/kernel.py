"""Kernels: a region's loops together with what they are about.

`Kernel` is what the polyhedral stage and the code generators see. `Variant` adds how its inputs come out of Python objects and how its
outputs go back; `Region` is all variants of one run of statements.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal, TypeAlias

from setuptools_polyopt.diagnostics import NOWHERE, Span
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Expr
from setuptools_polyopt.ir.statements import Block


class Role(Enum):
    """What an array is to its kernel."""

    ARGUMENT = "argument"  # a caller's array, rank >= 1
    INPUT = "input"  # a scalar passed by value, rank 0, never written
    RESULT = "result"  # fresh, contents undefined at entry: an array allocated by the entry point, or a scalar output (rank 0)
    TEMPORARY = "temporary"  # contents undefined at entry, dead at exit


class Layout(Enum):
    """Strides of an argument that the kernel may rely on. Results and temporaries are C-contiguous unless FORTRAN."""

    C = "C"  # last axis has stride one (or extent <= 1); the others are free
    FORTRAN = "F"  # first axis has stride one (or extent <= 1); the others are free
    STRIDED = "strided"  # any strides that are multiples of the item size


@dataclass(frozen=True, slots=True)
class Array:
    """`extents` are int64 expressions over the kernel's parameters; rank 0 is a scalar variable."""

    name: str
    dtype: DType
    extents: tuple[Expr, ...]
    role: Role
    layout: Layout = Layout.C

    @property
    def rank(self) -> int:
        return len(self.extents)


@dataclass(frozen=True, slots=True)
class Param:
    """An integer that is constant during the kernel: an extent or an integer argument; always within [minimum, maximum]."""

    name: str
    minimum: int = 0
    maximum: int = 2**40


@dataclass(frozen=True, slots=True)
class Holds:
    """A condition over the parameters (and scalar inputs) that the guard checks."""

    condition: Expr
    text: str
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class NoOverlap:
    """Two arguments share no byte (one of them is written)."""

    first: str
    second: str


@dataclass(frozen=True, slots=True)
class OrderedStrides:
    """The argument's strides are positive and do not increase from first to last axis (axes of extent <= 1 aside), so that NumPy's results
    of layout "K" are C-contiguous and its reductions run in the order that the kernel uses."""

    array: str


@dataclass(frozen=True, slots=True)
class Contiguous:
    """The argument's axes from `axis` on are contiguous: the elements of each of its boxes over these axes lie one behind the other, in C
    order (axes of extent <= 1 aside; anything goes for an empty array)."""

    array: str
    axis: int


Assumption: TypeAlias = Holds | NoOverlap | OrderedStrides | Contiguous


@dataclass(frozen=True, slots=True)
class Kernel:
    """`context` are conditions over parameters known to hold (they are among the guard's)."""

    name: str
    params: tuple[Param, ...]
    arrays: tuple[Array, ...]
    body: Block
    assumptions: tuple[Assumption, ...] = ()
    span: Span = NOWHERE

    def array(self, name: str) -> Array:
        """The array of that name; KeyError if there is none."""
        for array in self.arrays:
            if array.name == name:
                return array
        raise KeyError(name)


class Box(Enum):
    """Which Python object holds a scalar."""

    PYTHON = "python"  # bool, int, float, complex
    NUMPY = "numpy"  # the NumPy scalar type of the dtype


Container: TypeAlias = Literal["ndarray", "list", "tuple"]


@dataclass(frozen=True, slots=True)
class ArrayInput:
    """An exact `numpy.ndarray`: `extents` name the parameter that each extent defines (the first time) or must equal, or a constant.

    container: or an exact list (or tuple) of Python numbers of exactly that type, or of lists of one length of them, and so on: its
    elements are copied into a C-contiguous array before the kernel runs, and what has changed is put back when it has succeeded.
    """

    array: str
    dtype: DType
    extents: tuple[str | int, ...]
    layout: Layout
    written: bool
    container: Container = "ndarray"


@dataclass(frozen=True, slots=True)
class ScalarInput:
    """A scalar of exactly this box and dtype, by value into the rank-0 INPUT array `array`; a Python integer may also (or only) define
    the parameter `param`."""

    box: Box
    dtype: DType
    array: str | None = None
    param: str | None = None


@dataclass(frozen=True, slots=True)
class ObjectInput:
    """An object that is only the root of attribute reads (`self`)."""


Constant: TypeAlias = bool | int | float | complex | str | None
"""A value that a guard can ask for."""


@dataclass(frozen=True, slots=True)
class MethodInput:
    """The last name of the path is a method: what the `def` of `function` ("pkg.mod:Grid.smooth") made, found in the object's class and not
    hidden by an attribute of the object. defaults: places in its `__defaults__` and what they have to be."""

    function: str
    defaults: tuple[tuple[int, Constant], ...] = ()


InputType: TypeAlias = ArrayInput | ScalarInput | ObjectInput | MethodInput


@dataclass(frozen=True, slots=True)
class Input:
    """A value that the region reads: the local name `root`, or an attribute of it (`self.grid.n` is root `self`, path `("grid", "n")`).
    A name of a module is spelled "pkg.mod:W"; a guard of kind "value" goes with it. stored: the attribute is set behind the region, which
    must run no code."""

    root: str
    path: tuple[str, ...]
    type: InputType
    stored: bool = False

    @property
    def text(self) -> str:
        return ".".join((self.root, *self.path))


@dataclass(frozen=True, slots=True)
class Output:
    """A name that the region binds, from the RESULT array (or scalar) `array`, or a constant `None` result (`array` is None).
    The name `return` stands for the function's value; several of them, in order, make a tuple when `tuple_` is set on the region.
    tag: of a "tagged" scalar, the RESULT that says which type it has (`operators/values.py` has the numbers). A "list" (of lists) holds
    Python's numbers, a "numpy-list" NumPy scalars; the tag of a list is an array that says which of its elements are floats as they are,
    the others being integers; length: the RESULT that says how many of its rows or elements are there, where that is fewer."""

    name: str
    array: str | None
    box: Literal["array", "python", "numpy", "tagged", "list", "numpy-list"]
    tag: str | None = None
    length: str | None = None


@dataclass(frozen=True, slots=True)
class Variant:
    """One combination of input types with its kernel."""

    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    kernel: Kernel


def lists_of(variant: Variant) -> frozenset[str]:
    """The arguments that are copies of lists."""
    kinds = (item.type for item in variant.inputs)
    return frozenset(kind.array for kind in kinds if isinstance(kind, ArrayInput) and kind.container != "ndarray")


def makes_lists(variant: Variant) -> bool:
    """Whether lists leave the region that were not there before."""
    return any(output.box in ("list", "numpy-list") for output in variant.outputs)


@dataclass(frozen=True, slots=True)
class GlobalGuard:
    """A module global or builtin that was resolved at build time: `name` is looked up as the function would, then `attributes`
    (`np.linalg.norm`: name `np`, attributes `("linalg", "norm")`). `expected` is its identity as a dotted path ("numpy.linalg.norm",
    "builtins.range", "math"), or `value` the exact constant (int, float, bool, complex, None, str).

    home: the project's module among whose names it is looked up, empty for the region's own. kind: of the project's own things, a
    "module" (`expected` is its name), a "value" (anything: it is an input of the region), a "function" (`expected` is "pkg.mod:f": what
    that very `def` made), or a "default" of such a function (`value`, at place `position` of `__defaults__`). A function or a constant
    may be a class's: `name` is the class, `attributes` the one name in it. A "class" is what `expected` ("pkg.mod:State x y", with the
    fields of a dataclass or a NamedTuple) says, its objects made in the way that `position` says (`polyopt_class_kind`)."""

    name: str
    attributes: tuple[str, ...]
    expected: str | None
    value: Constant = None
    home: str = ""
    kind: Literal["", "module", "function", "default", "value", "class"] = ""
    position: int = 0


def without_numpy(region: Region, variant: Variant) -> bool:
    """Whether nothing in the region is NumPy's: Python's own numbers never warn, so no floating-point flag matters."""
    guards = [guard.expected or "" for guard in region.globals]
    if any(path.split(".")[0] == "numpy" for path in guards) or any(output.box not in ("python", "list") for output in variant.outputs):
        return False
    for item in variant.inputs:
        match item.type:
            case ArrayInput(container="ndarray") | ScalarInput(box=Box.NUMPY):
                return False
            case _:
                pass
    return True


@dataclass(frozen=True, slots=True)
class Region:
    """A run of consecutive statements of one statement list.

    name: a C identifier, unique in the module, made from the function's qualified name. first_line/last_line: the statements' lines
    (decorators and comments between them included). `returns`: the last statement is a `return` (the output named `return` is
    its value; `returns_tuple` makes a tuple of all outputs so named). arguments: the local names that the call passes, in order. form:
    the statements that make the results, in `_polyopt_r`, what they are behind the region; empty where names simply take them.
    """

    name: str
    function: str
    span: Span
    arguments: tuple[str, ...]
    results: tuple[str, ...]
    returns: bool
    returns_tuple: bool
    globals: tuple[GlobalGuard, ...]
    variants: tuple[Variant, ...]
    form: str = ""
