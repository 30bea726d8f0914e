"""The host's part of a GPU run as Python text: arrays, launches, and the loops around them.

    def heat_0_v0(gpu, n, m, steps):
        A = gpu.argument("A", (n, m))
        B = gpu.argument("B", (n, m))
        for step in range(0, steps):
            gpu.launch("heat_0_v0_s0", (n - 2, m - 2), m, n, A.at, B.at, A.steps[0], B.steps[0])
            gpu.launch("heat_0_v0_s1", (n - 2, m - 2), m, n, A.at, B.at, A.steps[0], B.steps[0])

`gpu` is `runtime/gpu_target.Run`. The extents of a launch, outer loop first, only size its grid (loops over threads go by the number of
threads), so where an inner loop's bounds depend on an outer one, the widest extent is taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from setuptools_polyopt.codegen import affine
from setuptools_polyopt.codegen.cuda import CudaArg, CudaKernel
from setuptools_polyopt.codegen.intervals import interval
from setuptools_polyopt.codegen.products import Part, Product
from setuptools_polyopt.codegen.python import python_expression, python_name, python_tuple
from setuptools_polyopt.codegen.work import Middles, added, block_work, number, on_gpu, product, trips, with_loop
from setuptools_polyopt.exhaustive import assert_never
from setuptools_polyopt.ir.expressions import Const, Expr
from setuptools_polyopt.ir.kernel import Array, Kernel, Layout, Role
from setuptools_polyopt.ir.statements import For

UNKNOWN_EXTENT = 4096
"""Iterations of a loop whose extent cannot be told from the host: enough threads to fill a GPU."""


@dataclass(frozen=True, slots=True)
class Around:
    """A loop of the host around launches."""

    loop: For
    body: tuple[Launch, ...]


Launch: TypeAlias = "CudaKernel | Product | Around"


Box: TypeAlias = "tuple[tuple[Expr, Expr], ...]"


def host_function(
    name: str, kernel: Kernel, launches: Sequence[Launch], temporaries: Sequence[Array], boxes: Mapping[str, tuple[Box, Box | None]]
) -> str:
    """Text of the function that runs a kernel.

    kernel: as scheduled. temporaries: those that outlive a launch. boxes: what the kernel touches of an argument, and what it writes.
    """
    params = [python_name(param.name) for param in kernel.params]
    inputs = [python_name(array.name) for array in kernel.arrays if array.role is Role.INPUT]
    own = [array for array in kernel.arrays if array.role in (Role.ARGUMENT, Role.RESULT)]
    lines = [f"def {name}({', '.join(['gpu', *params, *inputs])}):"]
    for array in own:
        parts = [_quoted(array.name), _extents(array), *_boxes(array, boxes.get(array.name)), *_order(array)]
        lines.append(f"    {python_name(array.name)} = gpu.argument({', '.join(parts)})")
    more = _all(launches, temporaries)
    for array in more:
        parts = [_quoted(array.dtype.value), _extents(array), *_order(array)]
        lines.append(f"    {python_name(array.name)} = gpu.temporary({', '.join(parts)})")
    lines += _lines(launches, "    ")
    count, chain = _cost(launches, {})
    head = f"({', '.join([*params, *inputs])}):\n    return "
    functions = [f"def {name}_launches{head}{python_expression(count)}", f"def {name}_chain{head}{python_expression(chain)}"]
    return "\n\n\n".join(["\n".join(lines), *functions]) + "\n"


def _cost(launches: Sequence[Launch], middles: Middles) -> tuple[Expr, Expr]:
    """How many launches there are, and how many operations a thread does in all of them, one after the other."""
    count: Expr = number(0.0)
    chain: Expr = number(0.0)
    more: Expr
    work: Expr
    for item in launches:
        if isinstance(item, Product):
            more, work = number(1.0), number(0.0)
        elif isinstance(item, CudaKernel):
            known = dict(middles)
            for loop in item.loops:
                known = with_loop(loop, known)
            more, work = number(1.0), block_work(item.body, known, on_gpu)
        else:
            times = trips(item.loop, middles).expr()
            more, work = (product(times, part) for part in _cost(item.body, with_loop(item.loop, middles)))
        count, chain = added(count, more), added(chain, work)
    return count, chain


def _trips(lower: Expr, upper: Expr, step: int) -> str:
    if step == 1:
        return python_expression(affine.minus(upper, lower))
    return f"-(({python_expression(affine.minus(lower, upper))}) // {step})"


def _all(launches: Sequence[Launch], temporaries: Sequence[Array]) -> Iterator[Array]:
    yield from temporaries
    for item in launches:
        if isinstance(item, CudaKernel):
            yield from item.arrays
        elif isinstance(item, Around):
            yield from _all(item.body, ())


def _quoted(text: str) -> str:
    return f'"{text}"'


def _extents(array: Array) -> str:
    """The extents that kernels see; a scalar result is one element."""
    return python_tuple(map(python_expression, array.extents)) if array.rank else "(1,)"


def _order(array: Array) -> Iterator[str]:
    if array.layout is Layout.FORTRAN:
        yield 'order="F"'


def _boxes(array: Array, boxes: tuple[Box, Box | None] | None) -> Iterator[str]:
    """The box that is touched and the one that is written, where they are not the whole array and the same."""
    if boxes is None:
        return
    touched, written = boxes
    if touched != tuple((affine.ZERO, extent) for extent in array.extents):
        yield f"touched={_box(touched)}"
    if written is not None and written != touched:
        yield f"written={_box(written)}"


def _box(box: Box) -> str:
    return python_tuple(f"({python_expression(low)}, {python_expression(high)})" for low, high in box)


def _lines(launches: Sequence[Launch], pad: str) -> Iterator[str]:
    for item in launches:
        match item:
            case CudaKernel():
                extents = python_tuple(_grid(item.loops)) if item.loops else "()"
                call = "launch_tiles" if item.sides else "launch_blocks" if item.blocks else "launch"
                sides = [python_tuple(map(str, item.sides))] if item.sides else []
                yield f"{pad}gpu.{call}({', '.join([_quoted(item.symbol), extents, *sides, *map(_argument, item.args)])})"
            case Product(target=target, left=left, right=right):
                yield f"{pad}gpu.multiply_add({', '.join(map(_part, (target, left, right)))})"
            case Around(loop=loop, body=body):
                ends = [python_expression(loop.lower), python_expression(loop.upper)]
                step = [str(loop.step)] if loop.step != 1 else []
                yield f"{pad}for {python_name(loop.var)} in range({', '.join(ends + step)}):"
                yield from _lines(body, pad + "    ")
            case _:
                assert_never(item)


def _part(part: Part) -> str:
    box = ", ".join(f"({python_expression(low)}, {python_expression(high)})" for low, high in part.box)
    return f"{python_name(part.array)}.part({box}){'.T' if part.turned else ''}"


def _argument(arg: CudaArg) -> str:
    name = python_name(arg.source)
    match arg.kind:
        case "symbol" | "input":
            return name
        case "data":
            return f"{name}.at"
        case "stride":
            return f"{name}.steps[{arg.axis}]"
        case _:
            assert_never(arg.kind)


def _grid(loops: Sequence[For]) -> Iterator[str]:
    """Iterations of each loop, or the most that it can have."""
    ranges: dict[str, tuple[Expr, Expr]] = {}
    for loop in loops:
        low, high = interval(loop.lower, ranges), interval(loop.upper, ranges)
        if low is None or high is None:
            yield str(UNKNOWN_EXTENT)
            continue
        yield _trips(low[0], high[1], loop.step)
        ranges[loop.var] = (low[0], affine.plus(high[1], Const(-1, loop.upper.dtype)))
