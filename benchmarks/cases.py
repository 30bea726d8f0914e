"""The sample project's functions with arguments of any size: what the benchmark and the demo call.

Each case names a function as ``module:qualified.name`` and makes the arguments of one call.  Arguments that hold objects of the sample
(a detector, a set-up) are made with the classes of the copy that is called.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter

import numpy as np

from benchmarks.loading import Modules
from benchmarks.timing import Subject

PACKAGE_MODULES = ("radarlab.kernels", "radarlab.fields", "radarlab.cfar", "radarlab.survey", "radarlab.stap")
Arguments = tuple[object, ...]


@dataclass(frozen=True)
class Case:
    """A function, its arguments at a size, the size for a table, and whether a call changes its arguments.

    ``kind`` is ``loops`` (explicit-loop kernels), ``mixed`` (loops in methods, beside other code, around calls of
    libm, or each of whose steps needs the last one), ``expression`` (NumPy) or
    ``application``.
    """

    name: str
    kind: str
    size: int
    arguments: Callable[[Modules, int], Arguments]
    in_place: bool = False

    def function(self, modules: Modules) -> Callable[..., object]:
        module, _, path = self.name.partition(":")
        found: Callable[..., object] = attrgetter(path)(modules[module])
        return found

    def subject(self, modules: Modules, size: int) -> Subject:
        return Subject(self.function(modules), self.preparer(modules, size), self.in_place)

    def preparer(self, modules: Modules, size: int) -> Callable[[], Arguments]:
        """Gives the same arguments at every call; where the function changes them, a copy."""
        made = self.arguments(modules, size)
        return (lambda: tuple(map(_copied, made))) if self.in_place else (lambda: made)


def _copied(value: object) -> object:
    match value:
        case np.ndarray():
            return value.copy()
        case np.random.Generator():
            twin = np.random.default_rng()
            twin.bit_generator.state = value.bit_generator.state
            return twin
        case _:
            return value


def _rng(size: int) -> np.random.Generator:
    return np.random.default_rng([7, size])


def _integrate(_: Modules, n: int) -> Arguments:
    return (_rng(n).random(n), _rng(n + 1).random((n, n)), 0.5)


def _matmul(_: Modules, n: int) -> Arguments:
    return (_rng(n).random((n, n)), _rng(n + 1).random((n, n)))


def _observations(_: Modules, n: int) -> Arguments:
    return (_rng(n).random((n + 10, n)),)


def _signals(_: Modules, n: int) -> Arguments:
    rng = _rng(n)
    return (rng.standard_normal(n), rng.standard_normal(n), np.linspace(0.0, 0.5, 12), 90)


def _heat2d(_: Modules, n: int) -> Arguments:
    plate = _rng(n).random((n, n))
    return (plate, plate.copy(), 10)


def _dominant(_: Modules, n: int) -> Arguments:
    return (_rng(n).random((n, n)) + n * np.eye(n),)


def _lu_solve(_: Modules, n: int) -> Arguments:
    return (_rng(n).random((n, n)) + n * np.eye(n), np.ones(n))


def _distances(_: Modules, n: int) -> Arguments:
    return (_rng(n).random((n, n)),)


def _diffusion(_: Modules, n: int) -> Arguments:
    return (_rng(n).random((n + 4, n + 4)), _rng(n + 1).random((n, n)))


def _square(_: Modules, n: int) -> Arguments:
    return (_rng(n).standard_normal((n, n)),)


def _power(_: Modules, n: int) -> Arguments:
    return (_rng(n).random((n, n)) + 0.01,)


def _scan(modules: Modules, n: int) -> Arguments:
    detector = modules["radarlab.cfar"].CfarDetector(n, 2 * n)
    return (detector, _rng(n).exponential(size=(n, 2 * n)))


def _smooth(modules: Modules, n: int) -> Arguments:
    detector = modules["radarlab.cfar"].CfarDetector(n, 2 * n)
    detector.noise[:] = _rng(n).random((n, 2 * n))
    return (detector, 0.75)


def _survey(_: Modules, n: int) -> Arguments:
    rows = 16
    return (_rng(n).random((rows, n)), [f"row {i}" for i in range(rows)])


def _chirp(modules: Modules, n: int) -> Arguments:
    stap = modules["radarlab.stap"]
    scenario = stap.Scenario(n * 1e-9, 8, 5, 3)
    return (stap.sample_times(scenario), stap.pulse_delays(scenario), stap.BANDWIDTH / scenario.pulse_width)


def _cubes(modules: Modules, n: int) -> Arguments:
    setup = modules["radarlab.stap"].prepare(modules["radarlab.stap"].Scenario(n * 1e-9, 8, 5, 3))
    shape = (2, 8, 15, n)
    cubes = _rng(n).standard_normal(shape) + 1j * _rng(n + 1).standard_normal(shape)
    return (cubes, setup.steering, setup.matched)


def _simulation(modules: Modules, n: int) -> Arguments:
    setup = modules["radarlab.stap"].prepare(modules["radarlab.stap"].Scenario(n * 1e-9, 8, 5, 3))
    return (setup, 2, _rng(n))


CASES = (
    Case("radarlab.kernels:integrate", "loops", 2400, _integrate, in_place=True),
    Case("radarlab.kernels:matmul", "loops", 155, _matmul),
    Case("radarlab.kernels:covariance", "loops", 185, _observations),
    Case("radarlab.kernels:correlation", "loops", 175, _observations),
    Case("radarlab.kernels:heat2d", "loops", 310, _heat2d, in_place=True),
    Case("radarlab.kernels:lu", "loops", 225, _dominant, in_place=True),
    Case("radarlab.kernels:lu_solve", "mixed", 2200, _lu_solve),
    Case("radarlab.kernels:shortest_paths", "loops", 165, _distances, in_place=True),
    Case("radarlab.kernels:ambiguity", "loops", 2000, _signals),
    Case("radarlab.cfar:CfarDetector.scan", "mixed", 520, _scan),
    Case("radarlab.cfar:CfarDetector.smooth", "mixed", 1400, _smooth),
    Case("radarlab.survey:strongest_echoes", "mixed", 300_000, _survey),
    Case("radarlab.fields:horizontal_diffusion", "expression", 1000, _diffusion),
    Case("radarlab.fields:softmax", "expression", 1000, _square),
    Case("radarlab.fields:decibels", "expression", 1000, _power),
    Case("radarlab.stap:chirp_echoes", "expression", 10_000, _chirp),
    Case("radarlab.stap:process_cubes", "application", 10_000, _cubes),
    Case("radarlab.stap:simulate_cubes", "application", 10_000, _simulation, in_place=True),
)


def case(name: str) -> Case:
    """The case of a function, by its name; :class:`KeyError` where there is none."""
    return {each.name: each for each in CASES}[name]
