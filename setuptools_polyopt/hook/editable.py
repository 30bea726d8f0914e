"""Optimised code for an editable install that asks for it.

The source tree stays untouched. Beside setuptools' own `.pth` file, the editable wheel holds a folder `_polyopt_editable_<dist>` with
the rewritten modules, the `_polyopt` packages, an index, and a finder (`editable_finder.py`, copied) that a second `.pth` file starts.
A module whose source is no longer what was compiled runs as it stands in the source tree, so that an edit shows at once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from setuptools_polyopt.hook.outputs import OutputFile, digest


def write(folder: Path, dist_name: str, files: Mapping[str, OutputFile], names: Mapping[str, str]) -> None:
    """Write the files of an editable wheel into `folder`, its root. `names`: module name by output path."""
    if not files:
        return
    own = "_polyopt_editable_" + re.sub(r"\W+", "_", dist_name).strip("_").lower()
    home = folder / own
    packages = {}
    modules = {}
    for path, file in files.items():
        target = home / "built" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.content)
        if file.source is not None:
            modules[names[path]] = {"file": path, "source": digest(file.source.read_bytes())}
        elif path.endswith("/__init__.py"):
            packages[path.rpartition("/")[0].replace("/", ".")] = path
    index = {"modules": modules, "packages": packages}
    (home / "index.json").write_text(json.dumps(index, indent=1, sort_keys=True), encoding="utf-8")
    (home / "__init__.py").write_bytes(Path(__file__).with_name("editable_finder.py").read_bytes())
    (folder / f"{own}.pth").write_text(f"import {own}; {own}.install()\n", encoding="utf-8")
