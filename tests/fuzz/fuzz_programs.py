"""Random programs in the language that polyopt understands, as source text.

Everything is drawn from one `random.Random`, so a seed names a program and Hypothesis can shrink one (`st.randoms`). The programs are
meant to be awkward rather than useful: shifted and overlapping accesses, bounds that meet, branches on data, scalars that live on,
updates in place, loops that do not run, indices that may be out of bounds (then the exception and the state it leaves are compared).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from fuzz_values import ArrayArgument, Iterator, Scope, array, condition, scalar, subscript

FLOATS = ("float64", "float64", "float64", "float32")
INTEGERS = ("int64", "int32")
DTYPES = (*FLOATS, *INTEGERS, "complex128", "complex64", "bool")


@dataclass(frozen=True)
class Program:
    """`source` defines a function `name` (of the class `owner`, if it has one, with the sizes as attributes); `arrays` and `scalars` are
    its parameters in order, then `n` and `m`."""

    name: str
    source: str
    arrays: tuple[ArrayArgument, ...]
    scalars: tuple[str, ...]
    owner: str = ""

    @property
    def qualified(self) -> str:
        return f"{self.owner}.{self.name}" if self.owner else self.name


def program(random: Random, name: str = "f") -> Program:
    """One random program."""
    main = random.choice(DTYPES)
    arrays = []
    for number in range(random.randint(1, 3)):
        extents = tuple(random.choice(("n", "n", "m")) for _ in range(random.choice((1, 1, 2, 2, 2, 3))))
        arrays.append(ArrayArgument("ABC"[number], main if random.random() < 0.8 else random.choice(DTYPES), extents))
    scalars = ("s",) if random.random() < 0.5 else ()
    scope = Scope(random, {item.name: item for item in arrays}, list(scalars))
    body: list[str] = []
    for _ in range(random.randint(1, 4)):
        body += _statement(scope, 0)
    returned = [result for result in scope.results if random.random() < 0.8]
    if returned:
        body.append(f"return {', '.join(returned)}")
    parameters = [*(item.name for item in arrays), *scalars]
    if random.random() < 0.12:
        return _method(name, body, parameters, tuple(arrays), scalars)
    text = f"def {name}({', '.join([*parameters, 'n', 'm'])}):\n" + "".join(f"    {row}\n" for row in body)
    return Program(name, text, tuple(arrays), scalars)


def _method(
    name: str, body: Sequence[str], parameters: Sequence[str], arrays: tuple[ArrayArgument, ...], scalars: tuple[str, ...]
) -> Program:
    """The same statements as a method of a class that keeps the sizes."""
    rows = [re.sub(r"\b([nm])\b", r"self.\1", row) for row in body]
    text = f"class K{name}:\n    def {name}({', '.join(['self', *parameters])}):\n" + "".join(f"        {row}\n" for row in rows)
    return Program(name, text, arrays, scalars, f"K{name}")


def _statement(scope: Scope, depth: int) -> list[str]:
    kinds: list[tuple[int, Callable[[Scope, int], list[str]]]] = [(4, _assign)]
    if depth < 3:
        kinds += [(5 if depth else 8, _loop)]
    if depth:
        kinds += [(2, _branch), (1, _update_scalar), (1, _row), (1, _rare)]
    else:
        kinds += [(5, _expression_statement), (2, _local_array), (3, _reduction), (2, _accumulation_loop), (2, _slice_update)]
        kinds += [(1, _scalar_name), (1, _product), (1, _leave), (1, _mask_statement)]
    chosen: Callable[[Scope, int], list[str]] = scope.random.choices([k for _, k in kinds], [w for w, _ in kinds])[0]
    return chosen(scope, depth)


def _indent(rows: Sequence[str]) -> list[str]:
    return [f"    {row}" for row in rows]


# ---- loops ----------------------------------------------------------------------------------------------------------------------


def _range(scope: Scope, size: str) -> tuple[str, int, int]:
    """The arguments of a `range` that mostly stays inside an axis of the given size, and by how much it stays away from its ends."""
    random = scope.random
    outer = [it for it in scope.iterators if it.size == size]
    step = random.choice((1, 1, 1, 1, 1, 2, -1, 3))
    if step < 0:
        choices = [(f"{size} - 1, -1, -1", 0, 0), (f"{size} - 2, 0, -1", 1, 1), *((f"{it.name}, -1, -1", 0, it.high) for it in outer)]
        return random.choice(choices)
    lowers = [("0", 0), ("0", 0), ("1", 1), ("2", 2)]
    lowers += [(f"{it.name} + 1", it.low + 1) for it in outer] + [(it.name, it.low) for it in outer]
    lower, low = random.choice(lowers)
    uppers = [(size, 0), (size, 0), (f"{size} - 1", 1), (f"{size} - 2", 2)]
    upper, high = random.choice(uppers + [(it.name, it.high + 1) for it in outer if it.name not in lower])
    if lower == "0" and step == 1:
        return upper, low, high
    return f"{lower}, {upper}{'' if step == 1 else f', {step}'}", low, high


def _loop(scope: Scope, depth: int) -> list[str]:
    random = scope.random
    size = random.choice(("n", "n", "m"))
    name = "ijkl"[len(scope.iterators)]
    text, low, high = _range(scope, size)
    scope.iterators.append(Iterator(name, size, low, high))
    rows: list[str] = []
    for _ in range(random.choice((1, 1, 2, 3))):
        rows += _statement(scope, depth + 1)
    scope.iterators.pop()
    loop = [f"for {name} in range({text}):", *_indent(rows)]
    if not depth and scope.chance(0.12):
        scope.results.append(name)
        if scope.chance(0.5):
            loop.insert(0, f"{name} = -1")
    if scope.chance(0.03):
        loop += ["else:", *_indent(_expression_statement(scope, depth))]
    return loop


def _accumulation_loop(scope: Scope, depth: int) -> list[str]:
    random = scope.random
    name, size = scope.new("t"), random.choice(("n", "m"))
    text, low, high = _range(scope, size)
    scope.iterators.append(Iterator("i", size, low, high))
    value = scalar(scope, random.choice(("float64", "int64")), 2)
    update = [f"{name} {random.choice(('+=', '+=', '-=', '*='))} {value}"]
    if scope.chance(0.3):
        update = [f"if {condition(scope, 1)}:", f"    {name} = {value}"]
    scope.iterators.pop()
    scope.results.append(name)
    return [f"{name} = {random.choice(('0.0', '0', '1.0'))}", f"for i in range({text}):", *_indent(update)]


# ---- statements in loops ----------------------------------------------------------------------------------------------------------


def _assign(scope: Scope, depth: int) -> list[str]:
    random = scope.random
    if not scope.iterators:
        return _expression_statement(scope, depth)
    target = random.choice(list(scope.arrays.values()))
    sign = "=" if target.kind == "b" else random.choice(("=", "=", "=", "+=", "-=", "*="))
    return [f"{target.name}{subscript(scope, target)} {sign} {scalar(scope, target.dtype, 3)}"]


def _branch(scope: Scope, depth: int) -> list[str]:
    rows = [f"if {condition(scope, 1)}:", *_indent(_statement(scope, 3))]
    if scope.chance(0.2):
        rows += [f"elif {condition(scope, 1)}:", *_indent(_statement(scope, 3))]
    if scope.chance(0.4):
        rows += ["else:", *_indent(_statement(scope, 3))]
    return rows


def _update_scalar(scope: Scope, depth: int) -> list[str]:
    own = [name for name in scope.floats if name != "s"]
    if not own:
        return _assign(scope, depth)
    name = scope.random.choice(own)
    value = scalar(scope, "float64", 2)
    return [scope.random.choice((f"{name} = {value}", f"{name} += {value}", f"{name} = max({name}, {value})"))]


def _row(scope: Scope, depth: int) -> list[str]:
    """A row or a column by a loop's variable."""
    random = scope.random
    fitting = [(a, it) for a in scope.arrays.values() for it in scope.iterators if len(a.extents) == 2 and it.size in a.extents]
    if not fitting:
        return _assign(scope, depth)
    target, it = random.choice(fitting)
    axis = target.extents.index(it.size)
    place = f"{target.name}[{it.name}, :]" if axis == 0 else f"{target.name}[:, {it.name}]"
    if axis == 0 and scope.chance(0.3):
        place = f"{target.name}[{it.name}]"
    sign = "=" if target.kind == "b" else random.choice(("=", "=", "+=", "*="))
    return [f"{place} {sign} {array(scope, target.extents[1:] if axis == 0 else target.extents[:1], target.dtype, 2)}"]


def _rare(scope: Scope, depth: int) -> list[str]:
    target = scope.random.choice(list(scope.arrays.values()))
    match scope.random.randrange(4):
        case 0:
            return [f"if {condition(scope, 1)}:", f"    {scope.random.choice(('break', 'continue'))}"]
        case 1:
            first, second = subscript(scope, target), subscript(scope, target)
            return [f"{target.name}{first}, {target.name}{second} = {target.name}{second}, {target.name}{first}"]
        case 2:
            local = f"v{depth}"
            return [f"{local} = {scalar(scope, target.dtype, 2)}", f"{target.name}{subscript(scope, target)} = {local}"]
        case _:
            return ["pass"] if scope.chance(0.1) else _assign(scope, depth)


# ---- statements outside loops -----------------------------------------------------------------------------------------------------


def _expression_statement(scope: Scope, depth: int) -> list[str]:
    random = scope.random
    like = random.choice(list(scope.arrays.values()))
    value = array(scope, like.extents, like.dtype, 3)
    if scope.chance(0.4):
        return [f"{like.name}{random.choice(('[...]', '[:]'))} = {value}"]
    if scope.chance(0.3) and like.kind != "b":
        return [f"{like.name} {random.choice(('+=', '-=', '*='))} {value}"]
    name = scope.new("r")
    scope.results.append(name)
    return [f"{name} = {like.name} * 1 + {value}" if random.random() < 0.6 and like.kind != "b" else f"{name} = {value}"]


def _local_array(scope: Scope, depth: int) -> list[str]:
    random = scope.random
    like = random.choice(list(scope.arrays.values()))
    name, shape = scope.new("L"), f"({', '.join(like.extents)},)"
    dtype = "" if like.dtype == "float64" else f", dtype=np.{like.dtype if like.dtype != 'bool' else 'bool_'}"
    makers = (f"np.zeros({shape}{dtype})", f"np.ones({shape}{dtype})", f"np.zeros_like({like.name})", f"np.full({shape}, 2{dtype})")
    how = random.choice((*makers, f"np.empty_like({like.name})", f"{like.name}.copy()"))
    scope.results.append(name)
    scope.arrays[name] = ArrayArgument(name, "int64" if "full" in how and not dtype else like.dtype, like.extents)
    return [f"{name} = {how}", *([f"{name}[...] = {random.choice(('1', '0'))}"] if "empty" in how else [])]


def _reduction(scope: Scope, depth: int) -> list[str]:
    random = scope.random
    source = random.choice(list(scope.arrays.values()))
    axis = random.choice(["", "", *(f"axis={k}" for k in range(-1, len(source.extents)))])
    if axis and scope.chance(0.3):
        axis += ", keepdims=True"
    function = random.choice(("sum", "sum", "mean", "max", "min"))
    name = scope.new("q")
    scope.results.append(name)
    value = source.name if scope.chance(0.6) else array(scope, source.extents, source.dtype, 2)
    if value == source.name and scope.chance(0.5):
        return [f"{name} = {value}.{function}({axis})"]
    text = f"np.{function}({value}{', ' + axis if axis else ''})"
    if scope.chance(0.3):
        text = f"{source.name} - {text}" if source.kind in "fc" and ("keepdims" in axis or not axis) else f"{text} * 2"
    return [f"{name} = {text}"]


def _slice_update(scope: Scope, depth: int) -> list[str]:
    random = scope.random
    target = scope.any_array("iufc") or next(iter(scope.arrays.values()))
    a = target.name
    if target.kind == "b":
        return [f"{a}[1:] = {a}[:-1]"]
    rest = ", :" * (len(target.extents) - 1)
    left, right, middle = f"{a}[:-2{rest}]", f"{a}[2:{rest}]", f"{a}[1:-1{rest}]"
    if scope.chance(0.3):
        last = "..., " if len(target.extents) > 1 else ""
        left, right, middle = f"{a}[{last}:-2]", f"{a}[{last}2:]", f"{a}[{last}1:-1]"
    values = [f"{left} + {right}", f"{left} - {middle} + {right}", f"{middle} * 2 - {left}", right]
    if scope.chance(0.25):
        return [f"{a}[::2{rest}] = {random.choice((f'{a}[::2{rest}] * 3', '2', f'{a}[::2{rest}][::-1]'))}"]
    return [f"{middle} {random.choice(('=', '+=', '='))} {random.choice(values)}"]


def _scalar_name(scope: Scope, depth: int) -> list[str]:
    name = scope.new("u")
    start = scope.random.choice(("0.0", "1.0", "0", scalar(scope, "float64", 1)))
    scope.floats.append(name)
    scope.results.append(name)
    return [f"{name} = {start}"]


def _product(scope: Scope, depth: int) -> list[str]:
    arrays = [a for a in scope.arrays.values() if len(a.extents) <= 2]
    pairs = [(a, b) for a in arrays for b in arrays if a.extents[-1] == b.extents[-2 if len(b.extents) == 2 else -1]]
    if not pairs:
        return _reduction(scope, depth)
    a, b = scope.random.choice(pairs)
    name = scope.new("p")
    scope.results.append(name)
    return [f"{name} = {scope.random.choice((f'{a.name} @ {b.name}', f'np.dot({a.name}, {b.name})', f'{a.name}.dot({b.name})'))}"]


def _leave(scope: Scope, depth: int) -> list[str]:
    """An early return, on sizes or data."""
    result = scope.random.choice(("None", next(iter(scope.arrays)), *scope.results[:1]))
    test = scope.random.choice(("n > 6", "m == 2", *(f"{name} > 1.0" for name in scope.floats)))
    return [f"if {test}:", f"    return {result}"]


def _mask_statement(scope: Scope, depth: int) -> list[str]:
    target = scope.any_array("iuf")
    if target is None:
        return _expression_statement(scope, depth)
    name = scope.new("k")
    scope.results.append(name)
    test = array(scope, target.extents, "bool", 2)
    return [f"{name} = {test}", f"{target.name}[...] = np.where({name}, {target.name}, {array(scope, target.extents, target.dtype, 1)})"]
