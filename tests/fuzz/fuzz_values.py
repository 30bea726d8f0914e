"""Random expressions: scalars from elements and loop variables, arrays from arrays by NumPy's operators.

Everything is chosen so that most programs run without an exception, and some do not: a subscript is mostly inside its array, dtypes mostly
fit where they are stored.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

import numpy as np

ORDER = "biufc"
FLOAT_FUNCTIONS = (
    "exp", "sqrt", "abs", "sin", "tanh", "square", "floor", "sign", "log1p", "negative", "exp", "sqrt", "cos", "log", "ceil", "rint",
    "reciprocal", "cbrt", "deg2rad", "trunc", "arctan", "fabs",
)  # fmt: skip
PAIRS = ("maximum", "minimum", "hypot", "arctan2", "fmax", "maximum", "minimum", "copysign", "fmod", "power", "mod", "logaddexp")
MATH = ("sqrt", "sin", "exp", "fabs", "log", "atan", "floor", "ceil", "cos", "expm1")


@dataclass(frozen=True)
class ArrayArgument:
    """A parameter or local that is an array: `extents` name the sizes `n` and `m`. container: or a "list" (of lists), a "tuple"."""

    name: str
    dtype: str
    extents: tuple[str, ...]
    container: str = "ndarray"

    @property
    def kind(self) -> str:
        return kind_of(self.dtype)


def kind_of(dtype: str) -> str:
    """b, i (unsigned ones too), f or c."""
    return np.dtype(dtype).kind.replace("u", "i")


@dataclass(frozen=True)
class Iterator:
    """A loop variable: it runs from `low` or more to at most `size - 1 - high`."""

    name: str
    size: str
    low: int
    high: int


@dataclass
class Scope:
    """What a statement may use: arrays by name, scalars with their kinds, loop variables; `results` are the names worth returning."""

    random: Random
    arrays: dict[str, ArrayArgument]
    scalars: dict[str, str]
    iterators: list[Iterator] = field(default_factory=list)
    fresh: int = 0
    results: list[str] = field(default_factory=list)

    def new(self, stem: str) -> str:
        self.fresh += 1
        return f"{stem}{self.fresh}"

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def scalars_for(self, kind: str) -> list[str]:
        """Scalars that a value of that kind may be made of."""
        return [name for name, own in self.scalars.items() if ORDER.index(own) <= ORDER.index(kind)]

    def any_array(self, kinds: str = "biufc") -> ArrayArgument | None:
        fitting = [array for array in self.arrays.values() if array.kind in kinds]
        return self.random.choice(fitting) if fitting else None


def subscript(scope: Scope, array: ArrayArgument) -> str:
    """`[i, j - 1]`, sometimes `[i][j - 1]`: loop variables of the right sizes, or constants."""
    parts = [index(scope, extent) for extent in array.extents]
    if scope.chance(0.15) and len(parts) > 1:
        return "".join(f"[{part}]" for part in parts)
    return f"[{', '.join(parts)}]"


def index(scope: Scope, extent: str) -> str:
    """One subscript of an axis."""
    choices = []
    for it in scope.iterators:
        if it.size == extent:
            offsets = [d for d in (0, 0, 0, -1, 1, -2, 2) if -it.low <= d <= it.high or scope.chance(0.04)]
            choices += [f"{it.name}{f' {d:+d}'.replace('+', '+ ').replace('-', '- ') if d else ''}" for d in offsets]
            choices.append(f"{extent} - 1 - {it.name}")
    if choices and scope.chance(0.06):
        names = [it.name for it in scope.iterators]
        choices = [f"{scope.random.choice(names)} - {scope.random.choice(names)}", f"{names[-1]} // 2", f"({names[-1]} + 1) % {extent}"]
    if scope.scalars_for("i") and scope.chance(0.06):
        return scope.random.choice(scope.scalars_for("i"))
    if not choices or scope.chance(0.08):
        choices = ["0", "-1", "1", "-1", "0"]
    return scope.random.choice(choices)


def scalar(scope: Scope, dtype: str, budget: int) -> str:
    """A scalar expression that may be stored into an element of `dtype`."""
    random = scope.random
    kind = kind_of(dtype)
    if kind == "b":
        return condition(scope, 1)
    leaves = _scalar_leaves(scope, kind)
    if budget == 0 or scope.chance(0.25):
        return random.choice(leaves)
    left, right = scalar(scope, dtype, budget - 1), scalar(scope, dtype, budget - 1)
    if kind == "f" and scope.chance(0.18):
        return _scalar_call(scope, left, right)
    operator = random.choice(("+", "-", "*") if kind == "i" else ("+", "-", "*", "*", "/"))
    if kind == "i" and scope.chance(0.2):
        operator = random.choice(("//", "%", "&", "|", "^", "//", "%", "<<", ">>", "/" if scope.chance(0.1) else "&"))
    if kind == "f" and scope.chance(0.06):
        operator = random.choice(("//", "%"))
    if kind == "i" and operator in ("//", "%") and scope.chance(0.1):
        right = "-2"
    if scope.chance(0.05):
        return f"-{left}"
    if scope.chance(0.05):
        return f"({left} if {condition(scope, 0)} else {right})"
    return f"({left} {operator} {right})"


def _scalar_leaves(scope: Scope, kind: str) -> list[str]:
    random = scope.random
    fitting = [a for a in scope.arrays.values() if a.kind != "b" and ORDER.index(a.kind) <= ORDER.index(kind)]
    leaves = [f"{a.name}{subscript(scope, a)}" for a in fitting] * 3
    leaves += [str(random.randint(-2, 3))]
    if kind != "i":
        leaves += [str(random.choice((0.5, -1.5, 0.25, 3.0)))]
    leaves += [*scope.scalars_for(kind) * 2, *_reduced(scope, kind)]
    leaves += [f"{a.name}{subscript(scope, a)}" for a in scope.arrays.values() if a.kind == "b" and scope.chance(0.3)]
    if kind == "f":
        leaves += [f"{a.name}{subscript(scope, a)}.{random.choice(('real', 'imag'))}" for a in scope.arrays.values() if a.kind == "c"]
    if kind == "c" and scope.chance(0.3):
        conjugates = (f"{a.name}{subscript(scope, a)}.conjugate()" for a in fitting if a.kind == "c")
        leaves.append(random.choice(("1j", "(0.5 - 2j)", *conjugates)))
    if scope.iterators:
        leaves.append(random.choice(scope.iterators).name)
    return leaves


def _reduced(scope: Scope, kind: str) -> list[str]:
    """Now and then the sum or the largest element of a row or of an array, or a product of two rows."""
    fitting = [a for a in scope.arrays.values() if ORDER.index(a.kind) <= ORDER.index(kind)]
    if not fitting or not scope.chance(0.12):
        return []
    a, b = scope.random.choice(fitting), scope.random.choice(fitting)
    row, other = (x.name if len(x.extents) == 1 else f"{x.name}[{', '.join(index(scope, e) for e in x.extents[:-1])}]" for x in (a, b))
    if a.extents[-1] == b.extents[-1] and "b" not in a.kind + b.kind and scope.chance(0.5):
        return [scope.random.choice((f"np.dot({row}, {other})", f"({row} @ {other})", f"np.sum({row} * {other})"))]
    names = ("sum", "max", "min", *(("mean",) if kind in "fc" else ()))
    return [f"{row}.{scope.random.choice(names)}()", f"{a.name}.{scope.random.choice(names)}()"]


def _scalar_call(scope: Scope, left: str, right: str) -> str:
    random = scope.random
    match random.randrange(9):
        case 0:
            third = f", {random.choice(('0.0', '1', right))}" if scope.chance(0.2) else ""
            return f"{random.choice(('max', 'min'))}({left}, {right}{third})"
        case 1:
            return f"np.{random.choice(PAIRS)}({left}, {right})"
        case 2:
            return f"({left}) ** {random.choice(('2', '3', '0.5', '-1'))}"
        case 3 | 4:
            return f"math.{random.choice(MATH)}({left})"
        case 5:
            return f"{random.choice(('abs', 'float', 'int', 'round', 'np.float32', 'np.float64', 'np.real'))}({left})"
        case 6 if scope.chance(0.5):
            return f"math.{random.choice(('pow', 'atan2', 'copysign', 'hypot'))}({left}, {right})"
        case _:
            return f"np.{random.choice(FLOAT_FUNCTIONS)}({left})"


def condition(scope: Scope, budget: int) -> str:
    """A test: on loop variables (affine) or on data."""
    random = scope.random
    names = [it.name for it in scope.iterators]
    if names and scope.chance(0.4):
        affine = [f"{a} < {b}" for a in names for b in names if a != b]
        return random.choice([*affine, f"{names[0]} > 1", f"{names[-1]} != 2", f"{names[-1]} % 2 == 0", f"{names[-1]} == n - 1"])
    masks = [a for a in scope.arrays.values() if a.kind == "b"]
    if masks and scope.chance(0.2):
        chosen = random.choice(masks)
        return f"{random.choice(('', '', 'not '))}{chosen.name}{subscript(scope, chosen)}"
    left, right = scalar(scope, "float64", budget), scalar(scope, "float64", budget)
    if scope.chance(0.08):
        return random.choice((f"-1 < {left} <= {right}", f"0 <= {left} < 2.5", "1 < n < 6", "n == m", "n - 2 > m"))
    text = f"{left} {random.choice(('<', '>', '<=', '==', '!=', '>='))} {right}"
    if budget and scope.chance(0.15):
        return f"{text} {random.choice(('and', 'or'))} {condition(scope, 0)}"
    return f"not {text}" if scope.chance(0.05) else text


def array(scope: Scope, extents: tuple[str, ...], dtype: str, budget: int) -> str:
    """An array expression of the given extents (by broadcasting, perhaps only a scalar)."""
    random = scope.random
    kind = kind_of(dtype)
    if kind == "b":
        return mask(scope, extents)
    fitting = _array_leaves(scope, extents, kind)
    leaves = fitting * 4 + ["2", "-1"] + (["0.5", "2.0"] if kind in "fc" else []) + scope.scalars_for(kind)
    if budget == 0 or (scope.chance(0.2) and fitting):
        return random.choice(leaves)
    left, right = array(scope, extents, dtype, budget - 1), array(scope, extents, dtype, budget - 1)
    if kind == "f" and scope.chance(0.35):
        return _array_call(scope, extents, left, right)
    if kind == "c" and scope.chance(0.15):
        return random.choice((f"np.conj({left})", f"np.exp({left})", f"np.square({left})", f"np.sqrt({left})", f"{left} ** 2"))
    if scope.chance(0.06):
        return f"np.where({mask(scope, extents)}, {left}, {right})"
    if scope.chance(0.06):
        return random.choice((f"-{left}", f"abs({left})", f"(+{left})"))
    operator = random.choice(("+", "-", "*", "/") if kind in "fc" else ("+", "-", "*", "&", "|", "//", "%", "^", "<<", ">>"))
    if kind == "f" and scope.chance(0.05):
        operator = random.choice(("//", "%"))
    return f"({left} {operator} {right})"


def _array_leaves(scope: Scope, extents: tuple[str, ...], kind: str) -> list[str]:
    leaves = []
    for a in scope.arrays.values():
        if (a.kind == "b" and not scope.chance(0.15)) or ORDER.index(a.kind) > ORDER.index(kind):
            continue
        if a.extents == extents[len(extents) - len(a.extents) :]:
            leaves += [a.name, a.name, a.name, *_views(scope, a, extents, kind)]
        if len(extents) == 2 and a.extents == extents[:1]:
            leaves += [f"{a.name}[:, None]", f"{a.name}[:, np.newaxis]"]
        if len(a.extents) == len(extents) + 1 and a.extents[1:] == extents:
            leaves.append(f"{a.name}[{index(scope, a.extents[0])}]")
        if len(a.extents) == 2 and a.extents[:1] == extents:
            leaves.append(f"{a.name}[:, {index(scope, a.extents[1])}]")
    return leaves


def _views(scope: Scope, a: ArrayArgument, extents: tuple[str, ...], kind: str) -> list[str]:
    found = []
    if scope.chance(0.15):
        found.append(f"{a.name}[::-1]")
    if scope.chance(0.1) and len(a.extents) > 1:
        found.append(f"{a.name}[..., ::-1]")
    if scope.chance(0.15) and len(a.extents) == 2 and a.extents[0] == a.extents[1]:
        found.append(scope.random.choice((f"{a.name}.T", f"np.transpose({a.name})", f"{a.name}.swapaxes(0, 1)")))
    if scope.chance(0.25) and a.extents == extents:
        name = scope.random.choice(("sum", "max", "min", *(("mean",) if kind in "fc" else ())))
        axis = scope.random.randrange(-1, len(extents))
        found.append(f"{a.name}.{name}(axis={axis}, keepdims=True)")
    if scope.chance(0.1) and kind == "f" and a.kind == "f":
        found.append(scope.random.choice((f"{a.name}.astype(np.float32)", f"{a.name}.copy()", f"np.float64({a.name})")))
    return found


def _array_call(scope: Scope, extents: tuple[str, ...], left: str, right: str) -> str:
    random = scope.random
    match random.randrange(8):
        case 0:
            return f"np.{random.choice(PAIRS)}({left}, {right})"
        case 1:
            return f"np.where({left} < {right}, {right}, {left})"
        case 2:
            return f"({left}) ** {random.choice(('2', '3', '0.5', '-1', '2.0'))}"
        case 3:
            return f"np.clip({left}, -1.0, {random.choice(('1.0', '2'))})"
        case _:
            return f"np.{random.choice(FLOAT_FUNCTIONS)}({left})"


def mask(scope: Scope, extents: tuple[str, ...]) -> str:
    """A boolean array expression."""
    random = scope.random
    own = [a.name for a in scope.arrays.values() if a.kind == "b" and a.extents == extents]
    if own and scope.chance(0.3):
        return random.choice((random.choice(own), f"~{random.choice(own)}", f"np.logical_not({random.choice(own)})"))
    left, right = array(scope, extents, "float64", 1), array(scope, extents, "float64", 0)
    text = f"({left} {random.choice(('<', '>', '<=', '==', '!=', '>='))} {right})"
    if scope.chance(0.1):
        return random.choice((f"np.isnan({left})", f"np.isfinite({left})", f"np.signbit({left})", f"(abs({left}) < 0)"))
    if scope.chance(0.05):
        return f"np.{random.choice(('logical_and', 'logical_or', 'logical_xor'))}({text}, {mask(scope, extents)})"
    if scope.chance(0.2):
        return f"({text} {random.choice(('&', '|', '^'))} {mask(scope, extents)})"
    return f"~{text}" if scope.chance(0.1) else text
