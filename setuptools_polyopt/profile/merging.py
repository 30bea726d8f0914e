"""Profiles of several runs (workers, machines, test suites) joined into one, and the join of single facts.

The profiler aggregates with the same `join`, so one run and the merge of its halves agree. Joining is commutative, and
it is associative as long as no function has more than `MAX_VARIANTS` different variants: calls add up, ranges grow,
shares keep the larger one, equalities keep what held on both sides.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import reduce

from setuptools_polyopt.profile.errors import ProfileError
from setuptools_polyopt.profile.schema import (
    MAX_STRINGS,
    MAX_VARIANTS,
    ArrayProfile,
    FunctionProfile,
    ListProfile,
    MixedProfile,
    NoneProfile,
    OtherProfile,
    Profile,
    Range,
    ScalarProfile,
    StrProfile,
    TupleProfile,
    ValueProfile,
    Variant,
)

_MAX_MIXED = 8
_MANY = ("...",)
Classes = tuple[tuple[str, ...], ...]


def merge(profiles: Iterable[Profile]) -> Profile:
    """One profile that says what all of them say. Raises `ProfileError` where they speak of different sources."""
    return reduce(_merge_two, profiles, Profile())


def _merge_two(left: Profile, right: Profile) -> Profile:
    keys = sorted(left.functions.keys() | right.functions.keys())
    return Profile({key: _merge_entries(key, left.functions.get(key), right.functions.get(key)) for key in keys})


def _merge_entries(key: str, left: FunctionProfile | None, right: FunctionProfile | None) -> FunctionProfile:
    if left is None or right is None:
        only = left or right
        assert only is not None
        return only
    if left.hash != right.hash:
        raise ProfileError(f"the profiles were taken from different versions of {key}")
    return FunctionProfile(
        hash=left.hash,
        calls=left.calls + right.calls,
        share=max(left.share, right.share),
        variants=strongest(join_variants((*left.variants, *right.variants))),
    )


def join_variants(variants: Iterable[Variant]) -> list[Variant]:
    """The variants with those of the same types joined."""
    joined: dict[str, Variant] = {}
    for variant in variants:
        key = variant_key(variant)
        joined[key] = join_variant(joined[key], variant) if key in joined else variant
    return list(joined.values())


def strongest(variants: Iterable[Variant]) -> tuple[Variant, ...]:
    """At most `MAX_VARIANTS` of them, by falling share, then calls, then types (never by chance)."""
    ordered = sorted(variants, key=lambda variant: (-variant.share, -variant.calls, variant_key(variant)))
    return tuple(ordered[:MAX_VARIANTS])


def join_variant(left: Variant, right: Variant) -> Variant:
    """Two variants of the same `variant_key` as one."""
    return Variant(
        calls=left.calls + right.calls,
        share=max(left.share, right.share),
        arguments={name: join(value, right.arguments[name]) for name, value in left.arguments.items()},
        attributes={name: join(value, right.attributes[name]) for name, value in left.attributes.items()},
        result=_join_optional(left.result, right.result),
        equal=meet(left.equal, right.equal),
        overlap=tuple(sorted({*left.overlap, *right.overlap})),
        identical=tuple(sorted({*left.identical, *right.identical})),
    )


def meet(left: Classes, right: Classes) -> Classes:
    """The classes of names that are together on both sides."""
    common = (tuple(sorted(set(first) & set(second))) for first in left for second in right)
    return tuple(sorted(names for names in common if len(names) > 1))


def variant_key(variant: Variant) -> str:
    """The types of arguments and attributes: what makes a variant a variant."""
    named = [*sorted(variant.arguments.items()), *sorted(variant.attributes.items())]
    return ", ".join(f"{name}: {type_key(value)}" for name, value in named)


def type_key(value: ValueProfile) -> str:
    """The type of a value in words: dtype and rank of arrays, element types of containers; no extents, no values."""
    match value:
        case ArrayProfile():
            return f"ndarray[{value.dtype}, {value.rank}]"
        case ScalarProfile() | OtherProfile():
            return value.type
        case ListProfile():
            return f"list[{'' if value.element is None else type_key(value.element)}]"
        case TupleProfile():
            return f"tuple[{', '.join(map(type_key, value.items))}]"
        case NoneProfile():
            return "None"
        case StrProfile():
            return "str"
        case MixedProfile():
            return " | ".join(value.types)


def join(left: ValueProfile, right: ValueProfile) -> ValueProfile:
    """What is true of either value: `Mixed` where they are of different types."""
    match left, right:
        case (ArrayProfile(), ArrayProfile()) if (left.dtype, left.rank) == (right.dtype, right.rank):
            return _join_arrays(left, right)
        case (ScalarProfile(), ScalarProfile()) if left.type == right.type:
            return replace(left, range=_join_ranges(left.range, right.range))
        case (ListProfile(), ListProfile()):
            return ListProfile(
                left.length.join(right.length),
                _join_optional(left.element, right.element),
                left.rectangular and right.rectangular,
            )
        case (TupleProfile(), TupleProfile()) if len(left.items) == len(right.items):
            return TupleProfile(tuple(map(join, left.items, right.items)))
        case (StrProfile(), StrProfile()):
            return _join_strings(left, right)
        case (NoneProfile(), NoneProfile()):
            return left
        case (OtherProfile(), OtherProfile()) if left.type == right.type:
            return left
        case _:
            return mixed({*_names(left), *_names(right)})


def _join_arrays(left: ArrayProfile, right: ArrayProfile) -> ArrayProfile:
    return ArrayProfile(
        dtype=left.dtype,
        extents=tuple(map(Range.join, left.extents, right.extents)),
        layouts=tuple(sorted({*left.layouts, *right.layouts})),
        writable=left.writable and right.writable,
    )


def _join_strings(left: StrProfile, right: StrProfile) -> StrProfile:
    if left.values is None or right.values is None:
        return StrProfile(None)
    values = sorted({*left.values, *right.values})
    return StrProfile(tuple(values) if len(values) <= MAX_STRINGS else None)


def _join_ranges(left: Range | None, right: Range | None) -> Range | None:
    return None if left is None or right is None else left.join(right)


def _join_optional(left: ValueProfile | None, right: ValueProfile | None) -> ValueProfile | None:
    if left is None or right is None:
        return left or right
    return join(left, right)


def mixed(names: set[str]) -> MixedProfile:
    """Several types at one place; beyond a handful only the fact remains."""
    many = len(names) > _MAX_MIXED or not names.isdisjoint(_MANY)
    return MixedProfile(_MANY if many else tuple(sorted(names)))


def _names(value: ValueProfile) -> tuple[str, ...]:
    """Short names, one for each set of values that `join` keeps together."""
    match value:
        case MixedProfile():
            return value.types
        case ListProfile():
            return ("list",)
        case TupleProfile():
            return (f"tuple[{len(value.items)}]",)
        case _:
            return (type_key(value),)
