"""Tables of expressions against NumPy: each line becomes a function, is built, and called on arguments of many kinds.

    a: np.flip(a, 0) + 1.0          the parameters (kinds of arguments, see `ARGUMENTS`), then the expression

Everything that can be seen is compared (`fuzz_oracle`): types, bits, strides, sharing, exceptions, the arguments afterwards, and of the
built form warnings as well. Compiling a table takes long, so most tests run its kernels in the interpreter (`lowered`).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from built import Built, build, profile_of

sys.path[:0] = [str(Path(__file__).parent.parent / room) for room in ("fuzz", "frontend")]

from frontend_oracle import Rewritten  # noqa: E402
from fuzz_oracle import MODES, observe  # noqa: E402

TEMPLATE = """
def f{number}({parameters}):
    result = {expression}
    total = 0.0
    for k in range(2):
        if result is not None:
            total += 1.5 * k
    return result, total

"""


def _numbers(shape: tuple[int, ...], seed: int) -> Any:
    rng = np.random.default_rng(seed)
    return rng.standard_normal(shape) * np.exp(2 * rng.standard_normal(shape))


def _kinds(make: Callable[[tuple[int, ...], int], Any], shape: tuple[int, ...]) -> list[Any]:
    """Arrays of one rank: the usual one (which the profile sees), others of other extents and layouts, empty ones."""
    wide = tuple(2 * extent for extent in shape)
    found = [make(shape, 0), make(tuple(extent + 3 for extent in shape), 1), make(wide, 2)[(slice(None, None, 2),) * len(shape)]]
    found += [make(wide, 3)[(slice(None, None, -2),) * len(shape)], np.asfortranarray(make(shape, 4)), make((1,) * len(shape), 5)]
    long = ((300,), (40, 70), (9, 7, 20), (2, 3, 4, 140))[len(shape) - 1]
    found += [make((0, *shape[1:]), 6), make((*shape[:-1], 0), 7), make(long, 8), make((3, 3, 4)[: len(shape)], 9)]
    return found


def _integers(dtype: str) -> Callable[[tuple[int, ...], int], Any]:
    info = np.iinfo(dtype)
    return lambda shape, seed: np.random.default_rng(seed).integers(info.min, info.max, shape, dtype, endpoint=True)


def _complex(shape: tuple[int, ...], seed: int) -> Any:
    return _numbers(shape, seed) + 1j * _numbers(shape, seed + 20)


def _special(shape: tuple[int, ...], seed: int) -> Any:
    """With infinities, NaNs and zeros of both signs."""
    values = _numbers(shape, seed)
    chosen = np.random.default_rng(seed).integers(0, 12, shape)
    for place, value in enumerate((np.nan, np.inf, -np.inf, 0.0, -0.0)):
        values = np.where(chosen == place, value, values)
    return values


def _zeros(shape: tuple[int, ...], seed: int) -> Any:
    """Zeros of both signs, here and there another number."""
    rng = np.random.default_rng(seed)
    values = np.where(rng.random(shape) < 0.5, 0.0, -0.0)
    return np.where(rng.random(shape) < 0.02, _special(shape, seed), values)


ARGUMENTS: Mapping[str, list[Any]] = {
    **{name: _kinds(_numbers, (6,)) for name in "vw"},
    **{name: _kinds(_numbers, (5, 4)) for name in "ab"},
    **{name: _kinds(_numbers, (4, 4)) for name in "qr"},
    "c": _kinds(_numbers, (4, 6, 5)),
    "d": _kinds(_numbers, (2, 4, 3, 5)),
    "f": _kinds(lambda shape, seed: _numbers(shape, seed).astype("f4"), (5, 4)),
    "e": _kinds(_special, (6, 5)),
    "x": _kinds(_special, (9,)),
    "g": _kinds(_zeros, (3, 4, 2, 5)),
    "z": _kinds(_complex, (5, 4)),
    "i": _kinds(lambda shape, seed: np.random.default_rng(seed).integers(-9, 10, shape), (5, 4)),
    "j": _kinds(_integers("i4"), (5, 4)),
    "u": _kinds(_integers("u1"), (5, 4)),
    "h": _kinds(_integers("i2"), (7,)),
    "l": _kinds(_integers("u8"), (7,)),
    "m": _kinds(lambda shape, seed: np.random.default_rng(seed).random(shape) < 0.5, (5, 4)),
    "p": _kinds(_numbers, (5, 3)),
    "n": [6, 1, 0, 7, 40, -1, 2, 3, 5, 9],
    "k": [2, 1, 0, 3, 40, -1, 2, 3, 5, 9],
    "s": [1.5, -2.0, 0.0, -0.0, float("inf"), 1e300, 2.5, 0.1, 3.0, 7.25],
    "t": [np.float64(value) for value in (1.5, -2.0, 0.0, -0.0, float("inf"), 1e300, 2.5, 0.1, 3.0, 7.25)],
}


class Table:
    """The lines of a table, built as one module. stays: lines that are expected to stay Python, with the kind of the reason."""

    def __init__(self, text: str, stays: str = "") -> None:
        self.lines = [line for line in text.strip().splitlines() if line and not line.startswith("#")]
        self.stays = dict(line.rsplit("  -> ", 1) for line in stays.strip().splitlines())
        self.every = [*self.lines, *self.stays]
        self.built: Built | None = None
        self.lowered: Rewritten | None = None

    def parameters(self, line: str) -> list[str]:
        return [name for name in line.partition(":")[0].split(",") if name]

    def source(self) -> str:
        parts = ["import numpy as np\n"]
        for number, line in enumerate(self.every):
            expression = line.partition(":")[2].strip()
            parts.append(TEMPLATE.format(number=number, parameters=", ".join(self.parameters(line)), expression=expression))
        return "".join(parts)

    def calls(self) -> dict[str, Any]:
        """Each line has seen its first arguments."""
        return {f"f{number}": [[ARGUMENTS[p][0] for p in self.parameters(line)]] for number, line in enumerate(self.every)}

    def build(self, folder: Path, name: str) -> None:
        """Compile all lines."""
        text = self.source()
        self.built = build(folder, name, text, profile_of(text, f"{name}.mod", self.calls()))

    def lower(self) -> None:
        """Find the kernels of all lines."""
        text = self.source()
        self.lowered = Rewritten(text, profile_of(text, "case", self.calls()))

    def reasons(self, number: int) -> list[str]:
        assert self.built is not None
        (module,) = self.built.compiled.report.modules
        return [missed.kind for missed in module.missed if missed.function == f"f{number}"]

    def whole(self, number: int) -> bool:
        """Whether the line is inside the function's region."""
        assert self.built is not None
        (module,) = self.built.compiled.report.modules
        first = {region.function: int(re.split(r"\D", region.lines)[0]) for region in module.regions}
        return first.get(f"f{number}", 0) == self.source()[: self.source().index(f"def f{number}(")].count("\n") + 2

    def interpret(self, line: str) -> None:
        """Compare one line on all its arguments, with its kernel in the interpreter."""
        if self.lowered is None:
            self.lower()
        assert self.lowered is not None
        number = self.every.index(line)
        first = self.source()[: self.source().index(f"def f{number}(")].count("\n") + 2
        kinds = [reason.kind for reason in self.lowered.diagnostics if reason.span.line == first]
        found = any(region.span.line == first for region in self.lowered.regions)
        if line in self.stays:
            assert self.stays[line] in kinds, (line, kinds)
            return
        assert found, (line, kinds)
        plain, optimised = self.lowered.plain[f"f{number}"], self.lowered.optimised[f"f{number}"]
        columns = [ARGUMENTS[name] for name in self.parameters(line)]
        for place, values in enumerate(zip(*columns, strict=True) if columns else [()]):
            hits = len(self.lowered.hits)
            theirs, ours = (observe(function, [fresh(v) for v in values], "quiet") for function in (plain, optimised))
            assert (ours.result, ours.exception, ours.arguments) == (theirs.result, theirs.exception, theirs.arguments), (line, place)
            assert place or len(self.lowered.hits) > hits, (line, self.lowered.misses[-4:])

    def check(self, line: str) -> None:
        """Compare one line on all its arguments; the first ones have to run natively, unless the line stays."""
        assert self.built is not None
        number = self.every.index(line)
        if line in self.stays:
            assert self.stays[line] in self.reasons(number), (line, self.reasons(number))
            return
        assert self.whole(number), (line, self.reasons(number))
        entry = getattr(self.built.built._polyopt, f"f{number}_0").__self__
        plain, built = getattr(self.built.plain, f"f{number}"), getattr(self.built.built, f"f{number}")
        columns = [ARGUMENTS[name] for name in self.parameters(line)]
        for place, values in enumerate(zip(*columns, strict=True) if columns else [()]):
            for mode in MODES if place < 2 else ("usual",):
                theirs, ours = (observe(function, [fresh(v) for v in values], mode) for function in (plain, built))
                assert ours == theirs, (line, place, mode, entry.refusal)
                if not place and mode == "usual":
                    assert entry.refusal is None, (line, entry.refusal)


def fresh(value: Any) -> Any:
    """A copy in the same layout, so that no call sees what another one did."""
    if not isinstance(value, np.ndarray) or not value.size:
        return value
    low, high = np.lib.array_utils.byte_bounds(value) if hasattr(np.lib, "array_utils") else np.byte_bounds(value)  # type: ignore[attr-defined]
    memory = np.empty(high - low, np.uint8)
    start = max(0, value.__array_interface__["data"][0] - low)
    copy: Any = np.ndarray(value.shape, value.dtype, memory, start, value.strides)
    copy[...] = value
    return copy


def checks_of(table: Table, name: str) -> tuple[Callable[..., None], Callable[..., None]]:
    """What a module of tests calls `test_lowering` and `test_native`: each line of its table, in the interpreter and built."""

    @pytest.mark.parametrize("line", table.every)
    def lowering(line: str) -> None:
        table.interpret(line)

    @pytest.mark.slow
    @pytest.mark.parametrize("line", table.every)
    def native(tmp_path_factory: pytest.TempPathFactory, line: str) -> None:
        if table.built is None:
            table.build(tmp_path_factory.mktemp(name), name)
        table.check(line)

    return lowering, native
