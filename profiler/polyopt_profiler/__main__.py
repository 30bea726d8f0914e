"""`python -m polyopt_profiler` is `polyopt-profile`."""

from __future__ import annotations

import sys

from polyopt_profiler.cli import main

sys.exit(main())
