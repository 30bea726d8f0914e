"""What the polyhedral stage is allowed to do, and the sizes it works with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """reorder: compute a new schedule (else program order). tile, parallel, vector, contract: allow these. max_operations: bound of the
    scheduler's work in isl's operations (a million takes some tens of milliseconds)."""

    reorder: bool = True
    fuse: bool = True
    tile: bool = True
    parallel: bool = True
    vector: bool = True
    contract: bool = True
    max_operations: int = 4_000_000
