"""polyopt_profiler: the command `polyopt-profile`.

Runs a program under MonkeyType's tracing with a tracer of our own that looks at values (data types, extents, layouts, overlap)
where MonkeyType looks at classes, and writes `polyopt-profile.json`.
"""

from __future__ import annotations
