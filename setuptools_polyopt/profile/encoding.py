"""A profile as JSON values and back, strictly: what this version does not know is an error, not a guess.

Ranges are short strings ("4", "5..8"), so that an entry stays readable in a review. A wrong value is reported with the
path to it inside the file (`functions["m:f"].variants[0].calls`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from setuptools_polyopt.profile.cursor import Cursor
from setuptools_polyopt.profile.errors import ProfileError
from setuptools_polyopt.profile.schema import (
    ArrayProfile,
    FunctionProfile,
    Layout,
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

FORMAT = "polyopt-profile"
VERSION = 1
_HASH = re.compile(r"[0-9a-f]{32}")
_KEY = re.compile(r"[^:\s]+:[^:\s]+")
Json = dict[str, Any]


def encode(profile: Profile) -> Json:
    """The profile as JSON values."""
    functions = {key: _encode_function(entry) for key, entry in profile.functions.items()}
    return {"format": FORMAT, "version": VERSION, "functions": functions}


def _encode_function(entry: FunctionProfile) -> Json:
    return {
        "hash": entry.hash,
        "calls": entry.calls,
        "share": entry.share,
        "variants": [_encode_variant(variant) for variant in entry.variants],
    }


def _encode_variant(variant: Variant) -> Json:
    encoded: Json = {
        "calls": variant.calls,
        "share": variant.share,
        "arguments": {name: encode_value(value) for name, value in variant.arguments.items()},
    }
    if variant.attributes:
        encoded["attributes"] = {name: encode_value(value) for name, value in variant.attributes.items()}
    if variant.result is not None:
        encoded["result"] = encode_value(variant.result)
    relations = {"equal": variant.equal, "overlap": variant.overlap, "identical": variant.identical}
    return encoded | {name: [list(names) for names in pairs] for name, pairs in relations.items() if pairs}


def encode_value(value: ValueProfile) -> Json:
    """One value as a JSON object with its `kind`."""
    match value:
        case ArrayProfile():
            return {
                "kind": "array",
                "dtype": value.dtype,
                "extents": [_encode_range(extent) for extent in value.extents],
                "layouts": list(value.layouts),
                "writable": value.writable,
            }
        case ScalarProfile():
            found = {} if value.range is None else {"range": _encode_range(value.range)}
            return {"kind": "scalar", "type": value.type, **found}
        case ListProfile():
            element = None if value.element is None else encode_value(value.element)
            length = _encode_range(value.length)
            return {"kind": "list", "length": length, "element": element, "rectangular": value.rectangular}
        case TupleProfile():
            return {"kind": "tuple", "items": [encode_value(item) for item in value.items]}
        case NoneProfile():
            return {"kind": "none"}
        case StrProfile():
            return {"kind": "str", "values": None if value.values is None else list(value.values)}
        case OtherProfile():
            return {"kind": "other", "type": value.type}
        case MixedProfile():
            return {"kind": "mixed", "types": list(value.types)}


def _encode_range(value: Range) -> str:
    return str(value.minimum) if value.constant is not None else f"{value.minimum}..{value.maximum}"


def decode(data: object) -> Profile:
    """The profile that the JSON values say. Raises `ProfileError` at the first thing that is not as it should be."""
    at = Cursor("", data)
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise ProfileError(f'this is not a profile: "format" is not "{FORMAT}"')
    if data.get("version") != VERSION:
        raise ProfileError(
            f"the profile has format version {data.get('version')!r}, and this release reads version {VERSION}",
            remedy="install the release of setuptools-polyopt that wrote it, or take the profile again",
        )
    at.keys("format", "version", "functions")
    return Profile(at.get("functions").mapping(_decode_function, _KEY))


def _decode_function(at: Cursor) -> FunctionProfile:
    at.keys("hash", "calls", "share", "variants")
    return FunctionProfile(
        hash=at.get("hash").text(_HASH),
        calls=at.get("calls").count(),
        share=at.get("share").fraction(),
        variants=at.get("variants").items(_decode_variant),
    )


def _decode_variant(at: Cursor) -> Variant:
    at.keys("calls", "share", "arguments", optional=("attributes", "result", "equal", "overlap", "identical"))
    result = at.find("result")
    return Variant(
        calls=at.get("calls").count(),
        share=at.get("share").fraction(),
        arguments=at.get("arguments").mapping(_decode_value),
        attributes=at.find("attributes", {}).mapping(_decode_value),
        result=None if result.value is None else _decode_value(result),
        equal=at.find("equal", []).items(Cursor.names),
        overlap=at.find("overlap", []).items(_decode_pair),
        identical=at.find("identical", []).items(_decode_pair),
    )


def _decode_pair(at: Cursor) -> tuple[str, str]:
    match at.names():
        case (first, second):
            return first, second
        case _:
            raise at.wrong("two names")


def _decode_value(at: Cursor) -> ValueProfile:
    kind = at.get("kind").text()
    decoder = _DECODERS.get(kind)
    if decoder is None:
        raise at.get("kind").wrong("one of " + ", ".join(_DECODERS))
    return decoder(at)


def _decode_array(at: Cursor) -> ArrayProfile:
    at.keys("kind", "dtype", "extents", "layouts", "writable")
    return ArrayProfile(
        dtype=at.get("dtype").text(),
        extents=at.get("extents").items(Cursor.range),
        layouts=at.get("layouts").items(_decode_layout),
        writable=at.get("writable").flag(),
    )


def _decode_layout(at: Cursor) -> Layout:
    if at.value not in ("C", "F", "strided"):
        raise at.wrong('"C", "F" or "strided"')
    return at.value


def _decode_scalar(at: Cursor) -> ScalarProfile:
    at.keys("kind", "type", optional=("range",))
    found = at.find("range")
    return ScalarProfile(at.get("type").text(), None if found.value is None else found.range())


def _decode_list(at: Cursor) -> ListProfile:
    at.keys("kind", "length", "element", "rectangular")
    element = at.get("element")
    return ListProfile(
        length=at.get("length").range(),
        element=None if element.value is None else _decode_value(element),
        rectangular=at.get("rectangular").flag(),
    )


def _decode_tuple(at: Cursor) -> TupleProfile:
    at.keys("kind", "items")
    return TupleProfile(at.get("items").items(_decode_value))


def _decode_none(at: Cursor) -> NoneProfile:
    at.keys("kind")
    return NoneProfile()


def _decode_str(at: Cursor) -> StrProfile:
    at.keys("kind", "values")
    values = at.get("values")
    return StrProfile(None if values.value is None else values.names())


def _decode_other(at: Cursor) -> OtherProfile:
    at.keys("kind", "type")
    return OtherProfile(at.get("type").text())


def _decode_mixed(at: Cursor) -> MixedProfile:
    at.keys("kind", "types")
    return MixedProfile(at.get("types").names())


_DECODERS: Mapping[str, Callable[[Cursor], ValueProfile]] = {
    "array": _decode_array,
    "scalar": _decode_scalar,
    "list": _decode_list,
    "tuple": _decode_tuple,
    "none": _decode_none,
    "str": _decode_str,
    "other": _decode_other,
    "mixed": _decode_mixed,
}
