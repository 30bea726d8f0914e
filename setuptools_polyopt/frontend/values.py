"""What a Python expression is worth while a region is lowered.

A scalar is an IR expression with its Python type; an array is a *view*: a storage array of the kernel together with an index map, so
slices, rows, transposes and aliases of names cost nothing and writes through them reach the right elements.

    b = a[1:-1, 0]     ->   ArrayValue(storage "a", dims (1 + view index 0, constant 0), extents (n - 2,))
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from setuptools_polyopt.diagnostics import Diagnostic
from setuptools_polyopt.frontend.affine import Affine, affine
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Const, Expr, Load, Select, Unary, integer
from setuptools_polyopt.ir.kernel import GlobalGuard
from setuptools_polyopt.operators.values import PYTHON_TAGS, TAG, ScalarType

if TYPE_CHECKING:
    from setuptools_polyopt.frontend.context import Context
    from setuptools_polyopt.frontend.project import Definition


@dataclass(frozen=True, slots=True)
class ScalarValue:
    """A number. `expr` reads it here and now; `storage` is the scalar variable that holds it already, if any.

    `narrow`: on some paths the Python value is an exact constant of a narrower type (`s = 0` before `s += a[i]`); only arithmetic with an
    operand of the full type is the same for both. pending: then it is only so if some loop has not run.
    """

    type: ScalarType
    expr: Expr
    storage: str | None = None
    narrow: bool = False
    pending: PendingValue | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Dim:
    """A subscript of a storage array: `offset + step * (view index on the axis)`, summed over the terms (axis, step).

    One term as a rule; none where the view has one index here, several where an axis was split (`a.reshape(n // 2, 2)`).
    """

    offset: Expr
    terms: tuple[tuple[int, int], ...] = ()

    def at(self, indices: Sequence[Expr]) -> Expr:
        """The subscript for a full index of the view."""
        if self.offset == integer(0) and len(self.terms) == 1 and self.terms[0][1] == 1:
            return indices[self.terms[0][0]]
        result = self.offset
        for axis, step in self.terms:
            result = _sum(result, indices[axis], step)
        return result

    def along(self, axis: int, start: Expr, step: int) -> Dim:
        """The subscript where the index on the axis is `start + step * index` (just `start` for a step of zero)."""
        own = sum(factor for other, factor in self.terms if other == axis)
        if not own:
            return self
        terms = tuple((other, factor * (step if other == axis else 1)) for other, factor in self.terms)
        return Dim(_sum(self.offset, start, own), tuple(term for term in terms if term[1]))

    def mapped(self, axes: Callable[[int], Iterable[tuple[int, int]]]) -> Dim:
        """The subscript of a view whose axes are others: what an old axis consists of, as (new axis, step on it)."""
        return Dim(self.offset, tuple((new, step * factor) for axis, step in self.terms for new, factor in axes(axis)))

    def step(self, axis: int) -> int:
        """How far the subscript moves with the index on an axis."""
        return sum(step for other, step in self.terms if other == axis)


def _sum(base: Expr, index: Expr, step: int) -> Expr:
    """`base + step * index` in linear form where it has one."""
    offset, form = affine(base), affine(index)
    if offset is not None and form is not None:
        return (form * step + offset).expr()
    scaled = index if step == 1 else Binary("mul", index, integer(step), DType.INT64)
    if base == integer(0):
        return scaled
    return Binary("add", scaled, base, DType.INT64)


@dataclass(frozen=True, slots=True)
class Order:
    """The strides are those of a C-contiguous array (or a slice of one), given that the arguments `needs` have ordered strides.

    axes: the axes from the largest stride to the smallest where these are not in C order. mirrored: some strides are negative.
    """

    needs: frozenset[str] = frozenset()
    axes: tuple[int, ...] = ()
    mirrored: bool = False

    @property
    def plain(self) -> bool:
        """Whether the elements lie in memory in the order of their indices."""
        return not self.axes and not self.mirrored

    def with_axes(self, rank: int, change: Callable[[Sequence[int]], Iterable[int]]) -> Order:
        """The order of a view whose axes, from the largest stride on, are what `change` makes of the present ones."""
        axes = tuple(change(self.axes or range(rank)))
        return replace(self, axes=() if list(axes) == sorted(axes) else axes)


C_ORDER = Order()
"""Of an array that the region itself makes."""


@dataclass(frozen=True, slots=True)
class ArrayValue:
    """A view of rank >= 1.

    order: None where the memory order is not known to be C (a transposed argument, for example). fresh: the object itself is new and
    owns its memory, so it may become a result. whole: every index of the view is one of the storage, so that a bound on either is a
    bound on both. part: "real" or "imag" of a complex storage; `dtype` is that of the part. writable: False for what NumPy makes a
    read-only view.
    """

    storage: str
    dtype: DType
    dims: tuple[Dim, ...]
    extents: tuple[Expr, ...]
    order: Order | None = C_ORDER
    fresh: bool = False
    whole: bool = False
    part: Literal["", "real", "imag"] = ""
    writable: bool = True

    @property
    def rank(self) -> int:
        return len(self.extents)

    @property
    def plain(self) -> bool:
        """Whether the subscripts of the storage are those of the view."""
        return not self.part and self.dims == tuple(Dim(integer(0), ((axis, 1),)) for axis in range(self.rank))

    def load(self, indices: tuple[Expr, ...]) -> Load:
        """The element at a full index of the view, of the storage's dtype: of a part the whole number."""
        dtype = _COMPLEX[self.dtype] if self.part else self.dtype
        return Load(self.storage, tuple(dim.at(indices) for dim in self.dims), dtype)

    def read(self, indices: tuple[Expr, ...]) -> Expr:
        """The value of the element at a full index of the view."""
        load = self.load(indices)
        return Unary(self.part, load, self.dtype) if self.part else load

    def derived(self, dims: tuple[Dim, ...], extents: tuple[Expr, ...], order: Order | None, whole: bool) -> ArrayValue:
        """Another view of the same elements."""
        return replace(self, dims=dims, extents=extents, order=order, whole=whole, fresh=False)


_COMPLEX = {DType.FLOAT32: DType.COMPLEX64, DType.FLOAT64: DType.COMPLEX128}


@dataclass(frozen=True, slots=True)
class ListValue:
    """A list of numbers, or of lists of one length: its elements are those of `view`, and rows of it are lists that share them. box: what
    the elements are; frozen: it is a tuple. Whoever does not know lists refuses them, because next to nothing means the same for arrays.

    origin: of a new list of integer constants, what has made it, in case that floats are stored into it. floats: then the storage that
    says which elements are floats by now; the others are integers.
    """

    view: ArrayValue
    box: Literal["python", "numpy"] = "python"
    frozen: bool = False
    origin: int = field(default=0, compare=False)
    floats: str = ""

    @property
    def rank(self) -> int:
        return self.view.rank

    @property
    def element(self) -> ScalarType:
        """The type of the numbers in it."""
        return ScalarType(self.box, self.view.dtype)

    def row(self, view: ArrayValue) -> ListValue:
        """A list in it, or another one like it."""
        return replace(self, view=view)

    def read(self, view: ArrayValue, indices: tuple[Expr, ...]) -> ScalarValue:
        """An element; `view` is that of the list, or of a row of it."""
        if not self.floats:
            return ScalarValue(self.element, view.read(indices))
        is_float = self.flags(view).read(indices)
        tag = Select(is_float, Const(PYTHON_TAGS[view.dtype], TAG), Const(PYTHON_TAGS[DType.INT64], TAG), TAG)
        return ScalarValue(replace(self.element, tag=tag), view.read(indices), None, True)

    def flags(self, view: ArrayValue) -> ArrayValue:
        """Which elements of the list, or of a row of it, are floats."""
        return replace(view, storage=self.floats, dtype=DType.BOOL)


@dataclass(frozen=True, slots=True)
class EmptyValue:
    """`[]`; number: which one of those that the region makes; place: the block of statements that makes it (`State.places`)."""

    number: int
    place: int


@dataclass(frozen=True, slots=True)
class GrowingValue:
    """An empty list to which a loop appends once an iteration. count: how often; number: of the iteration, by the name of its variable;
    depth: loops around that loop; known: arrays that were there before it; serial: of the empty list; counter: of the appends, where not
    every iteration makes one; direct: the calls that stand in the loop's own body."""

    count: Affine
    number: Callable[[str], Affine]
    depth: int
    known: frozenset[str]
    serial: int = 0
    counter: Load | None = None
    direct: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class TupleKind:
    """The class of a named tuple or a record: its path ("pkg.mod.State"), its fields, and how the region's own function spells it ("": not
    at all)."""

    path: str
    fields: tuple[str, ...]
    spelt: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class TupleValue:
    """A tuple, such as a shape; kind: of a named one."""

    items: tuple[Value, ...]
    kind: TupleKind | None = None


@dataclass(frozen=True, slots=True)
class RecordValue:
    """An object of a class of the project that the region has made, and that nobody can tell from the values of its attributes."""

    items: tuple[Value, ...]
    kind: TupleKind


@dataclass(frozen=True, slots=True)
class PathValue:
    """A module, function or class that was resolved at build time: "numpy", "numpy.exp", "builtins.range"."""

    path: str


@dataclass(frozen=True, slots=True)
class FunctionValue:
    """A function of the project, about to be called. guard: that a name leads to it; scope: of the function around it, whose names it sees;
    receiver: its first argument, if it is a method; method: the input that stands for it then."""

    definition: Definition
    guard: GlobalGuard | None = None
    method: str = ""
    scope: Context | None = field(default=None, compare=False)
    receiver: Value | None = None


@dataclass(frozen=True, slots=True)
class NoneValue:
    """None (also numpy.newaxis)."""


@dataclass(frozen=True, slots=True)
class StringValue:
    """A string constant: a dtype's name, for example."""

    text: str


@dataclass(frozen=True, slots=True)
class ObjectValue:
    """Something that serves as the root of attributes: `self`, `self.grid`; `name` of its class, if that is known. The root of one that the
    region has made begins with "@"."""

    root: str
    path: tuple[str, ...] = ()
    name: str = ""

    @property
    def text(self) -> str:
        return ".".join((self.root, *self.path))

    @property
    def local(self) -> bool:
        """Whether the region has made it."""
        return self.root.startswith("@")

    def key(self, name: str) -> str:
        """An attribute's name in `State.heap`."""
        return f"{'' if self.local else '@'}{self.text}.{name}"


@dataclass(frozen=True, slots=True)
class MethodValue:
    """A method of an array or scalar, about to be called."""

    receiver: Value
    name: str


@dataclass(frozen=True, slots=True)
class PendingValue:
    """After a loop that may not run: `after` if all forms of `ran` are >= 0 (over parameters and the iterators of loops around), else
    `before` (None: not bound). lasting: running the loop again without these being >= 0 does not take `after` back."""

    before: Value | None
    after: Value
    ran: tuple[Affine, ...]
    reason: Diagnostic
    lasting: bool = True


@dataclass(frozen=True, slots=True)
class ConflictValue:
    """A name that has no single meaning here; reading it is what is not understood, with this reason."""

    reason: Diagnostic


Value: TypeAlias = (
    ScalarValue
    | ArrayValue
    | ListValue
    | EmptyValue
    | GrowingValue
    | TupleValue
    | RecordValue
    | PathValue
    | FunctionValue
    | NoneValue
    | StringValue
    | ObjectValue
    | MethodValue
    | PendingValue
    | ConflictValue
)
