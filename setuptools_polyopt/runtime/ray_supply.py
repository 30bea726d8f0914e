"""What the chunks of a stage read, cut into pieces for Ray's object store.

Arrays are cut where the needs of chunks begin and end, so that a chunk takes whole pieces and no byte goes to a node twice. A piece is put
into the store when the first chunk asks for it, and let go when the last one that needs it has ended.

    chunks read rows 0..11, 9..21, 19..30 of a    ->    pieces 0..9, 9..11, 11..19, 19..21, 21..30
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from . import ray_worker
from .plan import Box, Chunk, Stage

if TYPE_CHECKING:
    import numpy as np

MOST_PIECES = 8
"""An array of which a chunk would need more pieces is put in one."""


def inside(boxes: Sequence[Box], shape: Sequence[int]) -> tuple[Box, ...]:
    """What lies inside an array of the boxes of one."""
    return tuple(found for box in boxes if (found := _clipped(box, shape)))


def _clipped(box: Box, shape: Sequence[int]) -> Box | None:
    """The part of a box inside the array; None where there is none."""
    found = tuple((max(0, low), min(extent, high)) for (low, high), extent in zip(box, shape, strict=True))
    return found if all(low < high for low, high in found) else None


def slices(box: Box) -> tuple[slice, ...]:
    """The subscript that takes a box out of an array."""
    return tuple(slice(low, high) for low, high in box)


def _hull(boxes: Sequence[Box]) -> Box:
    return tuple((min(ends[0] for ends in axis), max(ends[1] for ends in axis)) for axis in zip(*boxes, strict=True))


class _Piece(NamedTuple):
    """Which elements a piece holds: where the array of index zero is, and the box."""

    address: int
    dtype: str
    strides: tuple[int, ...]
    fortran: bool
    box: Box


class Supply:
    """The pieces of the arrays that the chunks of a stage read, put into the object store when the first chunk asks for them."""

    def __init__(self, arrays: Mapping[str, np.ndarray[Any, Any]], stage: Stage, chunks: Sequence[Chunk]) -> None:
        self.arrays, self.stage = arrays, stage
        names = {name for chunk in chunks for name in chunk.reads}
        self.cuts = {name: _Cuts([chunk.reads[name] for chunk in chunks if name in chunk.reads]) for name in names}
        self.known: dict[_Piece, Any] = {}
        self.users = Counter(piece for chunk in chunks for piece in self._wanted(chunk))

    def _wanted(self, chunk: Chunk) -> Iterator[_Piece]:
        """The pieces that a chunk needs."""
        for name, box in chunk.reads.items():
            yield from (self._key(name, piece) for piece in self.cuts[name].of(box))

    def _key(self, name: str, box: Box) -> _Piece:
        """The same for two names of one array."""
        array = self.arrays[name]
        return _Piece(array.ctypes.data, array.dtype.str, array.strides, _is_fortran(_fixed_strides(self.stage, name, array)), box)

    def without(self, chunk: Chunk) -> None:
        """A chunk has ended: pieces that no other needs may go."""
        for piece in self._wanted(chunk):
            self.users[piece] -= 1
            if not self.users[piece]:
                self.known.pop(piece, None)

    def of(self, chunk: Chunk) -> tuple[list[ray_worker.Part], list[Any]]:
        """What a chunk's worker has to know of each array, and the pieces, in order."""
        parts, pieces = [], []
        for item in self.stage.fields:
            if item.kind != "data":
                continue
            name, array = item.source, self.arrays[item.source]
            brought = self.cuts[name].of(chunk.reads[name]) if name in chunk.reads else []
            writes = chunk.writes.get(name, ())
            wanted = [*brought, *writes]
            room = _hull(wanted) if wanted else ((0, 0),) * array.ndim
            fixed = _fixed_strides(self.stage, name, array)
            parts.append(ray_worker.Part(name, array.dtype.str, room, fixed, _is_fortran(fixed), tuple(brought), writes))
            pieces += [self._piece(name, box) for box in brought]
        return parts, pieces

    def _piece(self, name: str, box: Box) -> Any:
        import numpy as np
        import ray

        key = self._key(name, box)
        if key not in self.known:
            block = self.arrays[name][slices(box)]
            self.known[key] = ray.put(np.asfortranarray(block) if key.fortran else np.ascontiguousarray(block))
        return self.known[key]


class _Cuts:
    """Where an array is cut so that each chunk needs whole pieces: at the ends of what chunks need, along the axis that parts them most."""

    def __init__(self, boxes: Sequence[Box]) -> None:
        self.whole = _hull(boxes)
        along = list(zip(*boxes, strict=True))
        share = {
            axis: sum(high - low for low, high in needed) / (self.whole[axis][1] - self.whole[axis][0])
            for axis, needed in enumerate(along)
            if len(set(needed)) > 1
        }
        self.axis = min(share, key=lambda axis: share[axis]) if share else None
        self.points: list[int] = []
        if self.axis is not None:
            self.points = sorted({end for box in boxes for end in box[self.axis]})
            if max(len(self._between(box)) for box in boxes) > MOST_PIECES:
                self.axis = None

    def _between(self, box: Box) -> list[tuple[int, int]]:
        assert self.axis is not None
        low, high = box[self.axis]
        inside = [point for point in self.points if low <= point <= high]
        return list(pairwise(inside))

    def of(self, box: Box) -> list[Box]:
        """The pieces that hold a box."""
        if self.axis is None:
            return [self.whole]
        return [(*self.whole[: self.axis], ends, *self.whole[self.axis + 1 :]) for ends in self._between(box)]


def _fixed_strides(stage: Stage, name: str, array: np.ndarray[Any, Any]) -> tuple[int | None, ...]:
    """Elements from one index of an axis to the next where the kernel takes them for granted, None where it is told."""
    told = {item.axis for item in stage.fields if item.kind == "stride" and item.source == name}
    return tuple(None if axis in told else stride // array.itemsize for axis, stride in enumerate(array.strides))


def _is_fortran(fixed: Sequence[int | None]) -> bool:
    return len(fixed) > 1 and fixed[0] is not None and (fixed[-1] is None or fixed[0] < fixed[-1])
