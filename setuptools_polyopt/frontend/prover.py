"""Small proofs about linear forms: does `form >= 0` follow from what is known?

Fourier-Motzkin elimination over the rationals, with integer tightening of single constraints and a bound on the work; "not proved" is
always a possible answer, so callers must stay right with it. It decides only how a subscript is written down and which guards are
redundant; bounds and dependences are the polyhedral room's, with isl.

    0 <= i, i <= n - 1   |-   n - 1 >= 0
"""

from __future__ import annotations

from collections.abc import Iterable
from math import gcd

from setuptools_polyopt.frontend.affine import Affine, affine
from setuptools_polyopt.ir.expressions import Binary, Expr

LIMIT = 200
"""Constraints at any time before the proof is given up."""


def implies(known: Iterable[Affine], form: Affine) -> bool:
    """Whether `form >= 0` is certain where all of `known` are >= 0. False means: not proved."""
    if form.value is not None:
        return form.value >= 0
    return inconsistent((*known, form * -1 - 1))


def inconsistent(constraints: Iterable[Affine]) -> bool:
    """Whether it is certain that not all constraints can be >= 0 together."""
    system = _relevant([*constraints])
    extra = [fact for atom in _atoms(system) for fact in _facts(atom)]
    current = _normalised(system + extra)
    while current:
        atom = _cheapest(current)
        if atom is None:
            return False
        current = _eliminate(current, atom)
        if current is not None and len(current) > LIMIT:
            return False
    return current is None


def _relevant(system: list[Affine]) -> list[Affine]:
    """The constraints connected with the last one through shared atoms."""
    chosen, rest = [system[-1]], system[:-1]
    reached = {atom for atom, _ in system[-1].terms}
    changed = True
    while changed:
        near = [form for form in rest if any(atom in reached for atom, _ in form.terms)]
        rest = [form for form in rest if form not in near]
        reached.update(atom for form in near for atom, _ in form.terms)
        chosen = near + chosen
        changed = bool(near)
    return chosen


def _atoms(system: list[Affine]) -> list[Expr]:
    """All atoms, those inside other atoms included."""
    found: dict[Expr, None] = {}
    pending = [atom for form in system for atom, _ in form.terms]
    while pending:
        atom = pending.pop()
        if atom in found:
            continue
        found[atom] = None
        if isinstance(atom, Binary):
            inner = [affine(atom.left), affine(atom.right)]
            pending.extend(a for form in inner if form is not None for a, _ in form.terms)
    return list(found)


def _facts(atom: Expr) -> list[Affine]:
    """What the meaning of a compound atom says about it."""
    own = Affine(((atom, 1),), 0)
    match atom:
        case Binary(op="floordiv" | "mod" | "min" | "max"):
            left, right = affine(atom.left), affine(atom.right)
            if left is None or right is None:
                return []
            if atom.op == "min":
                return [left - own, right - own]
            if atom.op == "max":
                return [own - left, own - right]
            divisor = right.constant
            return [own, own * -1 + divisor - 1] if atom.op == "mod" else [left - own * divisor, own * divisor - left + divisor - 1]
        case _:
            return []


def _normalised(system: list[Affine]) -> list[Affine] | None:
    """Divided by common factors (rounding the constant down), without duplicates; None if one cannot hold."""
    best: dict[frozenset[tuple[Expr, int]], Affine] = {}
    for form in system:
        if not form.terms:
            if form.constant < 0:
                return None
            continue
        factor = gcd(*(c for _, c in form.terms))
        if factor > 1:
            form = Affine(tuple((atom, c // factor) for atom, c in form.terms), form.constant // factor)
        key = frozenset(form.terms)
        if key not in best or form.constant < best[key].constant:
            best[key] = form
    return list(best.values())


def _cheapest(system: list[Affine]) -> Expr | None:
    """The atom whose elimination makes the fewest new constraints."""
    counts: dict[Expr, list[int]] = {}
    for form in system:
        for atom, coefficient in form.terms:
            counts.setdefault(atom, [0, 0])[coefficient > 0] += 1
    if not counts:
        return None
    return min(counts, key=lambda atom: counts[atom][0] * counts[atom][1])


def _eliminate(system: list[Affine], atom: Expr) -> list[Affine] | None:
    lower: list[tuple[int, Affine]] = []
    upper: list[tuple[int, Affine]] = []
    rest: list[tuple[int, Affine]] = []
    for form in system:
        coefficient = dict(form.terms).get(atom, 0)
        (lower if coefficient > 0 else upper if coefficient < 0 else rest).append((coefficient, form))
    combined = [low * -b + up * a for a, low in lower for b, up in upper]
    return _normalised([form for _, form in rest] + combined)
