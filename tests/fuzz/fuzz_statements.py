"""Random statements over whole arrays, most of them outside loops: expressions, local arrays, reductions, slices, views, products."""

from __future__ import annotations

from collections.abc import Callable

from fuzz_values import ArrayArgument, Scope, array, index, mask, scalar


def expression_statement(scope: Scope, depth: int) -> list[str]:
    """A new array, or a whole one in place; rarely of another type than the target."""
    random = scope.random
    like = random.choice(list(scope.arrays.values()))
    value = array(scope, like.extents, random.choice(("float64", "int64")) if scope.chance(0.03) else like.dtype, 3)
    if scope.chance(0.4):
        return [f"{like.name}{random.choice(('[...]', '[:]'))} = {value}"]
    if scope.chance(0.3) and like.kind != "b":
        return [f"{like.name} {random.choice(('+=', '-=', '*=', '/=' if like.kind in 'fc' else '|='))} {value}"]
    name = scope.new("r")
    scope.results.append(name)
    return [f"{name} = {like.name} * 1 + {value}" if random.random() < 0.6 and like.kind != "b" else f"{name} = {value}"]


def _local_array(scope: Scope, depth: int) -> list[str]:
    random = scope.random
    like = random.choice(list(scope.arrays.values()))
    name, shape = scope.new("L"), f"({', '.join(like.extents)},)"
    dtype = "" if like.dtype == "float64" else f", dtype=np.{like.dtype if like.dtype != 'bool' else 'bool_'}"
    makers = (f"np.zeros({shape}{dtype})", f"np.ones({shape}{dtype})", f"np.zeros_like({like.name})", f"np.full({shape}, 2{dtype})")
    makers += (f"np.ones_like({like.name})", f"np.full_like({like.name}, {random.choice(('2', *scope.scalars_for(like.kind)))})")
    makers += (f"np.zeros({like.name}.shape{dtype})", f"np.array({like.name})", f"np.empty({shape}{dtype})")
    how = random.choice((*makers, f"np.empty_like({like.name})", f"{like.name}.copy()"))
    scope.results.append(name)
    scope.arrays[name] = ArrayArgument(name, "int64" if "full" in how and not dtype else like.dtype, like.extents)
    if "empty" not in how:
        update = f"{name} {random.choice(('+=', '-=', '*='))} {array(scope, like.extents, scope.arrays[name].dtype, 2)}"
        return [f"{name} = {how}", *[update] * (like.kind != "b" and scope.chance(0.6))]
    if scope.chance(0.5):
        return [f"{name} = {how}", random.choice((f"{name}[...] = 1", f"{name}[:] = 0", f"{name}.fill(2)"))]
    loops = [f"{'    ' * depth}for e{depth} in range({name}.shape[{depth}]):" for depth in range(len(like.extents))]
    place = ", ".join(f"e{depth}" for depth in range(len(like.extents)))
    return [f"{name} = {how}", *loops, f"{'    ' * len(loops)}{name}[{place}] = {like.name}[{place}]"]


def _reduction(scope: Scope, depth: int) -> list[str]:
    random = scope.random
    source = random.choice(list(scope.arrays.values()))
    axis = random.choice(["", "", *(f"axis={k}" for k in range(-1, len(source.extents)))])
    if len(source.extents) > 2 and scope.chance(0.2):
        axis = random.choice(("axis=(0, 1)", "axis=(-2, -1)", "axis=(0, 2)"))
    if axis and scope.chance(0.3):
        axis += ", keepdims=True"
    function = random.choice(("sum", "sum", "sum", "mean", "mean", "max", "max", "min", "min", "prod", "any", "all"))
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
    scope.scalars[name] = "f"
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
    test = scope.random.choice(("n > 6", "m == 2", *(f"{name} > 1.0" for name in scope.scalars_for("f"))))
    return [f"if {test}:", f"    return {result}"]


def _mask_statement(scope: Scope, depth: int) -> list[str]:
    target = scope.any_array("iuf")
    if target is None:
        return expression_statement(scope, depth)
    name = scope.new("k")
    scope.results.append(name)
    test = mask(scope, target.extents)
    return [f"{name} = {test}", f"{target.name}[...] = np.where({name}, {target.name}, {array(scope, target.extents, target.dtype, 1)})"]


def _view(scope: Scope, depth: int) -> list[str]:
    """A name for another view of an array; both are used from here on."""
    random = scope.random
    source = random.choice(list(scope.arrays.values()))
    a, extents = source.name, source.extents
    forms = [(f"{a}[:]", extents), (f"{a}[::-1]", extents), (f"{a}[..., ::-1]", extents), (a, extents), (f"{a}.T", extents[::-1])]
    if len(extents) > 1:
        forms += [(f"{a}[{index(scope, extents[0])}]", extents[1:]), (f"{a}[..., {index(scope, extents[-1])}]", extents[:-1])] * 2
    text, shape = random.choice(forms)
    name = scope.new("V")
    scope.arrays[name] = ArrayArgument(name, source.dtype, shape)
    scope.results.append(name)
    return [f"{name} = {text}"]


def _effect(scope: Scope, depth: int) -> list[str]:
    """A call for its effect on an array."""
    random = scope.random
    target = random.choice(list(scope.arrays.values()))
    left, right = (array(scope, target.extents, target.dtype, 1) for _ in range(2))
    if target.kind == "b":
        return [random.choice((f"{target.name}.fill(True)", f"np.copyto({target.name}, {left})"))]
    out = f"np.{random.choice(('add', 'subtract', 'multiply', 'maximum'))}({left}, {right}, out={target.name})"
    return [random.choice((out, out, f"{target.name}.fill({random.choice(('1', *scope.scalars_for(target.kind)))})"))]


def window(scope: Scope, depth: int) -> list[str]:
    """Part of a row, by the variables of loops: `A[i, j + 1:] -= A[j, j + 1:] * 2`, or its sum."""
    random = scope.random
    target = random.choice(list(scope.arrays.values()))
    own = [it.name for it in scope.iterators if it.size == target.extents[-1]]
    if not own or target.kind == "b":
        return expression_statement(scope, depth)
    part = random.choice((f"{own[-1]}:", f":{own[-1]}", f"{own[-1]} + 1:", f"{own[0]}:{own[-1]}", f"{own[-1]} - 1:{own[-1]} + 2"))
    fitting = [a for a in scope.arrays.values() if a.extents[-1] == target.extents[-1] and a.dtype == target.dtype]
    places = [f"{a.name}[{', '.join([*(index(scope, e) for e in a.extents[:-1]), part])}]" for a in (target, random.choice(fitting))]
    if scope.chance(0.4):
        one, two = places
        value = random.choice((f"np.sum({one} * {two})", f"{one} @ {two}", f"{two}.sum()", f"{two}.max()"))
        row = ", ".join(index(scope, extent) for extent in target.extents)
        return [f"{target.name}[{row}] {random.choice(('=', '+='))} {value}"]
    factor = random.choice(("2", "-1", scalar(scope, target.dtype, 1)))
    return [f"{places[0]} {random.choice(('=', '+=', '-='))} {random.choice((f'{places[1]} * {factor}', places[1], factor))}"]


statements: list[tuple[int, Callable[[Scope, int], list[str]]]] = [
    (5, expression_statement), (2, _local_array), (3, _reduction), (2, _slice_update), (1, _scalar_name), (1, _product), (1, _leave),
    (1, _mask_statement), (1, _view), (1, _effect),
]  # fmt: skip
"""Statements outside loops by weight."""
