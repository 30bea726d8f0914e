"""A stand-in for `setuptools_polyopt.pipeline` in builds that test the hook alone; `sitecustomize` puts it in place.

It "optimises" each `return "plain"` to an answer of an extension module, which says its instruction-set level, or, without native code,
of a Python module of the `_polyopt` package.
"""

from __future__ import annotations

import dataclasses
import sys
import types
from collections.abc import Mapping

KERNEL = """#include "fake.h"
const char *PASTE(answer, POLYOPT_LEVEL)(void) { return "native"; }
"""
HEADER = """#define PASTE_(a, b) a##_##b
#define PASTE(a, b) PASTE_(a, b)
"""
ENTRY = """#include <Python.h>
#ifdef POLYOPT_HAVE_V2
extern const char *answer_v2(void);
#define ANSWER answer_v2()
#else
extern const char *answer_base(void);
#define ANSWER answer_base()
#endif
static PyObject *answer(PyObject *self, PyObject *unused) { return PyUnicode_FromString(ANSWER); }
static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, 0}, {0, 0, 0, 0}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_native", 0, 0, methods, 0, 0, 0, 0};
PyMODINIT_FUNC PyInit__native(void) { return PyModule_Create(&definition); }
"""


@dataclasses.dataclass(frozen=True)
class ModuleSource:
    name: str
    path: str
    text: str


@dataclasses.dataclass(frozen=True)
class Report:
    text: str
    modules: tuple = ()

    def to_json(self) -> str:
        return self.text


@dataclasses.dataclass(frozen=True)
class CompiledPackage:
    modules: Mapping[str, str]
    kernel_sources: Mapping[str, str]
    entry_sources: Mapping[str, str]
    headers: Mapping[str, str]
    runtime_files: Mapping[str, bytes]
    report: Report
    summary: str
    diagnostics: tuple = ()
    gpu_sources: Mapping[str, str] = dataclasses.field(default_factory=dict)


def compile_package(package, modules, profile, settings, native, refused):
    if any("fault_of_polyopt" in module.text for module in modules):
        raise RuntimeError("deliberate")
    changed = {}
    for module in modules:
        if 'return "plain"' in module.text:
            call = f"from {package} import answer as a; return a()"
            changed[module.name] = module.text.replace('return "plain"', call)
    kernels = {"kernel.c": KERNEL} if native and changed else {}
    if any("kernel_that_fails" in module.text for module in modules) and kernels and "broken.c" not in refused:
        kernels["broken.c"] = "int broken = nonsense;"
    entry = ENTRY + "nonsense" * any("entry_that_fails" in module.text for module in modules)
    init = f"from {package}._native import answer\n" if native else 'def answer():\n    return "python"\n'
    return CompiledPackage(
        changed,
        kernels,
        {"entry.c": entry} if kernels else {},
        {"fake.h": HEADER} if kernels else {},
        {"__init__.py": init.encode()} if changed else {},
        Report('{"modules": ' + str(len(modules)) + ', "fp": "' + settings.fp + '"}\n'),
        f"{package}: {len(changed)} of {len(modules)} modules",
    )


def install() -> None:
    module = types.ModuleType("setuptools_polyopt.pipeline")
    module.ModuleSource = ModuleSource
    module.compile_package = compile_package
    sys.modules["setuptools_polyopt.pipeline"] = module
