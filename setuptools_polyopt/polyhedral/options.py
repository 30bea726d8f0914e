"""What the polyhedral stage is allowed to do, and the sizes it works with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """reorder: compute a new schedule (else program order). tile, parallel, vector, contract: allow these. gpu: as many parallel loops as
    there are, instead of tiles and vector loops; library: products that a library may do have nests of their own. max_operations: bound
    of the scheduler's work in isl's operations (a million takes some tens of milliseconds)."""

    reorder: bool = True
    fuse: bool = True
    tile: bool = True
    parallel: bool = True
    vector: bool = True
    contract: bool = True
    gpu: bool = False
    library: bool = False
    max_operations: int = 4_000_000
