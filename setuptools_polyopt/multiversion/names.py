"""The names of the user's module that a region relies on, as rows of the extension's table (`struct polyopt_global`).

    np.linalg.norm  ->  np is the module numpy; linalg is numpy's own; norm is numpy.linalg's own
"""

from __future__ import annotations

from collections.abc import Sequence

from setuptools_polyopt.ir.kernel import GlobalGuard


def quoted(text: str) -> str:
    """A C string literal."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'


def global_rows(guard: GlobalGuard) -> tuple[str, ...]:
    """Rows of the module's table of globals for one guard: C initialisers of `struct polyopt_global`."""
    name = quoted(guard.name)
    if guard.expected is None:
        return (_constant_row(name, guard.value),)
    parts = guard.expected.split(".")
    if parts[0] == "builtins" and not guard.attributes:
        return (f"{{POLYOPT_GLOBAL_BUILTIN, {name}, NULL, NULL, 0, 0}}",)
    root = parts[: len(parts) - len(guard.attributes)]
    rows: list[str] = []
    if _is_module(root):
        rows.append(f"{{POLYOPT_GLOBAL_MODULE, {name}, {quoted('.'.join(root))}, NULL, 0, 0}}")
    else:
        rows.append(f"{{POLYOPT_GLOBAL_OBJECT, {name}, {quoted('.'.join(root[:-1]))}, {quoted(root[-1])}, 0, 0}}")
    for depth in range(len(guard.attributes)):
        holder = ".".join(parts[: len(root) + depth])
        rows.append(f"{{POLYOPT_GLOBAL_ATTRIBUTE, {quoted(guard.attributes[depth])}, {quoted(holder)}, NULL, 0, 0}}")
    return tuple(rows)


_MODULES = frozenset({"numpy", "math", "cmath", "builtins", "numpy.linalg", "numpy.fft", "numpy.random"})


def _is_module(parts: Sequence[str]) -> bool:
    return ".".join(parts) in _MODULES


def _constant_row(name: str, value: object) -> str:
    match value:
        case None:
            return f"{{POLYOPT_GLOBAL_NONE, {name}, NULL, NULL, 0, 0}}"
        case bool():
            return f"{{POLYOPT_GLOBAL_BOOL, {name}, NULL, NULL, {int(value)}, 0}}"
        case int():
            return f"{{POLYOPT_GLOBAL_INT, {name}, NULL, NULL, INT64_C({value}), 0}}"
        case float():
            return f"{{POLYOPT_GLOBAL_FLOAT, {name}, NULL, NULL, 0, {value.hex()}}}"
        case _:
            raise ValueError(f"a guard on the constant {value!r} has no C form")
