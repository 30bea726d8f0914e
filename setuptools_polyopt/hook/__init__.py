"""The setuptools hook: from `pip wheel .` to the rewritten modules, the extension and the right tag.

setuptools calls `finalize_distribution_options` for every project that is built in an environment where polyopt is installed, several
times a build. So this module looks for the word in the bytes of pyproject.toml and imports the rest only where it stands.

`install` reads the settings and wraps two methods of the distribution, `command` is the `build_polyopt` command, `sources` finds the
modules and says where `_polyopt` lies, `outputs` writes files and remembers them, `editable` serves editable installs that ask for
optimised code, `backend` understands `-C polyopt.key=value`.
"""

from __future__ import annotations

import os
import re
from typing import Any


def finalize_distribution_options(dist: Any) -> None:
    """Entry point of setuptools: prepare `dist` (a `setuptools.Distribution`) if its project has a `[tool.polyopt]` table.

    It runs before setuptools has read pyproject.toml, so neither packages nor command options are known yet.
    """
    root = dist.src_root or os.curdir
    try:
        with open(os.path.join(root, "pyproject.toml"), "rb") as file:
            content = file.read()
    except OSError:
        return
    if re.search(rb"(?<!setuptools[-_.])polyopt", content) is None:  # the build requirement alone does not count
        return
    from setuptools_polyopt.hook.install import install

    install(dist, root)
