"""What a profile says: the types of `polyopt-profile.json`.

The profiler writes these facts and the build reads them, so this module is the contract between the two. All types are
frozen and hold raw facts about values that were seen; what follows from them (which variant to build, which extent to
specialise) is decided elsewhere. Nothing here imports NumPy: data types are spelled by their canonical name.

    Profile -> FunctionProfile per "pkg.mod:Class.method" -> up to four Variants -> ValueProfile per argument

Names inside a variant are spelled as in the function: `a` is an argument, `self.n` an attribute of one, `result` the
returned value. Extents are named `a.0`, `a.1` (also `self.grid.0`, `result.0`, and the lengths of rectangular lists).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Layout: TypeAlias = Literal["C", "F", "strided"]

MAX_VARIANTS = 4
"""Type variants that an entry keeps, those with the largest share of time."""

MAX_STRINGS = 8
"""Different values of a string that an entry keeps; past that it only says that it was a string."""

INTEGER_LIMIT = 2**64
"""Integers are recorded exactly below this magnitude and as this magnitude from it on."""

SHARES = (0.1, 0.01, 0.0)
"""The steps that a share of time is rounded down to: hot, warm, cold. Few, so that noise in the times rarely changes one."""


@dataclass(frozen=True, order=True)
class Range:
    """Integers seen, both ends included."""

    minimum: int
    maximum: int

    @property
    def constant(self) -> int | None:
        """The value, if only one was ever seen."""
        return self.minimum if self.minimum == self.maximum else None

    def join(self, other: Range) -> Range:
        """The smallest range that holds both."""
        return Range(min(self.minimum, other.minimum), max(self.maximum, other.maximum))


@dataclass(frozen=True)
class ArrayProfile:
    """A `numpy.ndarray` itself, no subclass.

    `dtype` is NumPy's canonical name ("float64", "complex64", "bool"); one in foreign byte order is spelled as
    `dtype.str` (">f8"). `extents` has one range per axis. `layouts` are all that were seen, sorted; what is contiguous
    both ways counts as "C". `writable`: in every call.
    """

    dtype: str
    extents: tuple[Range, ...]
    layouts: tuple[Layout, ...] = ("C",)
    writable: bool = True

    @property
    def rank(self) -> int:
        """The number of axes."""
        return len(self.extents)

    @property
    def layout(self) -> Layout:
        """The layout that every array seen had, "strided" where they differ."""
        return self.layouts[0] if len(self.layouts) == 1 else "strided"


@dataclass(frozen=True)
class ScalarProfile:
    """A number: `type` is "int", "float", "bool", "complex" or a NumPy scalar ("numpy.float64").

    `range` is known for integers (not for bool) and None for everything else.
    """

    type: str
    range: Range | None = None


@dataclass(frozen=True)
class ListProfile:
    """A `list` itself. `element` is None where it was always empty, and samples of the elements joined otherwise.

    `rectangular`: in every call, the lists that were looked at directly below this one had one length.
    """

    length: Range
    element: ValueProfile | None = None
    rectangular: bool = True


@dataclass(frozen=True)
class TupleProfile:
    """A `tuple` itself, item by item."""

    items: tuple[ValueProfile, ...]


@dataclass(frozen=True)
class NoneProfile:
    """None."""


@dataclass(frozen=True)
class StrProfile:
    """A `str`. `values` are all that were seen, sorted; None where they were many or long."""

    values: tuple[str, ...] | None = None


@dataclass(frozen=True)
class OtherProfile:
    """Anything else: `type` is "module.QualifiedName" ("dict" and other builtins without module)."""

    type: str


@dataclass(frozen=True)
class MixedProfile:
    """Values of several types at one place: elements of a list, results of calls. `types` are sorted short names."""

    types: tuple[str, ...]


ValueProfile: TypeAlias = (
    ArrayProfile | ScalarProfile | ListProfile | TupleProfile | NoneProfile | StrProfile | OtherProfile | MixedProfile
)


@dataclass(frozen=True)
class Variant:
    """The calls whose arguments and attributes had the same types.

    `calls` counts those that were looked at (hot functions are sampled), `share` is the coarse share of the time spent
    in profiled functions. `attributes` are those the function's code uses, keyed "self.n". `result` is None where no
    call was seen to return. `equal` holds classes of extents and integer arguments that agreed in every call, `overlap`
    and `identical` the pairs that shared memory or were one object in at least one call.
    """

    calls: int
    share: float
    arguments: Mapping[str, ValueProfile]
    attributes: Mapping[str, ValueProfile] = field(default_factory=dict)
    result: ValueProfile | None = None
    equal: tuple[tuple[str, ...], ...] = ()
    overlap: tuple[tuple[str, str], ...] = ()
    identical: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class FunctionProfile:
    """What was seen of one function; `hash` is `canonical.function_hash` of its syntax at that time.

    `calls` counts all calls, also those that raised. `variants` come by falling share, then calls.
    """

    hash: str
    calls: int
    share: float
    variants: tuple[Variant, ...] = ()


@dataclass(frozen=True)
class Profile:
    """A whole profile file. Keys are "pkg.mod:function", "pkg.mod:Class.method", "pkg.mod:outer.<locals>.inner"."""

    functions: Mapping[str, FunctionProfile] = field(default_factory=dict)


def coarse(share: float) -> float:
    """The largest of `SHARES` that is not above `share` (a fraction of one)."""
    return next(step for step in SHARES if share >= step or step == 0.0)
