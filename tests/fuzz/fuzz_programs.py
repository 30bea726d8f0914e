"""Random programs in the language that polyopt understands, as source text, with the inputs to run them on.

Everything is drawn from one `random.Random`, so a seed names a program and Hypothesis can shrink one (`st.randoms`). The programs are
meant to be awkward rather than useful: shifted and overlapping accesses, bounds that meet, branches on data, scalars that live on,
updates in place, loops that do not run, indices that may be out of bounds (then the exception and the state it leaves are compared).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np

FLOATS = ("float64", "float64", "float64", "float32")
INTEGERS = ("int64", "int32")
DTYPES = (*FLOATS, *INTEGERS, "complex128", "complex64", "bool")


@dataclass(frozen=True)
class ArrayArgument:
    """A parameter that gets an array: `extents` name the sizes `n` and `m`."""

    name: str
    dtype: str
    extents: tuple[str, ...]


@dataclass(frozen=True)
class Program:
    """`source` defines a function `name`; `arrays` and `scalars` (name, "int"/"float") are its parameters in order, then `n` and `m`."""

    name: str
    source: str
    arrays: tuple[ArrayArgument, ...]
    scalars: tuple[tuple[str, str], ...]

    @property
    def parameters(self) -> tuple[str, ...]:
        return (*(array.name for array in self.arrays), *(name for name, _ in self.scalars), "n", "m")


@dataclass
class _Scope:
    """What a statement may use: arrays (name -> dtype, extents), scalars by kind, loop iterators with their bound."""

    random: Random
    arrays: dict[str, ArrayArgument]
    floats: list[str]
    iterators: list[tuple[str, str]] = field(default_factory=list)
    fresh: int = 0
    results: list[str] = field(default_factory=list)

    def new(self, stem: str) -> str:
        self.fresh += 1
        return f"{stem}{self.fresh}"


def program(random: Random, name: str = "f") -> Program:
    """One random program."""
    count = random.randint(1, 3)
    main = random.choice(DTYPES)
    arrays = []
    for index in range(count):
        rank = random.choice((1, 1, 2, 2, 2, 3))
        extents = tuple(random.choice(("n", "n", "m")) for _ in range(rank))
        dtype = main if random.random() < 0.8 else random.choice(DTYPES)
        arrays.append(ArrayArgument("ABC"[index], dtype, extents))
    scalars = (("s", "float"),) if random.random() < 0.5 else ()
    scope = _Scope(random, {array.name: array for array in arrays}, [name for name, _ in scalars])
    body: list[str] = []
    for _ in range(random.randint(1, 4)):
        body += _statement(scope, 0)
    returned = [result for result in scope.results if random.random() < 0.8]
    if returned:
        body.append(f"return {', '.join(returned)}")
    made = Program(name, "", tuple(arrays), scalars)
    text = f"def {name}({', '.join(made.parameters)}):\n" + "".join(f"    {row}\n" for row in body)
    return Program(name, text, made.arrays, scalars)


def _statement(scope: _Scope, depth: int) -> list[str]:
    random = scope.random
    kinds: list[tuple[int, Callable[[_Scope, int], list[str]]]] = [(4, _assign)]
    if depth < 3:
        kinds += [(5 if depth else 8, _loop)]
    if depth:
        kinds += [(2, _branch), (2, _accumulate)]
    else:
        kinds += [(4, _expression_statement), (2, _local_array), (2, _reduction), (2, _accumulation_loop), (2, _slice_update)]
    chosen: Callable[[_Scope, int], list[str]] = random.choices([k for _, k in kinds], [w for w, _ in kinds])[0]
    return chosen(scope, depth)


def _indent(rows: Sequence[str]) -> list[str]:
    return [f"    {row}" for row in rows]


def _bound(scope: _Scope, size: str) -> tuple[str, str, int]:
    """lower, upper, step of a range that mostly stays inside an axis of the given size."""
    random = scope.random
    outer = [name for name, bound in scope.iterators if bound == size]
    lower = random.choice(["0", "0", "1", "2", *outer, *(f"{name} + 1" for name in outer)])
    upper = random.choice([size, size, f"{size} - 1", f"{size} - 2", *outer])
    step = random.choice((1, 1, 1, 1, 2, -1, 3))
    if step < 0:
        lower, upper = random.choice([(f"{size} - 1", "-1"), (f"{size} - 2", "0"), *((name, "-1") for name in outer)])
    return lower, upper, step


def _loop(scope: _Scope, depth: int) -> list[str]:
    random = scope.random
    size = random.choice(("n", "n", "m"))
    name = "ijkl"[len(scope.iterators)]
    lower, upper, step = _bound(scope, size)
    header = f"for {name} in range({lower}, {upper}{'' if step == 1 else f', {step}'}):"
    if lower == "0" and step == 1:
        header = f"for {name} in range({upper}):"
    scope.iterators.append((name, size))
    rows: list[str] = []
    for _ in range(random.choice((1, 1, 2, 3))):
        rows += _statement(scope, depth + 1)
    scope.iterators.pop()
    return [header, *_indent(rows)]


def _subscript(scope: _Scope, array: ArrayArgument) -> str | None:
    """A subscript by iterators of the right sizes (or constants); None where none fits."""
    random = scope.random
    parts = []
    for extent in array.extents:
        fitting = [name for name, bound in scope.iterators if bound == extent]
        choices = [f"{name}{offset}" for name in fitting for offset in ("", "", "", " - 1", " + 1", " - 2")]
        choices += [f"{extent} - 1 - {name}" for name in fitting]
        if not choices or random.random() < 0.1:
            choices = ["0", "-1", "1"]
        parts.append(random.choice(choices))
    if random.random() < 0.15 and len(parts) > 1:
        return "".join(f"[{part}]" for part in parts)
    return f"[{', '.join(parts)}]"


def _assign(scope: _Scope, depth: int) -> list[str]:
    random = scope.random
    if not scope.iterators:
        return _expression_statement(scope, depth)
    target = random.choice(list(scope.arrays.values()))
    sign = random.choice(("=", "=", "=", "+=", "-=", "*="))
    if target.dtype == "bool":
        sign = "="
    value = _value(scope, target.dtype, 3)
    return [f"{target.name}{_subscript(scope, target)} {sign} {value}"]


def _value(scope: _Scope, dtype: str, budget: int) -> str:
    """A scalar expression that may be stored into an element of `dtype`."""
    random = scope.random
    kind = np.dtype(dtype).kind
    if kind == "b":
        left, right = _value(scope, "float64", 1), _value(scope, "float64", 1)
        return f"{left} {random.choice(('<', '>', '<=', '==', '!='))} {right}"
    order = "biufc"
    fitting = [a for a in scope.arrays.values() if order.index(np.dtype(a.dtype).kind) <= order.index(kind) and a.dtype != "bool"]
    leaves = [f"{a.name}{_subscript(scope, a)}" for a in fitting] * 3
    leaves += [str(random.randint(-2, 3))]
    if kind != "i":
        leaves += [str(random.choice((0.5, -1.5, 0.25, 3.0))), *scope.floats]
    if scope.iterators:
        leaves.append(random.choice(scope.iterators)[0])
    if budget == 0 or random.random() < 0.25:
        return random.choice(leaves)
    left, right = _value(scope, dtype, budget - 1), _value(scope, dtype, budget - 1)
    operator = random.choice(("+", "-", "*") if kind in "ic" else ("+", "-", "*", "*", "/"))
    if kind == "i" and random.random() < 0.15:
        operator = random.choice(("//", "%"))
    text = f"({left} {operator} {right})"
    if kind == "f" and random.random() < 0.1:
        text = f"{random.choice(('abs', 'np.sqrt', 'np.exp', 'math.sin', 'np.abs', 'max', 'min'))}({left}{'' if random.random() < 2 else ''})"
        if text.startswith(("max", "min")):
            text = f"{text[:3]}({left}, {right})"
    return text


def _branch(scope: _Scope, depth: int) -> list[str]:
    random = scope.random
    names = [name for name, _ in scope.iterators]
    affine = [f"{a} < {b}" for a in names for b in names if a != b] + [f"{names[0]} > 1", f"{names[-1]} != 2", f"{names[-1]} % 2 == 0"]
    test = random.choice(affine) if random.random() < 0.5 else _value(scope, "bool", 1)
    rows = [f"if {test}:", *_indent(_statement(scope, 3))]
    if random.random() < 0.4:
        rows += ["else:", *_indent(_statement(scope, 3))]
    return rows


def _accumulate(scope: _Scope, depth: int) -> list[str]:
    return _assign(scope, depth)


def _accumulation_loop(scope: _Scope, depth: int) -> list[str]:
    random = scope.random
    name = scope.new("t")
    size = random.choice(("n", "m"))
    scope.iterators.append(("i", size))
    value = _value(scope, random.choice(("float64", "int64")), 2)
    scope.iterators.pop()
    start = random.choice(("0.0", "0", "1.0"))
    scope.results.append(name)
    return [f"{name} = {start}", f"for i in range({size}):", f"    {name} {random.choice(('+=', '+=', '-=', '*='))} {value}"]


def _array_value(scope: _Scope, extents: tuple[str, ...], dtype: str, budget: int) -> str:
    """An array expression of the given extents (by broadcasting)."""
    random = scope.random
    kind = np.dtype(dtype).kind
    order = "biufc"
    fitting = [
        a.name
        for a in scope.arrays.values()
        if a.extents == extents[len(extents) - len(a.extents) :] and order.index(np.dtype(a.dtype).kind) <= order.index(kind) and a.dtype != "bool"
    ]
    leaves = fitting * 4 + ["2", "-1"] + (["0.5", "2.0", *scope.floats] if kind in "fc" else [])
    if budget == 0 or (random.random() < 0.2 and fitting):
        return random.choice(leaves)
    left, right = _array_value(scope, extents, dtype, budget - 1), _array_value(scope, extents, dtype, budget - 1)
    if kind == "f" and random.random() < 0.2:
        return f"np.{random.choice(('exp', 'sqrt', 'abs', 'sin', 'tanh', 'square', 'floor'))}({left})"
    if kind == "f" and random.random() < 0.1:
        return f"np.{random.choice(('maximum', 'minimum'))}({left}, {right})"
    if kind == "f" and random.random() < 0.1:
        return f"np.where({left} < {right}, {right}, {left})"
    if kind == "f" and random.random() < 0.08:
        return f"({left})**{random.choice(('2', '3', '0.5'))}"
    operator = random.choice(("+", "-", "*", "/") if kind in "fc" else ("+", "-", "*"))
    return f"({left} {operator} {right})"


def _expression_statement(scope: _Scope, depth: int) -> list[str]:
    random = scope.random
    like = random.choice(list(scope.arrays.values()))
    value = _array_value(scope, like.extents, like.dtype, 3)
    if like.dtype == "bool":
        return [f"{like.name}[...] = True"]
    if random.random() < 0.4:
        return [f"{like.name}{random.choice(('[...]', '[:]'))} = {value}"]
    if random.random() < 0.3:
        return [f"{like.name} {random.choice(('+=', '-=', '*='))} {value}"]
    name = scope.new("r")
    scope.results.append(name)
    return [f"{name} = {like.name} * 1 + {value}" if random.random() < 0.7 else f"{name} = {value}"]


def _local_array(scope: _Scope, depth: int) -> list[str]:
    random = scope.random
    like = random.choice(list(scope.arrays.values()))
    name = scope.new("L")
    shape = f"({', '.join(like.extents)},)"
    dtype = "" if like.dtype == "float64" else f", dtype=np.{like.dtype if like.dtype != 'bool' else 'bool_'}"
    how = random.choice([f"np.zeros({shape}{dtype})", f"np.ones({shape}{dtype})", f"np.zeros_like({like.name})", f"np.full({shape}, 2{dtype})"])
    scope.results.append(name)
    scope.arrays[name] = ArrayArgument(name, like.dtype if "full" not in how or dtype else "int64", like.extents)
    return [f"{name} = {how}"]


def _reduction(scope: _Scope, depth: int) -> list[str]:
    random = scope.random
    array = random.choice(list(scope.arrays.values()))
    name = scope.new("q")
    axis = random.choice(["", *(f"axis={k}" for k in range(-1, len(array.extents)))])
    function = random.choice(("sum", "sum", "mean", "max", "min"))
    scope.results.append(name)
    if random.random() < 0.5:
        return [f"{name} = {array.name}.{function}({axis})"]
    return [f"{name} = np.{function}({array.name}{', ' + axis if axis else ''})"]


def _slice_update(scope: _Scope, depth: int) -> list[str]:
    random = scope.random
    array = random.choice([a for a in scope.arrays.values() if a.dtype != "bool"] or [next(iter(scope.arrays.values()))])
    if array.dtype == "bool":
        return [f"{array.name}[1:] = {array.name}[:-1]"]
    rest = ", :" * (len(array.extents) - 1)
    a = array.name
    left, right, middle = f"{a}[:-2{rest}]", f"{a}[2:{rest}]", f"{a}[1:-1{rest}]"
    value = random.choice((f"{left} + {right}", f"{left} - {middle} + {right}", f"{middle} * 2 - {left}", f"{right}"))
    return [f"{middle} {random.choice(('=', '+=', '='))} {value}"]


# ---- inputs ---------------------------------------------------------------------------------------------------------------------

LAYOUTS = ("C", "C", "C", "C", "F", "strided", "reversed", "offset", "readonly", "swapped", "unaligned", "broadcast", "subclass")


class Foreign(np.ndarray):
    """A subclass: every guard must refuse it."""


def inputs(random: Random, made: Program, plain: bool = False) -> list[Any]:
    """Arguments for one call; calling it twice with equal generators gives equal arguments that share no memory with each other.

    plain: ordinary arrays of ordinary values and sizes (what a test suite would use, and what the profile is taken from).
    """
    n = random.choice((4, 5, 7)) if plain else random.choice((0, 1, 2, 3, 5, 6, 9))
    m = random.choice((3, 5)) if plain else random.choice((n, 0, 1, 2, 4, 7))
    wild = not plain and random.random() < 0.3
    values: list[Any] = []
    for array in made.arrays:
        shape = tuple({"n": n, "m": m}[extent] for extent in array.extents)
        if wild and random.random() < 0.2:
            shape = tuple(random.choice((extent, extent, extent + 1)) for extent in shape)
        values.append(_array(random, array.dtype, shape, "C" if not wild else random.choice(LAYOUTS), plain))
    if wild and random.random() < 0.25 and len(values) > 1 and values[0].ndim == values[1].ndim:
        values[1] = values[0] if random.random() < 0.5 else values[0][..., ::1]
    for _, kind in made.scalars:
        values.append(random.choice((0.5, 2.0, -1.25) if plain else (0.5, 0.0, -0.0, float("inf"), float("nan"), 1e300, np.float64(2.5), 3)))
    if wild and random.random() < 0.2:
        n += random.choice((-1, 1))
    return [*values, n, m]


def _array(random: Random, dtype: str, shape: tuple[int, ...], layout: str, plain: bool) -> Any:
    generator = np.random.default_rng(random.getrandbits(32))
    kind = np.dtype(dtype).kind
    if kind == "b":
        full = generator.integers(0, 2, shape).astype(bool)
    elif kind == "i":
        full = generator.integers(-6, 7, shape).astype(dtype)
    else:
        full = generator.normal(size=shape).astype(dtype)
        if kind == "c":
            full = (full + 1j * generator.normal(size=shape)).astype(dtype)
    if not plain and full.size and random.random() < 0.3:
        specials = {"f": [0.0, -0.0, np.inf, -np.inf, np.nan, 1e300, 5e-324], "c": [0, 1e300, np.inf], "i": [2**31 - 1, -(2**31), 0], "b": [True]}[kind]
        with np.errstate(all="ignore"):
            for _ in range(random.randint(1, 3)):
                full.reshape(-1)[random.randrange(full.size)] = np.array(random.choice(specials)).astype(dtype)
    return _lay_out(full, layout)


def _lay_out(full: Any, layout: str) -> Any:
    match layout:
        case "F":
            return np.asfortranarray(full)
        case "strided":
            wide = np.zeros((*full.shape[:-1], full.shape[-1] * 2), full.dtype)
            wide[..., ::2] = full
            return wide[..., ::2]
        case "reversed":
            return full[::-1].copy()[::-1]
        case "offset":
            tall = np.zeros((full.shape[0] + 2, *full.shape[1:]), full.dtype)
            tall[1:-1] = full
            return tall[1:-1]
        case "readonly":
            full.flags.writeable = False
            return full
        case "swapped":
            return full.astype(full.dtype.newbyteorder())
        case "unaligned":
            raw = np.zeros(full.nbytes + 1, np.uint8)
            moved = raw[1:].view(full.dtype).reshape(full.shape)
            moved[...] = full
            return moved
        case "broadcast":
            return np.broadcast_to(full[:1], full.shape) if full.shape[0] else full
        case "subclass":
            return full.view(Foreign)
        case _:
            return full
