"""Which entries of a profile still speak of the source at hand.

An entry whose hash no longer matches is never used: what was seen of another text may be wrong of this one. It is
reported so that the author knows to take the profile again.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from setuptools_polyopt.profile.canonical import FunctionNode, definitions, function_hash
from setuptools_polyopt.profile.schema import FunctionProfile, Profile


@dataclass(frozen=True)
class Stale:
    """An entry that is not used: the function has "changed" since, or is "missing" from the module."""

    key: str
    reason: Literal["changed", "missing"]
    line: int = 0


def entry_for(profile: Profile, module: str, qualified_name: str, node: FunctionNode) -> FunctionProfile | None:
    """What was seen of this very function, or None where there is no entry or it is stale."""
    entry = profile.functions.get(f"{module}:{qualified_name}")
    return entry if entry is not None and entry.hash == function_hash(node) else None


def stale_entries(profile: Profile, module: str, tree: ast.Module) -> tuple[Stale, ...]:
    """The entries of `module` that do not match its syntax tree, by key."""
    nodes = _by_name(tree)
    found = []
    for key, entry in sorted(module_entries(profile, module).items()):
        same = nodes.get(key.partition(":")[2], [])
        if not same:
            found.append(Stale(key, "missing"))
        elif all(function_hash(node) != entry.hash for node in same):
            found.append(Stale(key, "changed", same[-1].lineno))
    return tuple(found)


def module_entries(profile: Profile, module: str) -> Mapping[str, FunctionProfile]:
    """The entries whose key names `module`."""
    return {key: entry for key, entry in profile.functions.items() if key.startswith(f"{module}:")}


def without_stale(profile: Profile, module: str, tree: ast.Module) -> Profile:
    """The profile less the entries of `module` that do not match."""
    stale = {item.key for item in stale_entries(profile, module, tree)}
    return Profile({key: entry for key, entry in profile.functions.items() if key not in stale})


def _by_name(tree: ast.Module) -> dict[str, list[FunctionNode]]:
    nodes: dict[str, list[FunctionNode]] = {}
    for name, node in definitions(tree):
        nodes.setdefault(name, []).append(node)
    return nodes
