"""Other compilers for numerical Python, where the environment has them: a yardstick, never a requirement.

numba compiles the plain function as it stands (``njit``, without fastmath); pythran compiles its source text for the argument types of
the case.  Functions that a peer does not take are left out.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from benchmarks.cases import Case
from benchmarks.loading import Modules

SMALL = 8


def compiled(each: Case, modules: Modules) -> Iterator[tuple[str, Callable[..., object]]]:
    """The case's function as compiled by each peer that is installed and takes it, already called once."""
    for name, build in (("numba", _numba), ("pythran", _pythran)):
        if "." in each.name.partition(":")[2] or importlib.util.find_spec(name) is None:
            continue
        arguments = each.preparer(modules, SMALL)
        try:
            function = build(each, modules, arguments())
            function(*arguments())
        except Exception as problem:  # noqa: BLE001 (a peer may refuse a function with any exception of its own)
            print(f"{name} does not take {each.name}: {type(problem).__name__}", file=sys.stderr)
            continue
        yield name, function


def _numba(each: Case, modules: Modules, arguments: tuple[object, ...]) -> Callable[..., object]:
    numba = importlib.import_module("numba")
    function: Callable[..., object] = numba.njit(each.function(modules))
    return function


def _pythran(each: Case, modules: Modules, arguments: tuple[object, ...]) -> Callable[..., object]:
    pythran = importlib.import_module("pythran")
    name = each.name.partition(":")[2]
    types = ", ".join(map(_pythran_type, arguments))
    text = f"#pythran export {name}({types})\n{inspect.getsource(modules[each.name.partition(':')[0]])}"
    module_name = f"peer_{name}"
    with tempfile.TemporaryDirectory() as directory:
        path = pythran.compile_pythrancode(module_name, text, output_file=str(Path(directory) / f"{module_name}.so"))
        spec = importlib.util.spec_from_file_location(module_name, path)
        if spec is None or spec.loader is None:
            raise ImportError(path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    function: Callable[..., object] = getattr(module, name)
    return function


def _pythran_type(value: object) -> str:
    match value:
        case np.ndarray():
            return f"{value.dtype}[{', '.join([':'] * value.ndim)}]"
        case _:
            return type(value).__name__
