"""Objects of the project's classes that regions make, and attributes that they set: values, guards, and what stays Python."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from built import Built, build
from fuzz.fuzz_oracle import difference, observe

from setuptools_polyopt.pipeline import DEFECT

SOURCE = '''
from __future__ import annotations
from dataclasses import dataclass
from typing import NamedTuple
import math


class State(NamedTuple):
    x: float
    y: float
    n: int = 0

    def norm(self) -> float:
        return math.sqrt(self.x * self.x + self.y * self.y)


@dataclass(frozen=True)
class Option:
    spot: float
    strike: float = 95.0
    call: bool = True

    def payoff(self):
        return max(self.spot - self.strike, 0.0) if self.call else max(self.strike - self.spot, 0.0)


class Vec:
    __slots__ = ("x", "y")

    def __init__(self, x, y=0.5):
        self.x = x
        self.y = y

    def __add__(self, other):
        return Vec(self.x + other.x, self.y + other.y)

    def __mul__(self, k):
        return Vec(self.x * k, self.y * k)

    def __rmul__(self, k):
        return self * k

    def dot(self, other):
        return self.x * other.x + self.y * other.y


class LCG:
    s: int
    draws: int
    A = 16807

    def __init__(self, seed):
        self.s = seed
        self.draws = 0
        self.next()

    def next(self):
        self.s = (self.s * 16807) % 2147483647
        self.draws += 1
        return self.s / 2147483647.0


class Noted(LCG):
    def __init__(self, seed):
        self.s = seed
        self.draws = 0
        self.last = (0.0, 0)

    def note(self):
        self.s = (self.s * self.A) % 2147483647
        self.last = (self.last[0] + self.next(), self.s % 7)
        return self.last[0] % 1.0


class Meter:
    total: float
    count: int
    rng: LCG

    def __init__(self, total, seed):
        self.total = total
        self.count = 0
        self.rng = LCG(seed)

    def add(self, x):
        self.total += x
        if x > 0.5:
            self.count += 1

    def feed(self, xs: list[float]):
        for x in xs:
            self.add(x)
        return self.total

    def drive(self, n: int, stop: float):
        out = [0.0] * n
        k = 0
        while k < n:
            u = self.rng.next()
            if u > stop or (u < 0.1 and self.rng.next() < 0.5):
                break
            out[k] = u
            self.total += u
            k += 1
        return out, k


class Grid:
    def __init__(self, n):
        self.n = n
        self.data = [[0.0] * n for _ in range(n)]

    def __getitem__(self, key):
        i, j = key
        return self.data[i][j]

    def __setitem__(self, key, value):
        i, j = key
        self.data[i][j] = value


def named(n: int, dt: float):
    s = State(1.0, 0.5)
    far = 0.0
    for k in range(n):
        s = State(s.x + dt * s.y, s.y - dt * s.x, n=k)
        far = max(far, s.norm())
    return s, far


def options(n: int):
    total = 0.0
    for k in range(n):
        o = Option(90.0 + k % 13, call=k % 2 == 0)
        total += o.payoff()
    return total


def vectors(n: int):
    p, v = Vec(0.0, 1.0), Vec(0.25)
    best = p
    for k in range(n):
        p = p + 0.5 * (v * 0.1 + p * -0.01)
        if p.dot(v) > best.dot(v):
            best = p
    return best.x, best.y, (p + v).dot(p)


def dice(n: int, seed: int):
    rng = Noted(seed)
    hits = 0
    for _ in range(n):
        if rng.next() < 0.5 and rng.note() < 0.5:
            hits += 1
    return hits, rng.s, rng.draws, rng.last


def grids(n: int, steps: int):
    g = Grid(n)
    for i in range(n):
        for j in range(n):
            g[i, j] = float(i * j % 5)
    for _ in range(steps):
        for i in range(1, n - 1):
            for j in range(1, n - 1):
                g[i, j] = 0.25 * (g[i - 1, j] + g[i + 1, j] + g[i, j - 1] + g[i, j + 1])
    return g.data
'''


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Both forms of a module with classes."""
    return build(tmp_path_factory.mktemp("objects"), "objects", SOURCE, None)


CALLS: list[tuple[str, tuple[Any, ...]]] = [
    ("named", (40, 0.01)),
    ("named", (0, 0.01)),
    ("options", (60,)),
    ("vectors", (50,)),
    ("vectors", (0,)),
    ("dice", (70, 99)),
    ("dice", (0, 99)),
    ("grids", (9, 4)),
]


def plainly(value: Any) -> Any:
    """A value with named tuples as their class's name and items: each form of the module has classes of its own."""
    if isinstance(value, tuple):
        return (type(value).__name__, tuple(map(plainly, value)))
    return value


@pytest.mark.parametrize(("name", "arguments"), CALLS)
def test_values(name: str, arguments: tuple[Any, ...], both: Built) -> None:
    assert not [item for item in both.compiled.diagnostics if item.kind == DEFECT]
    results = [observe(lambda: plainly(getattr(module, name)(*arguments)), ()) for module in (both.plain, both.built)]  # noqa: B023
    assert difference(*results) is None
    assert refusal(both, f"{name}_0") is None


def refusal(both: Built, region: str) -> str | None:
    """Why the region's last call was left to the original."""
    found: str | None = getattr(both.built._polyopt, region).__self__.refusal
    return found


def met(module: ModuleType, change: Callable[[Any], None] = lambda meter: None) -> tuple[Any, ...]:
    meter = module.Meter(0.25, 7)
    change(meter)
    answers = [meter.feed([0.25, 0.75, 0.5, 1.0] * 9), meter.drive(30, 0.97), meter.drive(30, 0.2)]
    return answers, meter.total, meter.count, meter.rng.s, meter.rng.draws


def test_attributes_of_arguments_are_set(both: Built) -> None:
    assert met(both.plain) == met(both.built)
    assert refusal(both, "Meter_feed_0") is None
    assert refusal(both, "Meter_drive_0") is None


def test_an_attribute_with_code_of_its_own_stays_python(both: Built) -> None:
    def noisy(meter: Any) -> None:
        seen: list[float] = []

        class Loud(type(meter)):  # type: ignore[misc]
            def __setattr__(self, name: str, value: Any) -> None:
                seen.append(value)
                super().__setattr__(name, value)

        meter.__class__ = Loud
        meter.rng.draws = len(seen)

    assert met(both.plain, noisy) == met(both.built, noisy)
    assert refusal(both, "Meter_feed_0") is not None


def patched(module: ModuleType, name: str, member: str, value: Any) -> Callable[[], None]:
    """Sets a member of a class; answers what takes it back."""
    owner = getattr(module, name)
    before = vars(owner).get(member)
    setattr(owner, member, value)
    return lambda: setattr(owner, member, before) if before is not None else delattr(owner, member)


@pytest.mark.parametrize(
    ("name", "member", "value", "function", "arguments"),
    [
        ("State", "norm", lambda self: 99.0, "named", (5, 0.1)),
        ("State", "__new__", lambda cls, x, y, n=0: tuple.__new__(cls, (2.0, y, n)), "named", (5, 0.1)),
        ("Option", "payoff", lambda self: 1.0, "options", (9,)),
        ("Option", "__init__", lambda self, spot, call=True: vars(self).update(spot=1.0, strike=2.0, call=call), "options", (9,)),
        ("Vec", "__init__", lambda self, x, y=0.5: (setattr(self, "x", 1.0), setattr(self, "y", 2.0))[2:], "vectors", (9,)),
        ("Vec", "__mul__", lambda self, k: self, "vectors", (9,)),
        ("LCG", "A", 48271, "dice", (20, 3)),
        ("LCG", "__setattr__", lambda self, name, value: object.__setattr__(self, name, value), "dice", (20, 3)),
        ("Grid", "__getitem__", lambda self, key: 1.0, "grids", (5, 2)),
    ],
)
def test_patched_classes_take_the_original(
    name: str, member: str, value: Any, function: str, arguments: tuple[Any, ...], both: Built
) -> None:
    results = []
    for module in (both.plain, both.built):
        back = patched(module, name, member, value)
        try:
            results.append(observe(lambda: plainly(getattr(module, function)(*arguments)), ()))  # noqa: B023
        finally:
            back()
    assert refusal(both, f"{function}_0") is not None
    assert results[0] == results[1]
    plainly(getattr(both.built, function)(*arguments))
    assert refusal(both, f"{function}_0") is None
