"""What the NumPy of the build does where versions differ (`runtime/facts.py`); the wheel asks the same of the NumPy that runs it."""

from __future__ import annotations

from setuptools_polyopt.runtime.facts import discover

FACTS = discover()
