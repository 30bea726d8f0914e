"""Random programs on lists of numbers, and lists for them: ordinary ones, and those that guards exist for.

Rows under other names, local lists, comprehensions, sums that begin with 0, lists that change places, loops over rows and elements; ragged
lists, elements of other types, nans, rows that are one object, one list given twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np
from fuzz_programs import Program, program
from fuzz_values import ArrayArgument

_KINDS = {"float64": "f", "int64": "i", "complex128": "c", "bool": "b"}
_RANKS = (1, 1, 1, 2, 2, 2, 3)
_INDENT = "    "


@dataclass
class _Scope:
    """What a statement may use: lists by name, loop variables with their sizes, names worth returning."""

    random: Random
    lists: dict[str, ArrayArgument]
    loops: list[tuple[str, str]] = field(default_factory=list)
    numbers: dict[str, str] = field(default_factory=dict)
    results: list[str] = field(default_factory=list)
    fresh: int = 0

    def new(self, stem: str) -> str:
        self.fresh += 1
        return f"{stem}{self.fresh}"

    def chance(self, share: float) -> bool:
        return self.random.random() < share


def list_program(random: Random, name: str = "f") -> Program:
    """One random program on lists."""
    main = random.choice(("float64", "float64", "float64", "int64", "complex128", "bool"))
    given = []
    for number in range(random.randint(1, 3)):
        extents = tuple(random.choice(("n", "n", "m")) for _ in range(random.choice(_RANKS)))
        dtype = main if random.random() < 0.8 else random.choice(list(_KINDS))
        given.append(ArrayArgument("ABC"[number], dtype, extents, "tuple" if len(extents) == 1 and random.random() < 0.06 else "list"))
    scalars = tuple(scalar for scalar, share in (("s", 0.5), ("c", 0.25)) if random.random() < share)
    scope = _Scope(random, {item.name: item for item in given}, numbers={"s": "f", "c": "i"} if scalars == ("s", "c") else {})
    if len(scalars) == 1:
        scope.numbers = {scalars[0]: "f" if scalars[0] == "s" else "i"}
    body: list[str] = []
    for _ in range(random.randint(1, 4)):
        body += _statement(scope, 0)
    returned = [result for result in scope.results if random.random() < 0.8]
    if returned:
        body.append(f"return {', '.join(returned)}")
    parameters = ", ".join((*(item.name for item in given), *scalars, "n", "m"))
    text = f"def {name}({parameters}):\n" + "".join(f"{_INDENT}{row}\n" for row in body)
    return Program(name, text, tuple(given), scalars)


def _statement(scope: _Scope, depth: int) -> list[str]:
    kinds = [(_store, 4), (_loop, 7 if depth < 2 else 1)]
    kinds += [(_branch, 2), (_row, 2), (_add, 2), (_rare, 1)] if depth else [(_make, 5), (_total, 2), (_swap, 1), (_table, 2)]
    return scope.random.choices([kind for kind, _ in kinds], [weight for _, weight in kinds])[0](scope, depth)


def _indent(rows: Sequence[str]) -> list[str]:
    return [f"{_INDENT}{row}" for row in rows]


def _index(scope: _Scope, extent: str) -> str:
    offsets = ("", "", "", "", " - 1", " + 1" if scope.chance(0.1) else "")
    choices = [f"{name}{scope.random.choice(offsets)}" for name, size in scope.loops if size == extent]
    if not choices or scope.chance(0.08):
        choices = ["0", "-1", "1", f"{extent} // 2"]
    return scope.random.choice(choices)


def _element(scope: _Scope, item: ArrayArgument) -> str:
    return item.name + "".join(f"[{_index(scope, extent)}]" for extent in item.extents)


def _number(scope: _Scope, kind: str, budget: int) -> str:
    """An expression of Python's numbers that mostly is of that kind."""
    random = scope.random
    if kind == "b":
        return _test(scope, 0)
    order = "bifc"
    leaves = [_element(scope, item) for item in scope.lists.values() if _KINDS[item.dtype] == kind] * 3
    leaves += [name for name, own in scope.numbers.items() if own == kind]
    leaves += [{"i": str(random.randint(-2, 3)), "f": str(random.choice((0.5, -1.5, 3.0))), "c": "(0.5 - 1j)"}[kind]]
    if scope.chance(0.15):
        narrower = [item for item in scope.lists.values() if order.index(_KINDS[item.dtype]) < order.index(kind)]
        leaves += [_element(scope, item) for item in narrower] + [name for name, _ in scope.loops]
    if kind == "i":
        leaves += [name for name, _ in scope.loops]
    if budget == 0 or scope.chance(0.25):
        return random.choice(leaves)
    left, right = _number(scope, kind, budget - 1), _number(scope, kind, budget - 1)
    if kind == "f" and scope.chance(0.15):
        calls = (f"math.sqrt(abs({left}))", f"abs({left})", f"max({left}, {right})", f"min({left}, {right})", f"({left}) ** 2")
        return random.choice(calls)
    operator = random.choice({"i": ("+", "-", "*", "//", "%", "&"), "f": ("+", "-", "*", "*", "/"), "c": ("+", "-", "*", "/")}[kind])
    if scope.chance(0.05):
        return f"({left} if {_test(scope, 0)} else {right})"
    return f"({left} {operator} {right})"


def _test(scope: _Scope, budget: int) -> str:
    random = scope.random
    masks = [item for item in scope.lists.values() if item.dtype == "bool"]
    if masks and scope.chance(0.4):
        return f"{random.choice(('', 'not '))}{_element(scope, random.choice(masks))}"
    if scope.loops and scope.chance(0.3):
        return f"{random.choice(scope.loops)[0]} {random.choice(('> 1', '!= 2', '< m'))}"
    kind = random.choice(("f", "f", "i"))
    return f"{_number(scope, kind, budget)} {random.choice(('<', '>', '<=', '==', '!='))} {_number(scope, kind, budget)}"


def _store(scope: _Scope, depth: int) -> list[str]:
    item = scope.random.choice(list(scope.lists.values()))
    if not scope.loops and scope.chance(0.7):
        return _loop(scope, depth)
    kind = _KINDS[item.dtype]
    if kind != "b" and scope.chance(0.06):
        kind = scope.random.choice("if")
    sign = "=" if kind == "b" else scope.random.choice(("=", "=", "=", "+=", "-=", "*=", "//=" if kind == "i" else "/="))
    return [f"{_element(scope, item)} {sign} {_number(scope, kind, 2)}"]


def _loop(scope: _Scope, depth: int) -> list[str]:
    random = scope.random
    size = random.choice(("n", "n", "m"))
    name = "ijklpq"[len(scope.loops)] if len(scope.loops) < 4 else scope.new("v")
    fitting = [item for item in scope.lists.values() if item.extents[0] == size]
    header = random.choice((f"range({size})", f"range({size})", f"range(1, {size})", f"range({size} - 1)", f"range({size} - 1, -1, -1)"))
    rows: list[str] = []
    target = name
    if fitting and scope.chance(0.2):
        header = f"range(len({random.choice(fitting).name}))"
    elif fitting and scope.chance(0.2):
        item, own = random.choice(fitting), scope.new("e")
        target, header = f"{name}, {own}", f"enumerate({item.name})"
        scope.loops.append((name, size))
        rows = [f"{_element(scope, item)} = {own}"] if len(item.extents) == 1 and scope.chance(0.3) else []
        if len(item.extents) > 1:
            scope.lists[own] = ArrayArgument(own, item.dtype, item.extents[1:], "list")
        else:
            scope.numbers[own] = _KINDS[item.dtype]
        rows += [row for _ in range(random.choice((1, 2))) for row in _statement(scope, depth + 1)]
        scope.loops.pop()
        scope.lists.pop(own, None)
        scope.numbers.pop(own, None)
        return [f"for {target} in {header}:", *_indent(rows)]
    scope.loops.append((name, size))
    for _ in range(random.choice((1, 1, 2))):
        rows += _statement(scope, depth + 1)
    scope.loops.pop()
    return [f"for {target} in {header}:", *_indent(rows)]


def _branch(scope: _Scope, depth: int) -> list[str]:
    rows = [f"if {_test(scope, 1)}:", *_indent(_store(scope, 3))]
    return [*rows, "else:", *_indent(_store(scope, 3))] if scope.chance(0.3) else rows


def _row(scope: _Scope, depth: int) -> list[str]:
    """A row under a name of its own."""
    deep = [item for item in scope.lists.values() if len(item.extents) > 1]
    if not deep:
        return _store(scope, depth)
    item, name = scope.random.choice(deep), scope.new("r")
    text = f"{name} = {item.name}[{_index(scope, item.extents[0])}]{'[:]' if len(item.extents) == 2 and scope.chance(0.2) else ''}"
    scope.lists[name] = ArrayArgument(name, item.dtype, item.extents[1:], "list")
    rows = [text, *_loop(scope, 2)] if scope.chance(0.6) else [text, *_store(scope, 2)]
    del scope.lists[name]
    return rows


def _add(scope: _Scope, depth: int) -> list[str]:
    own = [name for name, kind in scope.numbers.items() if name[0] == "t" and kind in "if"]
    if not own:
        return _store(scope, depth)
    name = scope.random.choice(own)
    return [f"{name} {scope.random.choice(('+=', '-='))} {_number(scope, scope.numbers[name], 1)}"]


def _rare(scope: _Scope, depth: int) -> list[str]:
    item = scope.random.choice(list(scope.lists.values()))
    match scope.random.randrange(6):
        case 0:
            return [f"if {_test(scope, 0)}:", f"{_INDENT}{scope.random.choice(('break', 'continue'))}"]
        case 1:
            first, second = _element(scope, item), _element(scope, item)
            return [f"{first}, {second} = {second}, {first}"]
        case 2:
            return [f"{item.name}[{_index(scope, item.extents[0])}] = {item.name}[{_index(scope, item.extents[0])}]"]
        case 3:
            return [f"{_element(scope, item)} = {scope.random.choice(('0', '0.0', '1', 'True', '1j'))}"]
        case _:
            return _store(scope, depth)


def _make(scope: _Scope, depth: int) -> list[str]:
    """A new list."""
    random = scope.random
    name, size, other = scope.new("L"), random.choice(("n", "m")), random.choice(("n", "m"))
    dtype = random.choice(("float64", "float64", "int64", "complex128"))
    zero = {"float64": random.choice(("0.0", "0.0", "0", "1.5")), "int64": random.choice(("0", "7")), "complex128": "0j"}[dtype]
    made = [f"[{zero}] * {size}", f"[{zero} for _ in range({size})]"]
    extents: tuple[str, ...] = (size,)
    if scope.chance(0.4):
        extents = (size, other)
        made = [f"[[{zero}] * {other} for _ in range({size})]", f"[[{zero} for _ in range({other})] for _ in range({size})]"]
        made += [f"[[{zero}] * {other}] * {size}"] * scope.chance(0.1)
    elif scope.chance(0.6):
        scope.loops.append(("u", size))
        made = [f"[{_number(scope, _KINDS[dtype], 2)} for u in range({size})]"]
        scope.loops.pop()
        flat = [item for item in scope.lists.values() if item.extents == (size,) and item.dtype == dtype]
        if flat:
            first, second = random.choice(flat).name, random.choice(flat).name
            made += [f"[x * y for x, y in zip({first}, {second})]", f"[x + x for x in {first}]"]
            made += [f"{first}[:]", f"{first}[1:]", f"list({first})"]
    scope.lists[name] = ArrayArgument(name, dtype, extents, "list")
    scope.results.append(name)
    return [f"{name} = {random.choice(made)}"]


def _table(scope: _Scope, depth: int) -> list[str]:
    """A recurrence over rows that change places."""
    random, size = scope.random, scope.random.choice(("n", "m"))
    before, now = scope.new("P"), scope.new("Q")
    source = [item for item in scope.lists.values() if item.extents == (size,) and item.dtype == "int64"]
    value = f"{random.choice(source).name}[w]" if source else "w"
    inner = [f"for w in range(1, {size}):", f"{_INDENT}{now}[w] = max({before}[w], {now}[w - 1] + {value}) % 1000"]
    make = f"{now} = [0] * {size}"
    scope.results.append(before)
    if scope.chance(0.5):
        body = [make, *inner, f"{before} = {now}"]
        return [f"{before} = [1] * {size}", f"for _ in range({random.choice(('3', 'n'))}):", *_indent(body)]
    body = [*inner, f"{before}, {now} = {now}, {before}"]
    return [f"{before} = [1] * {size}", make, f"for _ in range({random.choice(('3', 'n'))}):", *_indent(body)]


def _total(scope: _Scope, depth: int) -> list[str]:
    random, name, size = scope.random, scope.new("t"), scope.random.choice(("n", "m"))
    kind = random.choice("ffi")
    scope.results.append(name)
    flat = [item.name for item in scope.lists.values() if len(item.extents) == 1]
    if flat and scope.chance(0.3):
        return [f"{name} = {random.choice(('max', 'min', 'sum', 'len'))}({random.choice(flat)})"]
    scope.loops.append(("i", size))
    update = [f"{name} += {_number(scope, kind, 2)}"]
    if scope.chance(0.4):
        update = [f"if {_test(scope, 1)}:", *_indent(update)]
    scope.loops.pop()
    return [f"{name} = {random.choice(('0', '0.0', '0'))}", f"for i in range({size}):", *_indent(update)]


def _swap(scope: _Scope, depth: int) -> list[str]:
    pairs = [(a.name, b.name) for a in scope.lists.values() for b in scope.lists.values() if a is not b and a.extents == b.extents]
    if not pairs:
        return _store(scope, depth)
    first, second = scope.random.choice(pairs)
    body = _loop(scope, 1)
    return ["for _ in range(3):", *_indent([*body, f"{first}, {second} = {second}, {first}"])]


# ---- arguments --------------------------------------------------------------------------------------------------------------------


class Listlike(list[Any]):
    """A subclass, which guards refuse."""


def as_lists(random: Random, made: Program, values: list[Any], wild: bool) -> list[Any]:
    """Arrays as the lists that the program wants; wild: some of which a guard has to refuse."""
    found = list(values)
    for place, item in enumerate(made.arrays):
        if item.container != "ndarray" and isinstance(values[place], np.ndarray):
            value = values[place].tolist()
            if wild and random.random() < 0.35:
                value = _spoilt(random, value)
            found[place] = tuple(value) if item.container == "tuple" else value
    if wild and random.random() < 0.25 and len(made.arrays) > 1:
        first, second = random.sample(range(len(made.arrays)), 2)
        one, two = found[first], found[second]
        if len(made.arrays[first].extents) == len(made.arrays[second].extents):
            found[second] = one
        elif one and isinstance(one, list) and isinstance(two, list) and len(made.arrays[first].extents) > len(made.arrays[second].extents):
            found[second] = one[-1]
    return found


def _spoilt(random: Random, value: list[Any]) -> list[Any]:
    """A list with something in it that is not as the program expects it."""
    row = value
    while row and isinstance(row[0], list):
        if random.random() < 0.3 and len(row) > 1:
            change = random.randrange(4)
            first, second = random.randrange(len(row)), random.randrange(len(row))
            if change == 0:
                row[first] = row[second]
            elif change == 1:
                row[first] = row[first][:-1]
            elif change == 2:
                row[first] = [*row[first], *row[first][:1]]
            else:
                row[first] = random.choice((tuple(row[first]), Listlike(row[first]), None))
            return value
        row = random.choice([part for part in row if isinstance(part, list)])
    if row:
        foreign = (1, 2.5, 1j, True, None, 2**70, -(2**63), np.float64(1.5), float("nan"), float("inf"), -0.0)
        row[random.randrange(len(row))] = random.choice(foreign)
    return value


def any_program(random: Random, name: str) -> Program:
    """The program of a seed: by its name alone some are on lists, so that the others are what they were."""
    return list_program(random, name) if Random(name).random() < 0.2 else program(random, name)
