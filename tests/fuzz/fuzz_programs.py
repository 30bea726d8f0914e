"""Random programs in the language that polyopt understands, as source text.

Everything is drawn from one `random.Random`, so a seed names a program and Hypothesis can shrink one (`st.randoms`). The programs are
meant to be awkward rather than useful: shifted and overlapping accesses, bounds that meet, branches on data, scalars that live on,
updates in place, loops that do not run, indices that may be out of bounds (then the exception and the state it leaves are compared).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from fuzz_language import jump, steered, whole
from fuzz_outline import outlined
from fuzz_statements import expression_statement, statements, window
from fuzz_values import ArrayArgument, Iterator, Scope, array, condition, index, scalar, subscript

FLOATS = ("float64", "float64", "float64", "float32")
INTEGERS = ("int64", "int32", "uint8", "int16")
DTYPES = (*FLOATS, *INTEGERS, "complex128", "complex64", "bool")
SCALARS = {"s": ("f", 0.5), "c": ("i", 0.25), "z": ("c", 0.06), "w": ("f", 0.05), "x": ("f", 0.08), "h": ("i", 0.05)}
"""Scalar parameters, their kinds and how often a program has them (`fuzz_inputs` says which values they take)."""
ANNOTATIONS = {"s": "float", "c": "int", "z": "complex", "x": "np.float64"}
RANKS = (1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 3, 4)


@dataclass(frozen=True)
class Program:
    """`source` defines a function `name` (of the class `owner`, if it has one, with the sizes as attributes); `arrays` and `scalars` are
    its parameters in order, then `n` and `m`. Its types come from annotations, or from a profile of one kind of arrays or of two. `whole`
    is the same without helper functions, where there are some."""

    name: str
    source: str
    arrays: tuple[ArrayArgument, ...]
    scalars: tuple[str, ...]
    owner: str = ""
    annotated: bool = False
    twice: bool = False
    whole: str = ""

    @property
    def qualified(self) -> str:
        return f"{self.owner}.{self.name}" if self.owner else self.name

    def split(self, values: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
        """Arguments of a method, and what it finds in its object."""
        count = len(self.arrays)
        return list(values[:count]), dict(zip((*self.scalars, "n", "m"), values[count:], strict=True))

    @property
    def depth(self) -> int:
        """How many loops are in each other, those over elements included."""
        ranks = {array.name: len(array.extents) for array in self.arrays}
        return max(_depth(ast.parse(self.whole or self.source), ranks) + bool(self.whole), *ranks.values(), 1)


def _depth(node: ast.AST, ranks: dict[str, int]) -> int:
    match node:
        case ast.Name(id=name):
            return ranks.get(name, max(ranks.values()) if name[0] in "LV" else 0)
        case ast.Subscript(value=ast.Name() as base, slice=index):
            items = index.elts if isinstance(index, ast.Tuple) else [index]
            return max(0, _depth(base, ranks) - sum(not isinstance(item, ast.Slice | ast.Constant) for item in items))
    inside = max((_depth(child, ranks) for child in ast.iter_child_nodes(node)), default=0)
    return inside + isinstance(node, ast.For | ast.While | ast.ListComp | ast.GeneratorExp)


def program(random: Random, name: str = "f", helpers: bool = True) -> Program:
    """One random program. helpers: some have functions that they call."""
    made = _program(random, name)
    if helpers and random.random() < 0.25:
        return replace(made, source=outlined(made.source, name, random), whole=made.source)
    return made


def _program(random: Random, name: str) -> Program:
    main = random.choice(DTYPES)
    arrays = []
    for number in range(random.randint(1, 3)):
        extents = tuple(random.choice(("n", "n", "m")) for _ in range(random.choice(RANKS)))
        arrays.append(ArrayArgument("ABC"[number], main if random.random() < 0.8 else random.choice(DTYPES), extents))
    scalars = tuple(scalar for scalar, (_, share) in SCALARS.items() if random.random() < share)
    scope = Scope(random, {item.name: item for item in arrays}, {name: SCALARS[name][0] for name in scalars})
    body = _sizes(scope, arrays[0]) if random.random() < 0.2 else []
    for _ in range(random.randint(1, 4)):
        body += _statement(scope, 0)
    returned = [result for result in scope.results if random.random() < 0.8]
    if returned:
        body.append(f"return {', '.join(returned)}")
    parameters = [*(item.name for item in arrays), *scalars]
    if random.random() < 0.12 and not body[0].startswith("n"):
        return _method(name, body, tuple(arrays), scalars)
    annotated = set(scalars) <= set(ANNOTATIONS) and random.random() < 0.12
    if annotated:
        parameters = [f"{item.name}: NDArray[np.{item.dtype.replace('bool', 'bool_')}]" for item in arrays]
        parameters += [f"{item}: {ANNOTATIONS[item]}" for item in scalars] + ["n: int", "m: int"]
    else:
        parameters += ["n", "m"]
    text = f"def {name}({', '.join(parameters)}):\n" + "".join(f"    {row}\n" for row in body)
    return Program(name, text, tuple(arrays), scalars, annotated=annotated, twice=random.random() < 0.1)


def _sizes(scope: Scope, first: ArrayArgument) -> list[str]:
    """The sizes from the first array's shape, not from the caller."""
    names = [*first.extents]
    if len(set(names)) == len(names) and scope.chance(0.7):
        return [f"{', '.join(names)}{',' if len(names) == 1 else ''} = {first.name}.shape"]
    return [scope.random.choice((f"{names[0]} = len({first.name})", f"{names[-1]} = {first.name}.shape[-1]"))]


def _method(name: str, body: Sequence[str], arrays: tuple[ArrayArgument, ...], scalars: tuple[str, ...]) -> Program:
    """The same statements as a method of a class that keeps the sizes and the scalars."""
    rows = [re.sub(rf"\b({'|'.join(('n', 'm', *scalars))})\b", r"self.\1", row) for row in body]
    parameters = ", ".join(("self", *(item.name for item in arrays)))
    text = f"class K{name}:\n    def {name}({parameters}):\n" + "".join(f"        {row}\n" for row in rows)
    return Program(name, text, arrays, scalars, f"K{name}")


def _statement(scope: Scope, depth: int) -> list[str]:
    kinds: list[tuple[int, Callable[[Scope, int], list[str]]]] = [(4, _assign)]
    if depth < 3:
        kinds += [(5 if depth else 8, _loop)]
        kinds += [(1, _steered)]
    if depth:
        kinds += [(2, _branch), (1, _update_scalar), (1, _row), (1, _rare), (1, window)]
    else:
        kinds += [(2, _accumulation_loop), (1, _branch), *statements, *whole]
    chosen: Callable[[Scope, int], list[str]] = scope.random.choices([k for _, k in kinds], [w for w, _ in kinds])[0]
    return chosen(scope, depth)


def _indent(rows: Sequence[str]) -> list[str]:
    return [f"    {row}" for row in rows]


# ---- loops ----------------------------------------------------------------------------------------------------------------------


def _range(scope: Scope, size: str) -> tuple[str, int, int]:
    """The arguments of a `range` that mostly stays inside an axis of the given size, and by how much it stays away from its ends."""
    random = scope.random
    outer = [it for it in scope.iterators if it.size == size]
    step = random.choice((1, 1, 1, 1, 1, 2, -1, -1, 3, -2))
    if step < 0:
        choices = [(f"{size} - 1, -1, {step}", 0, 0), (f"{size} - 2, 0, {step}", 1, 1)]
        choices += [(f"{it.name}, -1, {step}", 0, it.high) for it in outer]
        choices += [(f"{size} - 1, {it.name}, {step}", it.low + 1, 0) for it in outer]
        return random.choice(choices)
    lowers = [("0", 0), ("0", 0), ("1", 1), ("2", 2)]
    lowers += [(f"{it.name} + 1", it.low + 1) for it in outer] + [(it.name, it.low) for it in outer]
    lowers += [(f"max({it.name} - 1, 0)", 0) for it in outer] + [("max(c, 0)", 0)] * ("c" in scope.scalars)
    lower, low = random.choice(lowers)
    uppers = [(size, 0), (size, 0), (f"{size} - 1", 1), (f"{size} - 2", 2)]
    uppers += [(f"min({it.name} + 2, {size})", 0) for it in outer] + [(f"{size} // 2", 0)]
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
    if scope.chance(0.04 if depth else 0.15):
        scope.results.append(name)
        if scope.chance(0.5) and not depth:
            loop.insert(0, f"{name} = -1")
    if scope.chance(0.03):
        loop += ["else:", *_indent(expression_statement(scope, depth))]
    return loop


def _steered(scope: Scope, depth: int) -> list[str]:
    """A loop that data steers, or over the elements of an array."""
    if len(scope.iterators) > 2:
        return _assign(scope, depth)
    make = scope.random.choices([make for _, make in steered], [weight for weight, _ in steered])[0]
    return make(scope, depth, _statement)


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
        return expression_statement(scope, depth)
    target = random.choice(list(scope.arrays.values()))
    sign = "=" if target.kind == "b" else random.choice(("=", "=", "=", "+=", "-=", "*=", "/=" if target.kind in "fc" else "//="))
    dtype = random.choice(("float64", "int64", "complex128")) if scope.chance(0.03) else target.dtype
    return [f"{target.name}{subscript(scope, target)} {sign} {scalar(scope, dtype, 3)}"]


def _branch(scope: Scope, depth: int) -> list[str]:
    inner = 3 if scope.iterators else 0
    rows = [f"if {condition(scope, 1)}:", *_indent(_statement(scope, inner))]
    if scope.chance(0.2):
        rows += [f"elif {condition(scope, 1)}:", *_indent(_statement(scope, inner))]
    if scope.chance(0.4):
        rows += ["else:", *_indent(_statement(scope, inner))]
    return rows


def _update_scalar(scope: Scope, depth: int) -> list[str]:
    own = [name for name in scope.scalars if name not in SCALARS]
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
    if target.extents[0] == target.extents[1] and scope.chance(0.2):  # a row from a column
        turned = f"{target.name}[:, {index(scope, it.size)}]" if axis == 0 else f"{target.name}[{index(scope, it.size)}]"
        return [f"{place} {sign} {random.choice((turned, f'{turned} * 2'))}"]
    return [f"{place} {sign} {array(scope, target.extents[1:] if axis == 0 else target.extents[:1], target.dtype, 2)}"]


def _rare(scope: Scope, depth: int) -> list[str]:
    target = scope.random.choice(list(scope.arrays.values()))
    match scope.random.randrange(5):
        case 4:
            return jump(scope, depth) if scope.chance(0.3) else _assign(scope, depth)
        case 0:
            last = scope.iterators[-1].name if scope.iterators else "0"
            out = scope.random.choice(("break", "continue", f"return {last}", f"return {scalar(scope, 'float64', 1)}"))
            return [f"if {condition(scope, 1)}:", f"    {out}"]
        case 1:
            first, second = subscript(scope, target), subscript(scope, target)
            return [f"{target.name}{first}, {target.name}{second} = {target.name}{second}, {target.name}{first}"]
        case 2:
            local = f"v{depth}"
            scope.results += [local] * scope.chance(0.2)
            return [f"{local} = {scalar(scope, target.dtype, 2)}", f"{target.name}{subscript(scope, target)} = {local}"]
        case _:
            return ["pass"] if scope.chance(0.1) else _assign(scope, depth)
