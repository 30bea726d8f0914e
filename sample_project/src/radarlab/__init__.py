"""Space-time adaptive radar processing and the numerical kernels around it."""

__version__ = "0.1.0"
