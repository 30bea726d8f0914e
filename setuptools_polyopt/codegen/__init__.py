"""Printers from Loop IR to C.

    names -> literals -> operations -> expr      how one expression is written
    storage                                      where arrays and scalars live in C
    blocks                                       loops that are one call of NumPy's inner loop
    function -> statements -> c                  statements, loops, outlined parallel bodies, whole kernels
    jam, interleave, registers                   register tiles, rows side by side, elements in registers: before anything is printed
    work                                         how much a kernel does, as an expression over its parameters

`c.kernel_source` prints one kernel, `c.translation_unit` puts the kernels of a package into one file that is compiled once per
instruction-set level.
"""

from __future__ import annotations
