"""One C function while it is written: its lines, and the names that it takes from outside.

A kernel is a function, and so is the body of each parallel loop. What a body uses of its surroundings becomes a field of its
environment and a local of its own, so that compilers see plain locals in its loops.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from setuptools_polyopt.codegen import affine
from setuptools_polyopt.codegen.expr import position
from setuptools_polyopt.codegen.keep import Path
from setuptools_polyopt.codegen.literals import c_type, suffix, zero
from setuptools_polyopt.codegen.operations import PRODUCT, SUM, Style, Text
from setuptools_polyopt.codegen.source import LoopKey
from setuptools_polyopt.codegen.storage import Unit
from setuptools_polyopt.codegen.work import Linear
from setuptools_polyopt.diagnostics import Span
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Const, Expr, Load, Sym
from setuptools_polyopt.ir.kernel import Role
from setuptools_polyopt.ir.statements import For
from setuptools_polyopt.ir.visitors import symbols

INDENT = "    "


@dataclass(frozen=True, slots=True)
class Local:
    """A name that a function takes from outside: `declare` goes before it in a declaration, `outside` writes it in the function around
    this one (None: it is only a field of the kernel's arguments)."""

    name: str
    declare: str
    order: tuple[int, str]
    outside: Callable[[Function], str]


class Function:
    """The scope of `expr.Scope` and the writer of lines. `parent` is the function whose parallel loop this one is the body of."""

    def __init__(self, unit: Unit, parent: Function | None, writes: frozenset[str] = frozenset(), checks: bool = False) -> None:
        self.unit = unit
        self.parent = parent
        self.checks = checks
        self.lines: list[str] = []
        self.depth = 1
        self.iterators: list[str] = []
        self.own: set[str] = set()
        self.taken: dict[str, Local] = {}
        self.derived: dict[str, Expr] = {}
        self.vector = False
        self.nest = 0
        self.reserved: set[str] = set()
        self.middles: dict[str, Linear] = {}
        self.path: Path = ()
        self._writes = writes
        self._target = False

    # lines

    def line(self, text: str) -> None:
        """One line at the current depth."""
        self.lines.append(f"{INDENT * self.depth}{text}" if text else "")

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """`head {`, the lines inside, `}`."""
        self.line(f"{head} {{" if head else "{")
        self.depth += 1
        yield
        self.depth -= 1
        self.line("}")

    def mentions(self, word: str) -> bool:
        """Whether a line so far has the word."""
        pattern = re.compile(rf"\b{word}\b")
        return any(pattern.search(line) for line in self.lines)

    def takes(self, loop: For) -> bool:
        """Whether the function writes a loop in a way of its own, and has done so."""
        return False

    def give_up(self, every: str) -> None:
        """Leave the innermost loop, which data steers, after a failure, where nobody looks for cancellation."""

    # names

    def symbol(self, name: str) -> str:
        text = self.unit.names.of(name)
        if name not in self.iterators:
            self._take(Local(text, "const int64_t ", (0 if self._is_param(name) else 1, text), lambda f: f.symbol(name)))
        return text

    def _is_param(self, name: str) -> bool:
        return any(param.name == name for param in self.unit.kernel.params)

    def _take(self, local: Local) -> None:
        if local.name not in self.taken:
            self.taken[local.name] = local

    def leaves(self, name: str) -> bool:
        """Whether the last value of a scalar is seen outside this function."""
        return self.unit.arrays[name].role is Role.RESULT or name not in self.own

    def pointer(self, name: str) -> str:
        """The variable that holds the address of an array's first element."""
        array, text = self.unit.arrays[name], self.unit.names.of(name)
        if name not in self.own:
            const = "const " if array.role is Role.ARGUMENT and name not in self.unit.written else ""
            self._take(Local(text, f"{const}{c_type(array.dtype)} *", (3, text), lambda f: f.pointer(name)))
        return text

    def scalar(self, name: str) -> str:
        """A scalar variable."""
        array, text = self.unit.arrays[name], self.unit.names.of(name)
        if name in self.own:
            return text
        if array.role is Role.INPUT or (self.parent and name not in self._writes):
            self._take(Local(text, f"const {c_type(array.dtype)} ", (2, text), lambda f: f.scalar(name)))
            return text
        if self.parent is None:
            raise ValueError(f"scalar {name} is used where it does not exist")
        self._take(Local(text, f"{c_type(array.dtype)} *", (2, text), lambda f: f"&{f.scalar(name)}"))
        return f"(*{text})"

    def element(self, load: Load) -> str:
        array = self.unit.arrays[load.array]
        if not array.rank:
            return self.scalar(load.array)
        text = f"{self.pointer(load.array)}[{self.offset(load)}]"
        return f"({text} != 0)" if array.dtype is DType.BOOL and array.role is Role.ARGUMENT and not self._target else text

    def target(self, load: Load) -> str:
        """The element as something to assign to or to take the address of."""
        self._target = True
        try:
            return self.element(load)
        finally:
            self._target = False

    def offset(self, load: Load) -> str:
        """Elements from the array's first one."""
        terms: list[Text] = []
        for axis, index in enumerate(load.indices):
            if isinstance(index, Const) and index.value == 0:
                continue
            terms.append(self._scaled(position(index, self), load.array, axis))
        if not terms:
            return "0"
        text = terms[0].at(SUM)
        for term in terms[1:]:
            more = term.at(SUM)
            text += f" - {more[1:]}" if more.startswith("-") else f" + {more}"
        return text

    def _scaled(self, index: Text, name: str, axis: int) -> Text:
        stride = self.stride(name, axis)
        return index if stride is None else Text(f"{index.at(PRODUCT)}*{stride.at(PRODUCT + 1)}", PRODUCT)

    def stride(self, name: str, axis: int) -> Text | None:
        """The step between elements of the axis, or None for one."""
        step = self.unit.stride(name, axis)
        if step is None or step == affine.ONE:
            return None
        if isinstance(step, Const | Sym):
            return position(step, self)
        text = step if isinstance(step, str) else self.unit.derived(name, axis)
        if self.parent is None and not isinstance(step, str):
            self.derived[text] = step
        else:
            self._take(Local(text, "const int64_t ", (4, text), lambda f: self._stride_text(f, name, axis)))
        return Text(text)

    @staticmethod
    def _stride_text(function: Function, name: str, axis: int) -> str:
        step = function.stride(name, axis)
        return "1" if step is None else step.text

    def stride_bytes(self, load: Load, var: str) -> str:
        array = self.unit.arrays[load.array]
        total: list[str] = []
        for axis, index in enumerate(load.indices):
            slope = affine.step(index, var) if var in symbols(index) else affine.ZERO
            if slope is None:
                raise TypeError(f"a subscript of {load.array} is not affine in {var}")
            if slope != affine.ZERO:
                total.append(self._scaled(position(slope, self), load.array, axis).text)
        size = array.dtype.itemsize
        if not total:
            return "0"
        if len(total) == 1 and total[0].lstrip("-").isdigit():
            return str(int(total[0]) * size)
        joined = " + ".join(total)
        return f"{size}*({joined})" if len(total) > 1 or "*" not in joined else f"{size}*{joined}"

    # what operations need

    def helper(self, name: str) -> str:
        return f"polyopt_{name}"

    def style(self) -> Style:
        return Style("&failed", self.vector, self.unit.products)

    def loop(self, key: LoopKey) -> str:
        self.unit.loops.add(key)
        return key.constant

    def wrapper(self, key: LoopKey, reduce: bool) -> str:
        name, text = wrapper(key, reduce)
        self.loop(key)
        self.unit.wrappers[name] = text
        return name

    def libm(self, name: str) -> str:
        self.unit.libm.add(name)
        return f"ctx->fn->libm.{name}"


def wrapper(key: LoopKey, reduce: bool) -> tuple[str, str]:
    """Name and text of the inline function that runs an inner loop on scalars, or reduces with it."""
    types = [DType(name) for name in key.dtypes]
    tail = "_".join(suffix(dtype) for dtype in types)
    result = c_type(types[-1])
    if reduce:
        name = f"numpy_{key.ufunc}_reduce_{tail}"
        head = f"{result} {name}(struct polyopt_ctx *ctx, {result} init, const void *first, int64_t step, int64_t count)"
        body = [f"polyopt_reduce_block(ctx, {key.constant}, &init, first, step, count);", "return init;"]
    else:
        name = f"numpy_{key.ufunc}_{tail}"
        params = ", ".join(f"{c_type(dtype)} x{number}" for number, dtype in enumerate(types[:-1]))
        head = f"{result} {name}(struct polyopt_ctx *ctx, {params})"
        operands = ", ".join(f"(char *)&x{number}" for number in range(len(types) - 1))
        count = len(types)
        body = [
            f"{result} y = {zero(types[-1])};",
            f"char *const operands[{count}] = {{{operands}, (char *)&y}};",
            f"const int64_t steps[{count}] = {{{', '.join(str(dtype.itemsize) for dtype in types)}}};",
            f"polyopt_ufunc_block(ctx, {key.constant}, operands, 1, steps, {count});",
            "return y;",
        ]
    lines = "".join(f"{INDENT}{line}\n" for line in body)
    return name, f"POLYOPT_INLINE {head}\n{{\n{lines}}}\n"


def comment(span: Span) -> str:
    """` /* heat.py:12 */`, or nothing for statements from nowhere."""
    file = span.file.replace("\\", "/").rsplit("/", 1)[-1].replace("*/", "").replace("/*", "")
    return f" /* {file}:{span.line} */" if span.line > 0 else ""
