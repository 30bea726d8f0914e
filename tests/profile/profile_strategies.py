"""Hypothesis strategies for profiles: anything that the profiler could have written."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from setuptools_polyopt.profile.merging import mixed, strongest, variant_key
from setuptools_polyopt.profile.schema import (
    INTEGER_LIMIT,
    SHARES,
    ArrayProfile,
    FunctionProfile,
    ListProfile,
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

unhurried = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])

integers = st.one_of(st.integers(-3, 9), st.integers(-INTEGER_LIMIT, INTEGER_LIMIT))
ranges = st.tuples(integers, integers).map(lambda pair: Range(min(pair), max(pair)))
lengths = st.tuples(st.integers(0, 9), st.integers(0, 9)).map(lambda pair: Range(min(pair), max(pair)))
words = st.sampled_from(["same", "valid", "full", "C", "F", "a", "b", "c", "d", "e"])
layouts = st.sets(st.sampled_from(["C", "F", "strided"]), min_size=1).map(lambda found: tuple(sorted(found)))

arrays = st.builds(
    ArrayProfile,
    st.sampled_from(["float64", "float32", "complex128", "bool", ">f8"]),
    st.lists(lengths, max_size=3).map(tuple),
    layouts,
    st.booleans(),
)
scalars = st.one_of(
    st.builds(ScalarProfile, st.sampled_from(["int", "numpy.int64"]), ranges),
    st.builds(ScalarProfile, st.sampled_from(["float", "bool", "complex", "numpy.float64"])),
)
strings = st.builds(
    StrProfile, st.none() | st.sets(words, min_size=1, max_size=8).map(lambda found: tuple(sorted(found)))
)
others = st.builds(OtherProfile, st.sampled_from(["dict", "radar.Filter", "numpy.random._generator.Generator"]))
mixtures = st.sets(st.sampled_from(["int", "float", "list", "None", "str", "tuple[2]"]), min_size=2).map(mixed)
leaves = st.one_of(arrays, scalars, strings, others, mixtures, st.just(NoneProfile()))
values: st.SearchStrategy[ValueProfile] = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(ListProfile, lengths, st.none() | inner, st.booleans()),
        st.lists(inner, max_size=3).map(tuple).map(TupleProfile),
    ),
    max_leaves=4,
)

names = st.sampled_from(["a", "b", "n"])
pairs = st.sets(st.sampled_from([("a", "b"), ("a", "n"), ("b", "n")])).map(lambda found: tuple(sorted(found)))
symbols = ["a.0", "a.1", "b.0", "b.1", "n", "result.0"]


@st.composite
def partitions(draw: st.DrawFn) -> tuple[tuple[str, ...], ...]:
    """Classes of two or more of `symbols`, disjoint, sorted as the profiler sorts them."""
    classes: dict[int, list[str]] = {}
    for name in symbols:
        classes.setdefault(draw(st.integers(0, 3)), []).append(name)
    return tuple(sorted(tuple(found) for found in classes.values() if len(found) > 1))


variants = st.builds(
    Variant,
    calls=st.integers(1, 1000),
    share=st.sampled_from(SHARES),
    arguments=st.dictionaries(names, values, max_size=3),
    attributes=st.dictionaries(st.sampled_from(["self.n", "self.grid"]), values, max_size=2),
    result=st.none() | values,
    equal=partitions(),
    overlap=pairs,
    identical=pairs,
)


def functions(most: int = 4) -> st.SearchStrategy[FunctionProfile]:
    """Entries with at most `most` variants, all of different types, sorted, and with one hash (of one source)."""
    return st.builds(
        FunctionProfile,
        hash=st.just("0123456789abcdef" * 2),
        calls=st.integers(0, 10**6),
        share=st.sampled_from(SHARES),
        variants=st.lists(variants, max_size=most, unique_by=variant_key).map(strongest),
    )


keys = st.sampled_from(["radar.stap:weights", "radar.stap:Filter.apply", "kernels:outer.<locals>.inner"])


def profiles(most: int = 4) -> st.SearchStrategy[Profile]:
    """Whole profiles over a few keys, so that two of them speak of the same functions."""
    return st.dictionaries(keys, functions(most), max_size=3).map(Profile)
