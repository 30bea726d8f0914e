"""Short rows that are taken as long ones: which of the axes of contiguous arrays become one."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import build_example
import pytest

PROBE = """
#include "polyopt_entry.h"
__attribute__((visibility("default"))) int probe(int64_t *extents, int64_t *steps, int rank)
{
    return polyopt_merge(extents, steps, rank, 1.0);
}
"""
Merge = Callable[..., tuple[tuple[int, ...], tuple[int, ...]] | None]


@pytest.fixture(scope="module")
def merge(tmp_path_factory: pytest.TempPathFactory) -> Merge:
    """The extents and strides that the kernel sees in place of the given extents; None where it sees these."""
    folder = tmp_path_factory.mktemp("rows")
    (folder / "probe.c").write_text(PROBE)
    flags = [*build_example.COMMON, *build_example.ENTRY, *build_example.python_flags(), f"-I{build_example.SUPPORT}"]
    units = [str(folder / "probe.c"), *map(str, sorted(build_example.SUPPORT.glob("*.c")))]
    build_example.run(["gcc", *flags, "-shared", *units, "-o", str(folder / "probe.so")])
    library = ctypes.CDLL(str(folder / "probe.so"))

    def call(*shape: int) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
        extents, steps = ((ctypes.c_int64 * len(shape))(*shape) for _ in range(2))
        return (tuple(extents), tuple(steps)) if library.probe(extents, steps, len(shape)) else None

    return call


@pytest.mark.parametrize(
    ("shape", "merged"),
    [
        ((30, 30), (1, 900)),  # all that there is
        ((1000, 10), (8, 1250)),
        ((56, 56, 8), (14, 1, 1792)),  # a part of the first axis and all of the second one
        ((64, 3, 5, 7), (4, 1, 1, 1680)),
        ((5000, 300), (1250, 1200)),
        ((4099, 3), (1, 12297)),  # nothing divides a prime number of rows
        ((4099, 100), None),
        ((100, 600), None),  # long enough
        ((1, 40), None),
        ((0, 4), None),
    ],
)
def test_rows_together(merge: Merge, shape: tuple[int, ...], merged: tuple[int, ...] | None) -> None:
    found = merge(*shape)
    if merged is None:
        assert found is None
    else:
        assert found is not None
        assert found == (merged, (merged[-1],) * (len(merged) - 1) + (1,))
