"""The reference page and the JSON schema of `[tool.polyopt]`, both made from the dataclasses in `config.py`.

What: field names, types, defaults and the docstrings under the fields, as Markdown (`reference_page`) and as a schema for
validate-pyproject (`json_schema`, an entry point). Why a module of its own: it reads source text, which the build hook never needs.
Not done here: checking values; `config.py` does that by itself.

`python -m setuptools_polyopt.settings_schema > docs/reference/settings.md` writes the page anew.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import sys
import types
from collections.abc import Mapping
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from setuptools_polyopt import config


def json_schema(tool_name: str = "polyopt") -> dict[str, Any]:
    """The schema of the table `[tool.<tool_name>]`, as validate-pyproject's entry point asks for it."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": f"[tool.{tool_name}]",
        **_table_schema(config.Settings),
    }


def reference_page() -> str:
    """The text of `docs/reference/settings.md`."""
    parts = [
        "# `[tool.polyopt]`",
        "<!-- made from setuptools_polyopt/config.py by `python -m setuptools_polyopt.settings_schema`; do not edit -->",
        "Every key can be overridden for one build by the environment variable that is named beside it; lists are written with commas "
        "there, switches as `1` or `0`. An unknown key or a value of the wrong type is an error.",
    ]
    parts += _entries(config.Settings, with_environment=True)
    parts.append('## `[tool.polyopt.functions."package.module:function"]`')
    parts += _entries(config.FunctionSettings, with_environment=False)
    return "\n\n".join(parts) + "\n"


def _entries(kind: type, with_environment: bool) -> list[str]:
    """One Markdown section per field of the dataclass `kind`."""
    hints, documents = get_type_hints(kind), _field_docstrings(kind)
    entries = []
    for own in dataclasses.fields(kind):
        facts = [f"type: {_type_text(hints[own.name])}"]
        if with_environment:
            facts.append(f"default: {_default_text(own)}")
            facts.append(f"environment: `{config.ENVIRONMENT_PREFIX}{own.name.upper()}`")
        heading = "##" if with_environment else "###"
        entries.append(f"{heading} `{own.name.replace('_', '-')}`\n\n{documents[own.name]}\n\n" + " · ".join(facts))
    return entries


def _field_docstrings(kind: type) -> dict[str, str]:
    """The string under each field in the class body, by field name."""
    (tree,) = ast.parse(inspect.getsource(kind)).body
    assert isinstance(tree, ast.ClassDef)
    found = {}
    for statement, following in zip(tree.body, tree.body[1:], strict=False):
        match statement, following:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = " ".join(text.split())
    return found


def _default(own: dataclasses.Field[Any]) -> object:
    return own.default_factory() if own.default_factory is not dataclasses.MISSING else own.default


def _default_text(own: dataclasses.Field[Any]) -> str:
    match _default(own):
        case None:
            return "none"
        case bool(value):
            return f"`{str(value).lower()}`"
        case tuple(items):
            return "`[" + ", ".join(f'"{item}"' for item in items) + "]`"
        case str(text):
            return f'`"{text}"`'
        case Mapping():
            return "`{}`"
        case value:
            return f"`{value}`"


def _without_none(hint: Any) -> Any:
    if get_origin(hint) in (Union, types.UnionType):
        (hint,) = (argument for argument in get_args(hint) if argument is not type(None))
    return hint


def _type_text(hint: Any) -> str:
    hint = _without_none(hint)
    if get_origin(hint) is tuple:
        return f"list of {_type_text(get_args(hint)[0])}"
    if get_origin(hint) is Literal:
        return ", ".join(f'`"{value}"`' for value in get_args(hint))
    return {str: "string", bool: "`true` or `false`", int: "whole number"}.get(hint, "table of tables")


def _table_schema(kind: type) -> dict[str, Any]:
    hints, documents = get_type_hints(kind), _field_docstrings(kind)
    properties = {}
    for own in dataclasses.fields(kind):
        schema = _value_schema(hints[own.name], own.metadata)
        properties[own.name.replace("_", "-")] = {"description": documents[own.name], **schema}
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _value_schema(hint: Any, limits: Mapping[str, Any]) -> dict[str, Any]:
    hint = _without_none(hint)
    if get_origin(hint) is tuple:
        return {"type": "array", "items": _value_schema(get_args(hint)[0], limits)}
    if get_origin(hint) is Literal:
        return {"enum": list(get_args(hint))}
    simple = {str: "string", bool: "boolean", int: "integer"}
    if hint in simple:
        anchored = {key: f"^{limit}$" if key == "pattern" else limit for key, limit in limits.items() if key != "inside"}
        return {"type": simple[hint], **anchored}
    return {"type": "object", "additionalProperties": _table_schema(get_args(hint)[1])}


if __name__ == "__main__":
    sys.stdout.write(reference_page())
