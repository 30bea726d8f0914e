"""setuptools-polyopt: ordinary numerical Python in, a wheel with native, parallel, guarded code out.

The package itself imports nothing, so that the setuptools hook costs projects that do not use polyopt next to nothing.
"""

from __future__ import annotations

__version__ = "0.1.0"
