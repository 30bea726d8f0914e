"""Where a program's time goes: in generated kernels, in library calls of its own, and at which lines that stayed Python.

Kernels are timed by the runtime itself (the counter that ``POLYOPT_TRACE`` prints from). Library calls (``np.linalg``, ``np.fft``,
random draws, sorting) are timed in a copy of the plain module in which each of them goes through a stopwatch. The lines of the rest
are sampled, by a thread, in the built module.
"""

from __future__ import annotations

import ast
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

import numpy as np

SORTING = {"sort", "argsort", "searchsorted", "unique", "partition", "argpartition"}
DRAWS = {name for name in dir(np.random.Generator) if not name.startswith("_")} | {"rand", "randn", "randint"}
REDUCTIONS = {"norm", "trace", "diagonal", "cross", "outer", "matmul", "tensordot", "vecdot"}
"""What of ``np.linalg`` is no library statement: reductions, contractions and views."""
SAMPLE_SECONDS = 0.001


def kernel_seconds(built: ModuleType) -> float:
    """What the regions of a built module have spent in kernels so far."""
    return sum(state.nanoseconds for state in regions(built).values()) / 1e9


def regions(built: ModuleType) -> dict[str, Any]:
    """The state of each region of a built module, by name; none where nothing was built."""
    bound = getattr(built, "_polyopt", None)
    return {name: value.__self__ for name, value in vars(bound).items() if not name.startswith("__")} if bound else {}


def time_kernels(built: ModuleType) -> None:
    """Let the runtime of the module's package add up the time in kernels."""
    if hasattr(built, "_polyopt_bind"):
        built._polyopt_bind.__globals__["_native"].time(True)


# ---- library calls ---------------------------------------------------------------------------------------------------


@dataclass
class Stopwatch:
    """Seconds in library calls; a call inside another one counts once."""

    seconds: float = 0.0
    inside: bool = False

    def __call__(self, function: Callable[..., object], *args: object, **named: object) -> object:
        """Call ``function``, timed if it is a library's."""
        if self.inside or not _is_library(function):
            return function(*args, **named)
        self.inside = True
        start = time.perf_counter()
        try:
            return function(*args, **named)
        finally:
            self.seconds += time.perf_counter() - start
            self.inside = False


def _is_library(function: object) -> bool:
    owner = getattr(function, "__self__", None)
    if isinstance(owner, np.random.Generator | np.random.RandomState | np.ndarray):
        return True
    return str(getattr(function, "__module__", None)).startswith("numpy")


class _Timed(ast.NodeTransformer):
    """Puts a stopwatch around the calls that may be a library's."""

    def __init__(self) -> None:
        self.lines: set[int] = set()

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if not may_be_library(node):
            return node
        self.lines.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        watch = ast.Name("_stopwatch", ast.Load())
        return ast.copy_location(ast.Call(watch, [node.func, *node.args], node.keywords), node)


def may_be_library(node: ast.Call) -> bool:
    """Whether a call has the name of one of the library functions."""
    match node.func:
        case ast.Attribute(value=ast.Attribute(attr="linalg"), attr=name):
            return name not in REDUCTIONS
        case ast.Attribute(value=ast.Attribute(attr="fft")):
            return True
        case ast.Attribute(attr=name):
            return name in SORTING or name in DRAWS
        case _:
            return False


@dataclass(frozen=True)
class Library:
    """A module's library calls: the lines that hold some, and a copy of the module that times them."""

    lines: frozenset[int]
    module: ModuleType
    watch: Stopwatch


def with_stopwatch(plain: ModuleType) -> Library:
    """A copy of the plain module whose library calls are timed."""
    path = Path(plain.__file__ or "")
    transformer = _Timed()
    tree = ast.fix_missing_locations(transformer.visit(ast.parse(path.read_text(encoding="utf-8"))))
    module, watch = ModuleType(plain.__name__), Stopwatch()
    module.__dict__["_stopwatch"] = watch
    sys.modules[module.__name__] = module  # where dataclasses look for it
    exec(compile(tree, path, "exec"), module.__dict__)
    return Library(frozenset(transformer.lines), module, watch)


# ---- the lines of the rest -------------------------------------------------------------------------------------------


@contextmanager
def sampled(file: str) -> Iterator[Counter[int]]:
    """How often the program is found at each line of ``file`` meanwhile (0: in none of it).

    A thread looks: unlike a signal, whose handler waits for the interpreter, it sees the line of a long call of NumPy's.
    """
    main, done, lines = threading.get_ident(), threading.Event(), Counter[int]()

    def look() -> None:
        while not done.wait(SAMPLE_SECONDS):
            lines[_line(sys._current_frames().get(main), file)] += 1

    interval = sys.getswitchinterval()
    sys.setswitchinterval(SAMPLE_SECONDS / 2)
    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield lines
    finally:
        done.set()
        thread.join()
        sys.setswitchinterval(interval)


def _line(frame: FrameType | None, file: str) -> int:
    while frame is not None and frame.f_code.co_filename != file:
        frame = frame.f_back
    if frame is None:
        return 0
    if frame.f_lineno is not None:
        return frame.f_lineno
    last = 0  # a jump back belongs to no line: the one before it in the code
    for start, _, line in frame.f_code.co_lines():
        if start > frame.f_lasti:
            break
        last = line or last
    return last


def original_lines(built: str) -> dict[int, int]:
    """For each line of a rewritten module, the line of the source that it is; 0 for what the build added."""
    found: dict[int, int] = {}
    source, added = 0, 0
    for number, line in enumerate(built.splitlines(), 1):
        if "  # polyopt: " in line:
            added = 3
        elif "import bind as _polyopt_bind" in line or line.startswith("_polyopt = _polyopt_bind("):
            added = 1
        if added:
            found[number], added = 0, added - 1
        else:
            source += 1
            found[number] = source
    return found
