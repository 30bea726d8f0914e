"""Products of matrices and vectors: `a @ b`, `np.dot(a, b)`."""

from __future__ import annotations

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.frontend.context import Context
from setuptools_polyopt.frontend.values import Value


def product(ctx: Context, left: Value, right: Value, span: Span, path: str = "numpy.matmul") -> Value:
    """The value of a product; raises Unsupported."""
    raise unsupported(span, "contraction", "NumPy's own BLAS is called")
