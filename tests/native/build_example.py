"""Builds the hand-written example with the interpreter that runs this: `build_example.py FOLDER NAME [CFLAGS...]`.

The folder receives a package NAME (user.py, _polyopt with the runtime, _polyopt/_native...). Also used by conftest.py.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

MACHINE = platform.machine()
ROOT = Path(__file__).parents[2]
SUPPORT = ROOT / "setuptools_polyopt" / "codegen" / "support"
EXAMPLE = Path(__file__).parent / "example"
COMMON = [
    "-std=c11",
    "-fPIC",
    "-fvisibility=hidden",
    "-pthread",
    "-ffp-contract=off",
    "-fno-strict-aliasing",
    "-Wall",
    "-Wextra",
    "-Werror",
]
# the support code is compiled as toolchain.py compiles entry units and kernels
ENTRY = ["-O2"]
KERNEL = ["-O3", "-fno-builtin", "-fno-math-errno"]
V3 = ["-mavx2", "-mfma", "-mbmi", "-mbmi2", "-mlzcnt", "-mf16c", "-mmovbe"]


def run(command: list[str]) -> None:
    subprocess.run(command, check=True)


def python_flags() -> list[str]:
    limited = ["-DPy_LIMITED_API=0x030B0000"] if sys.version_info >= (3, 11) else []
    return [f"-I{sysconfig.get_path('include')}", *limited]


def build(folder: Path, name: str, extra: tuple[str, ...] = ()) -> Path:
    """Lay out the package `name` in `folder` and build its extension; the package's folder."""
    package = folder / name
    shutil.copytree(
        ROOT / "setuptools_polyopt" / "runtime", package / "_polyopt", ignore=shutil.ignore_patterns("__pycache__")
    )
    (package / "__init__.py").write_text("")
    shutil.copy(EXAMPLE / "user.py", package / "user.py")
    entry = (
        (EXAMPLE / "entry.c").read_text().replace('"example.', f'"{name}.').replace('"' + f'{name}.h"', '"example.h"')
    )
    objects = folder / "objects"
    objects.mkdir(exist_ok=True)
    (objects / f"entry-{name}.c").write_text(entry)
    common = [*COMMON, *extra, f"-I{SUPPORT}", f"-I{EXAMPLE}"]
    units = [(path.stem, path, [*ENTRY, *python_flags()]) for path in sorted(SUPPORT.glob("*.c"))]
    units += [(f"entry-{name}", objects / f"entry-{name}.c", [*ENTRY, *python_flags()])]
    units += [("kernels-base", EXAMPLE / "kernels.c", [*KERNEL, "-DPOLYOPT_LEVEL=base"])]
    units += [("kernels-v3", EXAMPLE / "kernels.c", [*KERNEL, *V3, "-DPOLYOPT_LEVEL=v3"])]

    def compile_one(unit: tuple[str, Path, list[str]]) -> str:
        stem, source, flags = unit
        target = objects / f"{stem}.o"
        if not target.exists():  # a second package in the same folder differs in its entry points only
            run(["gcc", *common, *flags, "-c", str(source), "-o", str(target)])
        return str(target)

    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(compile_one, units))
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    run(["gcc", "-shared", "-pthread", *extra, "-o", str(package / "_polyopt" / f"_native{suffix}"), *made, "-lm"])
    return package


if __name__ == "__main__":
    build(Path(sys.argv[1]), sys.argv[2], tuple(sys.argv[3:]))
