"""What the text of one variant's entry point is made with: names, guard texts, expressions in C.

Shared by `entry` and `lists`, which print the parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from setuptools_polyopt.codegen.expr import guard_expression
from setuptools_polyopt.codegen.names import Names
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Expr
from setuptools_polyopt.ir.kernel import Array, Role, ScalarInput, lists_of, makes_lists
from setuptools_polyopt.multiversion.merge import merged_axes
from setuptools_polyopt.multiversion.plan import NativeVariant

DTYPES = {
    dtype: "POLYOPT_BOOL" if dtype is DType.BOOL else f"POLYOPT_{dtype.kind.upper()}{8 * dtype.itemsize}" for dtype in DType
} | {DType.FLOAT32: "POLYOPT_F32", DType.FLOAT64: "POLYOPT_F64"}
CTYPES = {dtype: f"{dtype.value}_t" for dtype in DType if dtype.is_integer} | {
    DType.BOOL: "uint8_t", DType.FLOAT32: "float", DType.FLOAT64: "double",
    DType.COMPLEX64: "polyopt_c64", DType.COMPLEX128: "polyopt_c128",
}  # fmt: skip
_LOCALS = (
    *("po_self", "po_args", "po_count", "po_in", "po_value", "call", "result", "guard", "why", "done"),
    *("k", "arrays", "saved", "kept", "lo", "hi", "next", "flags_raise", "work", "merged", "steps", "whole", "lists", "from", "to"),
    "logged",
)
"""What generated functions call their own variables."""


@dataclass
class Collected:
    """What one region's text collects besides its statements: guard texts, attribute slots, tables of methods' defaults; rows of the
    module-level names that are inputs."""

    @property
    def fetches(self) -> bool:
        """Whether inputs are more than the arguments themselves."""
        return bool(self.attributes or self.values)

    guards: list[str] = field(default_factory=list)
    attributes: list[str] = field(default_factory=list)
    defaults: list[str] = field(default_factory=list)
    values: dict[str, int] = field(default_factory=dict)

    def guard(self, text: str) -> int:
        if text not in self.guards:
            self.guards.append(text)
        return self.guards.index(text)


@dataclass
class Version:
    """One variant's text in the making: `label` is where a refusal goes on, `where` the input that holds an array, `arguments` the
    names behind `po_args`."""

    native: NativeVariant
    collected: Collected
    label: str
    where: dict[str, int]
    arguments: Sequence[str]
    names: Names = field(default_factory=lambda: Names(_LOCALS))

    @property
    def lists(self) -> tuple[str, ...]:
        """The arguments that are lists, in the order of `lists[...]`."""
        names = lists_of(self.native.variant)
        return tuple(name for name in self.where if name in names)

    @property
    def on_lists(self) -> bool:
        """Whether lists come in or go out."""
        return bool(self.lists) or makes_lists(self.native.variant)

    @property
    def axes(self) -> tuple[str, ...]:
        """The extents of axes that the call may merge."""
        return merged_axes(self.native.variant.kernel)

    def refuse(self, guard: str, why: str) -> str:
        return f"{{ guard = {self.collected.guard(guard)}; why = POLYOPT_WHY_{why}; goto {self.label}; }}"

    def text(self, expr: Expr) -> str:
        """A condition or a number over the parameters and scalar inputs, in C."""
        params = self.native.variant.kernel.params
        names = {param.name: self.names.of(param.name) for param in params}
        for index, item in enumerate(self.native.variant.inputs):
            if isinstance(item.type, ScalarInput) and item.type.array is not None:
                names[item.type.array] = f"s{index}"
        return guard_expression(expr, params, names)


def int64(value: int) -> str:
    return "INT64_MIN" if value <= -(2**63) else f"INT64_C({value})" if abs(value) >= 2**31 else str(value)


def result_arrays(native: NativeVariant) -> tuple[Array, ...]:
    return tuple(array for array in native.variant.kernel.arrays if array.role is Role.RESULT and array.rank)


def source_of(version: Version, index: int) -> str:
    """The object behind an input."""
    item = version.native.variant.inputs[index]
    taken = item.path or item.root not in version.arguments
    return f"po_value[{index}]" if taken else f"po_args[{version.arguments.index(item.root)}]"
