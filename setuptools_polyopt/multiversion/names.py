"""The names of the user's module that a region relies on, as rows of the extension's table (`struct polyopt_global`).

    np.linalg.norm  ->  np is the module numpy; linalg is numpy's own; norm is numpy.linalg's own
    helpers.clamp   ->  helpers is the module pkg.helpers; clamp is what the `def clamp` of pkg.helpers makes
    Grid.N          ->  what the class that is called Grid has as N is 8
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence

from setuptools_polyopt.ir.kernel import GlobalGuard


def quoted(text: str) -> str:
    """A C string literal of these characters, whatever they are; a NUL, which would end it, becomes two bytes that no text has."""
    content = text.encode("utf-8", "surrogatepass").replace(b"\0", b"\xc0\x80")
    return '"' + "".join(chr(byte) if 32 <= byte < 127 and byte not in b'"\\?' else f"\\{byte:03o}" for byte in content) + '"'


def global_rows(guard: GlobalGuard) -> tuple[str, ...]:
    """Rows of the module's table of globals for one guard: C initialisers of `struct polyopt_global`."""
    name = guard.name
    if guard.kind == "value":
        return (_row("ANY", name, home=guard.home),)
    if guard.expected is None or guard.kind == "default":
        return (_constant_row(guard),)
    if guard.kind == "class":
        module, _, class_ = guard.expected.partition(":")
        return (_row("CLASS", name, module, class_, str(guard.position), home=guard.home),)
    if guard.kind == "module":
        return (_row("MODULE", name, guard.expected, home=guard.home),)
    if guard.kind == "function":
        module, _, function = guard.expected.partition(":")
        return (_row("FUNCTION", name, module, function, home=guard.home, member=_member(guard)),)
    parts = guard.expected.split(".")
    if parts[0] == "builtins" and not guard.attributes:
        return (_row("BUILTIN", name, home=guard.home),)
    root = parts[: len(parts) - len(guard.attributes)]
    rows: list[str] = []
    if _is_module(root):
        rows.append(_row("MODULE", name, ".".join(root), home=guard.home))
    else:
        rows.append(_row("OBJECT", name, ".".join(root[:-1]), root[-1], home=guard.home))
    for depth in range(len(guard.attributes)):
        rows.append(_row("ATTRIBUTE", guard.attributes[depth], ".".join(parts[: len(root) + depth])))
    return tuple(rows)


def _row(
    kind: str,
    name: str,
    module: str = "",
    attribute: str | None = None,
    integer: str = "0",
    real: str = "0",
    home: str = "",
    place: int = 0,
    member: str = "",
) -> str:
    texts = [quoted(name), quoted(module) if module else "NULL", "NULL" if attribute is None else quoted(attribute)]
    around = [quoted(home) if home else "NULL", str(place), quoted(member) if member else "NULL"]
    return f"{{POLYOPT_GLOBAL_{kind}, {', '.join(texts)}, {integer}, {real}, {', '.join(around)}}}"


def _member(guard: GlobalGuard) -> str:
    """The name in a class of the project; empty for what is no class's."""
    return guard.attributes[0] if guard.attributes else ""


_MODULES = frozenset({"numpy", "math", "cmath", "builtins", "numpy.linalg", "numpy.fft", "numpy.random"})


def _is_module(parts: Sequence[str]) -> bool:
    return ".".join(parts) in _MODULES


def _constant_row(guard: GlobalGuard) -> str:
    """A constant by its value; of a function's defaults, where the name is that function's."""
    name, place = guard.name, guard.position + 1 if guard.kind == "default" else 0
    home, member = guard.home, _member(guard)
    match guard.value:
        case None:
            return _row("NONE", name, home=home, place=place, member=member)
        case bool() as value:
            return _row("BOOL", name, integer=str(int(value)), home=home, place=place, member=member)
        case int() as value:
            return _row("INT", name, integer=_int64(value), home=home, place=place, member=member)
        case float() as value:
            return _row("FLOAT", name, real=_real(value), home=home, place=place, member=member)
        case str() as value:
            return _row("STR", name, attribute=value, home=home, place=place, member=member)
        case value:
            imag = struct.unpack("<q", struct.pack("<d", value.imag))[0]
            return _row("COMPLEX", name, real=_real(value.real), integer=_int64(imag), home=home, place=place, member=member)


def _real(value: float) -> str:
    return value.hex() if math.isfinite(value) else f"{'-' * (value < 0)}(double)INFINITY"


def _int64(value: int) -> str:
    return "INT64_MIN" if value == -(2**63) else f"INT64_C({value})"
