"""isl's work is bounded by its own count of operations, never by time, so that two builds of one source give the same result.

A million operations take some tens of milliseconds with the small coefficients that programs have, and a hundred times as long with
large ones that have nothing in common (`scop` refuses those). What exceeds its bound raises `TooIntricate`, and its caller does without.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import islpy as isl


class TooIntricate(Exception):
    """isl would need more operations than it is allowed."""


@contextmanager
def bounded(context: isl.Context, operations: int) -> Iterator[None]:
    """Inside, isl's work in `context` is limited; exceeding it raises TooIntricate. Other errors of isl pass."""
    context.reset_operations()
    context.set_max_operations(operations)
    try:
        yield
    except isl.Error as error:
        if "operations" in str(error):
            raise TooIntricate(str(error)) from None
        raise
    finally:
        context.set_max_operations(0)
        context.reset_operations()
