"""Joining profiles: the order does not matter, and nothing that was seen is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from profile_strategies import profiles, unhurried, values

from setuptools_polyopt.profile.errors import ProfileError
from setuptools_polyopt.profile.merging import join, meet, merge, type_key
from setuptools_polyopt.profile.schema import (
    ArrayProfile,
    FunctionProfile,
    ListProfile,
    MixedProfile,
    NoneProfile,
    Profile,
    Range,
    ScalarProfile,
    StrProfile,
    TupleProfile,
    ValueProfile,
    Variant,
    coarse,
)

INT = ScalarProfile("int", Range(1, 3))
FLOAT = ScalarProfile("float")


@given(profiles(), profiles())
@unhurried
def test_merge_is_commutative(left: Profile, right: Profile) -> None:
    assert merge([left, right]) == merge([right, left])


@given(profiles(1), profiles(1), profiles(1))
@unhurried
def test_merge_is_associative_while_no_variant_is_dropped(a: Profile, b: Profile, c: Profile) -> None:
    assert merge([merge([a, b]), c]) == merge([a, merge([b, c])])


@given(profiles())
@unhurried
def test_one_profile_stays_as_it_is(profile: Profile) -> None:
    assert merge([profile]) == profile
    assert merge([Profile(), profile]) == profile


@given(values, values, values)
@unhurried
def test_join_of_values(a: ValueProfile, b: ValueProfile, c: ValueProfile) -> None:
    assert join(a, a) == a
    assert join(a, b) == join(b, a)
    assert join(join(a, b), c) == join(a, join(b, c))


@given(values, values)
@unhurried
def test_values_of_one_type_keep_it(a: ValueProfile, b: ValueProfile) -> None:
    if type_key(a) == type_key(b):
        assert type_key(join(a, b)) == type_key(a)


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (INT, ScalarProfile("int", Range(7, 9)), ScalarProfile("int", Range(1, 9))),
        (INT, FLOAT, MixedProfile(("float", "int"))),
        (NoneProfile(), INT, MixedProfile(("None", "int"))),
        (
            ArrayProfile("float64", (Range(3, 3),), ("C",), writable=True),
            ArrayProfile("float64", (Range(5, 5),), ("strided",), writable=False),
            ArrayProfile("float64", (Range(3, 5),), ("C", "strided"), writable=False),
        ),
        (
            ArrayProfile("float64", (Range(3, 3),)),
            ArrayProfile("float32", (Range(3, 3),)),
            MixedProfile(("ndarray[float32, 1]", "ndarray[float64, 1]")),
        ),
        (ListProfile(Range(0, 0)), ListProfile(Range(2, 2), INT), ListProfile(Range(0, 2), INT)),
        (
            ListProfile(Range(1, 1), FLOAT),
            ListProfile(Range(2, 2), INT),
            ListProfile(Range(1, 2), MixedProfile(("float", "int"))),
        ),
        (TupleProfile((INT,)), TupleProfile((INT, INT)), MixedProfile(("tuple[1]", "tuple[2]"))),
        (StrProfile(("a",)), StrProfile(("b",)), StrProfile(("a", "b"))),
        (StrProfile(tuple("abcde")), StrProfile(tuple("fghij")), StrProfile(None)),
        (MixedProfile(tuple("abcdefgh")), INT, MixedProfile(("...",))),
        (MixedProfile(("...",)), INT, MixedProfile(("...",))),
    ],
)
def test_join_examples(left: ValueProfile, right: ValueProfile, expected: ValueProfile) -> None:
    assert join(left, right) == expected
    assert join(right, left) == expected


def test_equalities_keep_what_held_on_both_sides() -> None:
    assert meet((("a.0", "b.0", "n"),), (("a.0", "n"), ("b.0", "m"))) == (("a.0", "n"),)
    assert meet((("a", "b"),), ()) == ()


def test_the_four_hottest_variants_stay() -> None:
    def entry(dtype: str, share: float, calls: int) -> Profile:
        variant = Variant(calls, share, {"a": ArrayProfile(dtype, ())})
        return Profile({"m:f": FunctionProfile("0" * 32, calls, share, (variant,))})

    parts = [entry("bool", 0.0, 9), entry("int8", 0.1, 1), entry("int16", 0.1, 2), entry("int32", 0.01, 1)]
    merged = merge([*parts, entry("int64", 0.01, 5), entry("int64", 0.0, 1)]).functions["m:f"]
    kept = [(variant.arguments["a"], variant.calls) for variant in merged.variants]
    assert [(value.dtype, calls) for value, calls in kept if isinstance(value, ArrayProfile)] == [
        ("int16", 2),
        ("int8", 1),
        ("int64", 6),
        ("int32", 1),
    ]
    assert merged.calls == 19


def test_profiles_of_different_sources_do_not_merge() -> None:
    old = Profile({"m:f": FunctionProfile("0" * 32, 1, 0.0)})
    new = Profile({"m:f": FunctionProfile("1" * 32, 1, 0.0)})
    with pytest.raises(ProfileError, match="different versions of m:f"):
        merge([old, new])


def test_shares_come_in_steps() -> None:
    assert [coarse(share) for share in (1.0, 0.1, 0.099, 0.01, 0.0099, 0.0)] == [0.1, 0.1, 0.01, 0.01, 0.0, 0.0]
