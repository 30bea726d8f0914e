"""A profile as text for people: one block a function, hottest first."""

from __future__ import annotations

from collections.abc import Iterator

from setuptools_polyopt.profile.schema import (
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


def format_text(profile: Profile) -> str:
    """The whole profile, lines ending with a newline."""
    entries = sorted(profile.functions.items(), key=lambda item: (-item[1].share, item[0]))
    return "\n".join("".join(f"{line}\n" for line in _function(key, entry)) for key, entry in entries)


def _function(key: str, entry: FunctionProfile) -> Iterator[str]:
    yield f"{key}  {_calls(entry.calls)}, {share_text(entry.share)} of the time"
    for number, variant in enumerate(entry.variants, 1):
        if len(entry.variants) > 1:
            yield f"  variant {number}: {_calls(variant.calls)} looked at, {share_text(variant.share)} of the time"
        yield from _variant(variant)


def _variant(variant: Variant) -> Iterator[str]:
    for name, value in (*variant.arguments.items(), *variant.attributes.items()):
        yield f"    {name}: {value_text(value)}"
    if variant.result is not None:
        yield f"    -> {value_text(variant.result)}"
    for names in variant.equal:
        yield f"    equal: {' = '.join(names)}"
    for first, second in variant.overlap:
        yield f"    overlap: {first}, {second}"
    for first, second in variant.identical:
        yield f"    same object: {first}, {second}"


def value_text(value: ValueProfile) -> str:
    """One value in one line."""
    match value:
        case ArrayProfile():
            extents = " x ".join(map(range_text, value.extents)) or "()"
            notes = ["/".join(value.layouts)] + ([] if value.writable else ["read-only"])
            return f"{value.dtype} array {extents} ({', '.join(notes)})"
        case ScalarProfile():
            return value.type if value.range is None else f"{value.type} {range_text(value.range)}"
        case ListProfile():
            shape = "" if value.rectangular else "ragged "
            inner = "nothing" if value.element is None else value_text(value.element)
            return f"{shape}list of {range_text(value.length)} [{inner}]"
        case TupleProfile():
            return f"({', '.join(map(value_text, value.items))})"
        case NoneProfile():
            return "None"
        case StrProfile():
            return "str" if value.values is None else " or ".join(map(repr, value.values))
        case OtherProfile():
            return value.type
        case MixedProfile():
            return " or ".join(value.types)


def range_text(value: Range) -> str:
    """ "4" or "5..8"."""
    return str(value.minimum) if value.constant is not None else f"{value.minimum}..{value.maximum}"


def share_text(share: float) -> str:
    """A step of `SHARES` in words."""
    return f"{share:.1%} or more".replace(".0%", "%") if share else "under 0.1%"


def _calls(number: int) -> str:
    return "1 call" if number == 1 else f"{number} calls"
