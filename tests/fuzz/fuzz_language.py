"""Random statements of the wider language: loops that data steers, loops over arrays, lists, parts of complex arrays, views that share
memory, scans and statistics. Each function draws one statement, as those of `fuzz_statements` do."""

from __future__ import annotations

from collections.abc import Callable

from fuzz_values import ArrayArgument, Iterator, Scope, array, condition, scalar, subscript

Statement = Callable[[Scope, int], list[str]]
PART = {"complex128": "float64", "complex64": "float32"}


def _inside(scope: Scope, depth: int, inner: Statement, count: int = 2) -> list[str]:
    rows: list[str] = []
    for _ in range(scope.random.randint(1, count)):
        rows += [f"    {row}" for row in inner(scope, depth + 1)]
    return rows


def while_loop(scope: Scope, depth: int, inner: Statement) -> list[str]:
    """A counter that comes first in the body, so that `continue` ends it too; the test may look at data."""
    name, size = scope.new("w"), scope.random.choice(("n", "m"))
    scope.iterators.append(Iterator(name, size, 1, -1))
    more = f" and {condition(scope, 0)}" if scope.chance(0.4) else ""
    rows = [f"{name} = 0", f"while {name} < {size}{more}:", f"    {name} += 1", *_inside(scope, depth, inner)]
    scope.iterators.pop()
    scope.results += [name] * scope.chance(0.3)
    return rows


def loop_over_elements(scope: Scope, depth: int, inner: Statement) -> list[str]:
    """`for x in A`, with `enumerate`, `zip` or `reversed`."""
    random = scope.random
    vectors = [a for a in scope.arrays.values() if len(a.extents) == 1 and a.kind in "ifc"]
    if not vectors:
        return while_loop(scope, depth, inner)
    a, b = random.choice(vectors), random.choice(vectors)
    x, y, place = scope.new("x"), scope.new("y"), "ijkl"[len(scope.iterators)]
    names = {x: a.kind}
    match random.randrange(4):
        case 0:
            head = f"for {x} in {a.name}:"
        case 1:
            head = f"for {place}, {x} in enumerate({a.name}):"
        case 2:
            head, names = f"for {x}, {y} in zip({a.name}, {b.name}):", {x: a.kind, y: b.kind}
        case _:
            head = f"for {place}, {x} in enumerate(reversed({a.name}), 0):" if scope.chance(0.3) else f"for {x} in reversed({a.name}):"
    counted = f" {place}, " in head
    scope.scalars.update(names)
    scope.iterators += [Iterator(place, a.extents[0], 0, 0)] * counted
    rows = [head, *_inside(scope, depth, inner)]
    del scope.iterators[len(scope.iterators) - counted :]
    for name in names:
        del scope.scalars[name]
    scope.results += [x] * scope.chance(0.15)
    return rows


def loop_to_data(scope: Scope, depth: int, inner: Statement) -> list[str]:
    """An end, or a start, that an element says."""
    whole = [a for a in scope.arrays.values() if a.kind == "i"]
    if not whole:
        return while_loop(scope, depth, inner)
    a = scope.random.choice(whole)
    bound = f"{a.name}{subscript(scope, a)}"
    text = scope.random.choice((f"abs({bound}) % 4", f"{bound}, {bound} + 2", f"int({bound}) % 3, n"))
    name = scope.new("d")
    head = f"for {name} in range({text}):"
    scope.scalars[name] = "i"
    rows = [head, *_inside(scope, depth, inner)]
    del scope.scalars[name]
    return rows


def jump(scope: Scope, depth: int) -> list[str]:
    """A return out of loops."""
    result = scope.random.choice(("None", next(iter(scope.arrays)), *(it.name for it in scope.iterators)))
    return [f"if {condition(scope, 1)}:", f"    return {result}"]


def part_statement(scope: Scope, depth: int) -> list[str]:
    """The real or imaginary part of a whole array is assigned to."""
    target = scope.any_array("fc")
    if target is None:
        return shared_view(scope, depth)
    part = "real" if target.kind == "f" else scope.random.choice(("real", "imag"))
    value = array(scope, target.extents, PART.get(target.dtype, target.dtype), 2)
    forms = (f"{target.name}.{part} = {value}", f"{target.name}.{part}[...] = {value}", f"{target.name}.{part} *= {value}")
    return [scope.random.choice(forms)]


def shared_view(scope: Scope, depth: int) -> list[str]:
    """A name for what shares an array's memory, or does not; both are used from here on."""
    random = scope.random
    a = random.choice(list(scope.arrays.values()))
    real, own = PART.get(a.dtype, a.dtype), a.extents
    forms = [(f"np.real({a.name})", real, own), (f"{a.name}.real", real, own), (f"{a.name}.conj()", a.dtype, own)]
    forms += [(f"np.imag({a.name})", real, own), (f"{a.name}.imag", real, own)] * (a.kind == "c" or scope.chance(0.1))
    forms += [(f"np.{a.dtype}({a.name})", a.dtype, own)] * (a.dtype != "bool") + [(f"{a.name}.conjugate()", a.dtype, own)]
    forms += [(f"np.flip({a.name})", a.dtype, own), (f"np.transpose({a.name})", a.dtype, own[::-1])]
    forms += [(f"np.moveaxis({a.name}, 0, -1)", a.dtype, (*own[1:], own[0])), (f"{a.name}.copy()", a.dtype, own)]
    forms += [(f"{a.name}[None, ...][0]", a.dtype, own), (f"np.expand_dims({a.name}, 0)[0]", a.dtype, own)]
    forms += [(f"{a.name}.diagonal()", a.dtype, own[:1]), (f"np.diagonal({a.name})", a.dtype, own[:1])] * (len(own) == 2)
    forms += [(f"{a.name}.reshape({', '.join(own)})", a.dtype, own)]
    text, dtype, extents = random.choice(forms)
    name = scope.new("V")
    scope.arrays[name] = ArrayArgument(name, dtype, extents)
    scope.results.append(name)
    return [f"{name} = {text}"]


def flat(scope: Scope, depth: int) -> list[str]:
    """An array as a row, or over another shape."""
    a = scope.random.choice(list(scope.arrays.values()))
    text = scope.random.choice((f"{a.name}.ravel()", f"{a.name}.reshape(-1)", f"np.broadcast_to({a.name}, (2, *{a.name}.shape))"))
    name = scope.new("r")
    scope.results.append(name)
    return [f"{name} = {text}{scope.random.choice(('', ' * 1', ' + 1')) if a.kind != 'b' else ''}"]


def scan(scope: Scope, depth: int) -> list[str]:
    """Running sums, statistics, positions of extremes, differences, traces, norms."""
    random = scope.random
    a = random.choice(list(scope.arrays.values()))
    axis = random.randrange(-1, len(a.extents))
    value = a.name if scope.chance(0.6) else array(scope, a.extents, a.dtype, 2)
    names = ("cumsum", "argmax", "argmin", "count_nonzero", "cumsum", "ptp")
    names += ("var", "std", "mean", "diff", "cumprod", "median") if a.kind in "fc" else ()
    function = random.choice(names)
    extra = ", ddof=1" if function in ("var", "std") and scope.chance(0.3) else ""
    forms = [f"np.{function}({value}, axis={axis}{extra})"] * 3 + [f"np.{function}({value}{extra})"] * (function != "diff")
    forms += [f"np.trace({a.name})"] * (len(a.extents) == 2) + [f"np.linalg.norm({value})"] * (a.kind == "f")
    name = scope.new("q")
    scope.results.append(name)
    return [f"{name} = {random.choice(forms)}"]


def list_statement(scope: Scope, depth: int) -> list[str]:
    """A list of numbers: made by a comprehension, or filled by a loop."""
    random = scope.random
    name, size = scope.new("l"), random.choice(("n", "m"))
    place = "ijkl"[len(scope.iterators)]
    scope.iterators.append(Iterator(place, size, 0, 0))
    value, dtype = "", random.choice(("float64", "int64"))
    value = scalar(scope, dtype, 2)
    test = f" if {condition(scope, 0)}" if scope.chance(0.15) else ""
    scope.iterators.pop()
    scope.results.append(name)
    start = "0.0" if dtype == "float64" else "0"
    if scope.chance(0.3):
        total = random.choice((f"sum({value} for {place} in range({size}){test})", f"any({value} > 1 for {place} in range({size}))"))
        return [f"{name} = {total}"]
    if scope.chance(0.5):
        return [f"{name} = [{value} for {place} in range({size}){test}]"]
    sign = random.choice(("=", "+=", "-="))
    return [f"{name} = [{start}] * {size}", f"for {place} in range({size}):", f"    {name}[{place}] {sign} {value}"]


steered: list[tuple[int, Callable[[Scope, int, Statement], list[str]]]] = [(2, while_loop), (2, loop_over_elements), (1, loop_to_data)]
"""Loops, by weight; they take the function that draws the statements inside."""
whole: list[tuple[int, Statement]] = [(1, part_statement), (2, shared_view), (1, flat), (2, scan), (1, list_statement)]
"""Statements outside of loops, by weight."""
