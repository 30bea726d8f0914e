"""Everyday NumPy expressions, as a package of its own that the benchmark builds."""
