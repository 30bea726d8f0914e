"""A stage of a kernel as a CUDA kernel: threads take the place of its parallel loops.

    for i in 0..n parallel:            POLYOPT_GLOBAL void f_s0(const int64_t n, const int64_t m, ...)
      for j in 0..m parallel:   ->     for (int64_t i = POLYOPT_THREAD(y); i < n; i += POLYOPT_THREADS(y)) {
        S0: ...                            for (int64_t j = POLYOPT_THREAD(x); j < m; j += POLYOPT_THREADS(x)) { ...

The innermost of up to three nested parallel loops goes along x, where neighbouring threads touch neighbouring elements; what is outside
of three is a loop of every thread. Where NumPy's reductions are among the statements (never in strict mode), a block takes the place of
a thread, and its threads share the reductions. Where threads of a block read the same elements (`ir/tiles`), the block has the shape that
was asked for, and the elements come through shared memory (codegen/shared.py). Each loop advances by the number of threads there are, so
that every grid runs all iterations, and indices have 64 bits. A stage without a parallel loop is for a single thread (or block).

Expressions and statements are printed as for C; `polyopt_cuda.h` gives them their meaning. Non-goals here: which loops are parallel
(polyhedral/spread.py), what has no form at all (codegen/device.py), and the size of the grid (the host's).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Literal

from setuptools_polyopt.codegen import affine
from setuptools_polyopt.codegen.device import device_form, may_underflow
from setuptools_polyopt.codegen.expr import position, test
from setuptools_polyopt.codegen.function import INDENT, Function, Local
from setuptools_polyopt.codegen.literals import c_type, suffix
from setuptools_polyopt.codegen.names import Names, comment, sanitize
from setuptools_polyopt.codegen.operations import SUM, Style, Text
from setuptools_polyopt.codegen.outline import ordered
from setuptools_polyopt.codegen.registers import keep_in_registers
from setuptools_polyopt.codegen.shared import block_bounds, low_name, shared_form
from setuptools_polyopt.codegen.source import LoopKey, Options
from setuptools_polyopt.codegen.statements import emit_block
from setuptools_polyopt.codegen.storage import Unit
from setuptools_polyopt.diagnostics import unsupported
from setuptools_polyopt.exhaustive import assert_never
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import TRUE, Load, Reduce, Sym
from setuptools_polyopt.ir.kernel import Array, Kernel, Role
from setuptools_polyopt.ir.statements import Alloc, Assign, Block, Break, Continue, For, If, Serial, Stmt, While, walk
from setuptools_polyopt.ir.tiles import Tile, Tiling, origin, parallel_nest
from setuptools_polyopt.ir.visitors import assigns, own_loads, walk_expr

THREADS = 256
"""Threads of a block at most: what __launch_bounds__ says."""

LOCAL_BYTES = 512
"""The largest temporary that a thread has for itself."""

UNDERFLOW = 8
"""The flag's bit (POLYOPT_FP_UNDERFLOW)."""

_WORDS = """
alignas alignof and and_eq asm bitand bitor catch class compl concept const_cast consteval constinit constexpr co_await co_return co_yield
decltype delete dynamic_cast explicit export final friend import module mutable namespace new noexcept not not_eq operator or or_eq override
private protected public reinterpret_cast requires static_assert static_cast template this throw try typeid typename using virtual wchar_t
xor xor_eq threadIdx blockIdx blockDim gridDim warpSize dim3 context isless islessequal isgreater isgreaterequal isunordered ctx
""".split()  # noqa: SIM905


@dataclass(frozen=True, slots=True)
class CudaArg:
    """A parameter of a CUDA kernel, in order. kind: `symbol` a parameter of the IR or a variable of a loop around launches (int64),
    `input` a scalar by value, `data` the address of an array's element of index zero, `stride` the step of an axis in elements."""

    kind: Literal["symbol", "input", "data", "stride"]
    source: str
    dtype: DType
    axis: int = 0


@dataclass(frozen=True, slots=True)
class CudaKernel:
    """A printed kernel. loops: those that threads share, outer first (the last one is along x); none for a single thread. body: what is
    inside them. blocks: a block, not a thread, runs an iteration. arrays: temporaries in memory that all threads see, which the host has
    to provide. flags: floating-point flags that cannot be ruled out. sides: how many iterations of each loop a block does, if that is
    fixed."""

    symbol: str
    text: str
    args: tuple[CudaArg, ...]
    loops: tuple[For, ...]
    body: Block
    blocks: bool
    arrays: tuple[Array, ...]
    flags: int
    sides: tuple[int, ...] = ()


def cuda_kernel(kernel: Kernel, loop: For | None, fp: str, tiling: Tiling | None = None) -> CudaKernel:
    """Print one stage. loop: its outermost parallel loop. tiling: what blocks share. Raises Unsupported for what has no GPU form."""
    mapped = parallel_nest(loop)[-3:] if loop is not None else ()
    form = device_form(keep_in_registers(kernel, every=True), fp)
    form = replace(form, body=_serial(form.body, frozenset(item.var for item in mapped)))
    form, arrays = _shared_arrays(form)
    _refuse_overlap(form)
    blocks = _in_blocks(form)
    tiling = None if blocks or not tiling or block_bounds(tiling) is None else tiling
    form = shared_form(form, tiling) if tiling else form
    unit = _Unit(form, Options(parallel=False, polls=False, jam=False), sanitize(form.name), Names(_WORDS))
    axes = dict(zip((item.var for item in reversed(mapped)), "xyz", strict=False))
    f = _Thread(unit, axes, blocks, tiling)
    try:
        emit_block(f, form.body)
    except (TypeError, ValueError) as error:  # no form of an operation, or a scalar that lives from one launch to another
        raise unsupported(kernel.span, "no-gpu-form", f"not for a GPU: {error}") from error
    flags = UNDERFLOW if may_underflow(kernel) else 0
    text = _text(unit, f, kernel)
    args = tuple(f.args[local.name] for local in ordered(f))
    body = mapped[-1].body if mapped else kernel.body
    return CudaKernel(unit.symbol, text, args, mapped, body, blocks, arrays, flags, tiling.sides if tiling else ())


def translation_unit(kernels: Sequence[CudaKernel]) -> str:
    """Kernels as one CUDA C++ file."""
    return "\n".join(['#include "polyopt_cuda.h"\n', *(kernel.text for kernel in kernels)])


def _serial(body: Block, mapped: frozenset[str]) -> Block:
    """Parallel loops that are not for threads as plain ones."""

    def statement(item: Stmt) -> Stmt:
        match item:
            case For():
                kind: Literal["parallel", "serial"] = "parallel" if item.var in mapped else "serial"
                lower, upper = affine.tidy(item.lower), affine.tidy(item.upper)
                return replace(item, lower=lower, upper=upper, kind=kind, body=_serial(item.body, mapped))
            case If():
                return replace(item, body=_serial(item.body, mapped), orelse=_serial(item.orelse, mapped))
            case Assign() | Alloc() | Serial() | While() | Break() | Continue():
                return item
            case _:
                assert_never(item)

    return tuple(statement(item) for item in body)


def _shared_arrays(kernel: Kernel) -> tuple[Kernel, tuple[Array, ...]]:
    """Temporaries that exist once for all threads, because they are allocated outside of the loops: the host provides them."""
    nested = tuple(item for item in kernel.body if isinstance(item, For | If | Serial))
    inside = {item.array for item in walk(nested) if isinstance(item, Alloc)}
    outside = {item.array for item in kernel.body if isinstance(item, Alloc) and kernel.array(item.array).rank} - inside
    for name in inside:
        array = kernel.array(name)
        if array.rank and _Unit(kernel, Options(), "").stack_length(array) is None:
            text = f"every thread would need the array `{name}` for itself"
            raise unsupported(kernel.span, "no-gpu-form", f"not for a GPU: {text}", "use one array for all iterations")
    arrays = tuple(replace(array, role=Role.RESULT) if array.name in outside else array for array in kernel.arrays)
    body = tuple(item for item in kernel.body if not (isinstance(item, Alloc) and item.array in outside))
    return replace(kernel, arrays=arrays, body=body), tuple(array for array in arrays if array.name in outside)


def _in_blocks(kernel: Kernel) -> bool:
    """Whether the threads of a block should run an iteration together: there are reductions to share, and it does no harm that each thread
    stores all results (nobody reads what is stored)."""
    found = assigns(kernel.body)
    reduces = any(isinstance(node, Reduce) for item in found for node in walk_expr(item.value))
    stored = {item.target.array for item in found if item.target.indices}
    return reduces and not stored & {load.array for item in walk(kernel.body) for load in own_loads(item)}


def _refuse_overlap(kernel: Kernel) -> None:
    """Arrays are copied to a device one by one; what shares memory here would not share it there."""
    unit = Unit(kernel, Options(), "")
    for name in unit.written:
        if unit.arrays[name].role is Role.ARGUMENT and not unit.restrict(name):
            text = f"not for a GPU: `{name}` may share memory with another array"
            raise unsupported(kernel.span, "no-gpu-form", text)


class _Unit(Unit):
    """Threads have little memory of their own."""

    def stack_length(self, array: Array) -> int | None:
        length = super().stack_length(array)
        return length if length is not None and length * array.dtype.itemsize <= LOCAL_BYTES else None


class _Thread(Function):
    """What one thread does. axes: the loops that threads (or blocks) share, by variable. tiling: what threads of a block share."""

    def __init__(self, unit: Unit, axes: dict[str, str], blocks: bool, tiling: Tiling | None) -> None:
        super().__init__(unit, None)
        self.tiling = tiling
        self.own |= {tile.name for tile in tiling.tiles} if tiling else set()
        self.axes = axes
        self.blocks = blocks
        self.args: dict[str, CudaArg] = {}

    def takes(self, loop: For) -> bool:
        if self.tiling is not None:
            return self._takes_tiled(loop, self.tiling)
        if loop.var not in self.axes:
            return False
        axis, var = self.axes[loop.var], self.unit.names.of(loop.var)
        lower, upper = position(loop.lower, self), position(loop.upper, self).text
        scale = f" * {loop.step}" if loop.step != 1 else ""
        who = "BLOCK" if self.blocks else "THREAD"
        start = f"POLYOPT_{who}({axis}){scale}"
        first = start if lower.text == "0" else f"{lower.text} + {start}"
        head = f"for (int64_t {var} = {first}; {var} < {upper}; {var} += POLYOPT_{who}S({axis}){scale})"
        self.iterators.append(loop.var)
        self.nest += 1
        with self.block(head):
            emit_block(self, loop.body, True, True)
        self.nest -= 1
        self.iterators.pop()
        return True

    def _takes_tiled(self, loop: For, tiling: Tiling) -> bool:
        """Loops over blocks of threads, and over strips."""
        sides = {item.var: side for item, side in zip(tiling.loops, tiling.sides, strict=True)}
        strip = next((var for var in tiling.strips if origin(var) == loop.var), None)
        if loop.var not in sides and strip is None:
            return False
        ends = (block_bounds(tiling) or {}).get(loop.var, (loop.lower, loop.upper))
        lower, upper = (position(end, self).text for end in ends)
        self.nest += 1
        before = len(self.iterators)
        if strip is None:
            axis, side, first = self.axes[loop.var], sides[loop.var], self.unit.names.of(origin(loop.var))
            start = f"POLYOPT_BLOCK({axis}) * {side}"
            start = start if lower == "0" else f"{lower} + {start}"
            with self.block(f"for (int64_t {first} = {start}; {first} < {upper}; {first} += POLYOPT_BLOCKS({axis}) * {side})"):
                self.line(f"const int64_t {self.unit.names.of(loop.var)} = {first} + threadIdx.{axis};")
                self.iterators += [origin(loop.var), loop.var]
                if loop.var == tiling.loops[-1].var:
                    self._share([tile for tile in tiling.tiles if tile.strip is None])
                emit_block(self, loop.body, True, True)
        else:
            var = self.unit.names.of(loop.var)
            with self.block(f"for (int64_t {var} = {lower}; {var} < {upper}; {var} += {loop.step})"):
                self.iterators.append(loop.var)
                self._share([tile for tile in tiling.tiles if tile.strip == strip])
                emit_block(self, loop.body, True, True)
        del self.iterators[before:]
        self.nest -= 1
        return True

    def _share(self, tiles: Sequence[Tile]) -> None:
        """Copies of boxes, which all threads of the block make together."""
        for tile in tiles:
            for axis, low in enumerate(tile.low):
                self.line(f"const int64_t {self.unit.names.of(low_name(tile, axis))} = {position(low, self).text};")
                self.iterators.append(low_name(tile, axis))
        for number, tile in enumerate(tiles):
            if not number:
                self.line("__syncthreads();")
            self._copy(tile)
        if tiles:
            self.line("__syncthreads();")

    def _copy(self, tile: Tile) -> None:
        name, size = self.unit.names.of(tile.name), prod(tile.extents)
        number = rest = self.unit.names.fresh("e")
        with self.block(f"for (int64_t {number} = POLYOPT_SELF; {number} < {size}; {number} += {THREADS})"):
            inner = size
            places = [f"{tile.name}.at{axis}" for axis in range(len(tile.extents))]
            self.iterators += places
            ends = [] if tile.where == TRUE else [test(tile.where, self).text]
            for axis, extent in enumerate(tile.extents):
                inner //= extent
                low, place = self.unit.names.of(low_name(tile, axis)), self.unit.names.of(places[axis])
                self.line(f"const int64_t {place} = {low} + {rest if inner == 1 else f'{rest} / {inner}'};")
                rest = f"{number} % {inner}"
                ends.append(f"{place} < {position(tile.high[axis], self).at(SUM)}")
            source = Load(tile.array, tuple(map(Sym, places)), self.unit.arrays[tile.array].dtype)
            self.line(f"if ({' && '.join(ends)}) {name}[{number}] = {self.element(source)};")
            del self.iterators[-len(places) :]

    def give_up(self, every: str) -> None:
        self.line(f"if ({every} && failed) break;")

    def style(self) -> Style:
        return Style("&failed", keeps=False)

    def _arg(self, text: str, arg: CudaArg) -> str:
        if text in self.taken:
            self.args[text] = arg
        return text

    def symbol(self, name: str) -> str:
        return self._arg(super().symbol(name), CudaArg("symbol", name, DType.INT64))

    def pointer(self, name: str) -> str:
        return self._arg(super().pointer(name), CudaArg("data", name, self.unit.arrays[name].dtype))

    def scalar(self, name: str) -> str:
        return self._arg(super().scalar(name), CudaArg("input", name, self.unit.arrays[name].dtype))

    def stride(self, name: str, axis: int) -> Text | None:
        text = super().stride(name, axis)
        if text is not None and isinstance(self.unit.stride(name, axis), str):
            self._arg(text.text, CudaArg("stride", name, DType.INT64, axis))
        return text

    def wrapper(self, key: LoopKey, reduce: bool) -> str:
        if not reduce:
            raise TypeError(f"{key.ufunc} has no GPU form")
        return f"polyopt_{'block' if self.blocks else 'reduce'}_{key.ufunc}_{suffix(DType(key.dtypes[-1]))}"

    def libm(self, name: str) -> str:
        raise TypeError(f"{name} is libm's")


def _text(unit: Unit, f: _Thread, kernel: Kernel) -> str:
    """The kernel's function."""
    derived = [f"const int64_t {name} = {position(step, f).text};" for name, step in sorted(f.derived.items())]
    first = [f"__shared__ {_shared(unit, tile)};" for tile in (f.tiling.tiles if f.tiling else ())] + derived
    last = []
    if f.mentions("failed"):
        first = ["int32_t failed = 0;", *first]
        last.append("if (failed) polyopt_tell(0, 1);")
    if f.mentions("ctx"):
        first = ["struct polyopt_ctx context = {0}, *ctx = &context;", *first]
        last.append("if (context.failed) polyopt_tell(0, 1);")
    params = ", ".join(_parameter(unit, f, local) for local in ordered(f))
    span = kernel.span
    where = f"{comment(f'{kernel.name}: {span.file}:{span.lines}')}\n" if span.line else ""
    head = f"POLYOPT_GLOBAL void __launch_bounds__({THREADS}) {unit.symbol}({params})\n{{\n"
    lines = [*(INDENT + line for line in first), *([""] if first else []), *f.lines, *(INDENT + line for line in last)]
    return where + head + "".join(f"{line}\n" for line in lines) + "}\n"


def _shared(unit: Unit, tile: Tile) -> str:
    """The declaration of a copy."""
    return f"{c_type(unit.arrays[tile.array].dtype)} {unit.names.of(tile.name)}[{prod(tile.extents)}]"


def _parameter(unit: Unit, f: _Thread, local: Local) -> str:
    arg = f.args[local.name]
    if arg.kind != "data" or not unit.restrict(arg.source):
        return f"{local.declare}{local.name}"
    return f"{local.declare}POLYOPT_RESTRICT {local.name}"
