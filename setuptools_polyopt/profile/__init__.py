"""The profile file: what it says (`schema`), how it is read and written, joined, and matched with sources.

Both sides use this room: the profiler writes with it, the build reads with it. It needs the standard library only.
"""

from __future__ import annotations
