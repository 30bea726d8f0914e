"""Element types of the Loop IR: those of NumPy that kernels can hold."""

from __future__ import annotations

from enum import Enum


class DType(Enum):
    """An element type; the value is NumPy's canonical name."""

    BOOL = "bool"
    INT8 = "int8"
    INT16 = "int16"
    INT32 = "int32"
    INT64 = "int64"
    UINT8 = "uint8"
    UINT16 = "uint16"
    UINT32 = "uint32"
    UINT64 = "uint64"
    FLOAT32 = "float32"
    FLOAT64 = "float64"
    COMPLEX64 = "complex64"
    COMPLEX128 = "complex128"

    @property
    def kind(self) -> str:
        """NumPy's kind letter: `b`, `i`, `u`, `f` or `c`."""
        return {"bool": "b", "int": "i", "uint": "u", "float": "f", "complex": "c"}[self.value.rstrip("0123456789")]

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        digits = self.value.lstrip("abcdefghijklmnopqrstuvwxyz")
        return int(digits) // 8 if digits else 1

    @property
    def is_integer(self) -> bool:
        return self.kind in "iu"

    @property
    def is_float(self) -> bool:
        return self.kind == "f"

    @property
    def is_complex(self) -> bool:
        return self.kind == "c"

    @property
    def real(self) -> DType:
        """The type of the real part of a complex type; any other type itself."""
        return {DType.COMPLEX64: DType.FLOAT32, DType.COMPLEX128: DType.FLOAT64}.get(self, self)

    def integer_range(self) -> tuple[int, int]:
        """Smallest and largest value of an integer type."""
        bits = 8 * self.itemsize
        return (0, 2**bits - 1) if self.kind == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
