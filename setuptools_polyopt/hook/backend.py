"""A build backend that is setuptools' own plus `-C polyopt.key=value`.

setuptools ignores configuration settings that it does not know and offers plugins no way to see them. This wrapper turns
`polyopt.fp=fast` into the environment variable `POLYOPT_BUILD_FP` for the time of the call, so that one place checks all overrides.
`build-backend = "setuptools_polyopt.build_meta"` chooses it; with the plain backend the environment variables do the same.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from setuptools import build_meta as _setuptools

from setuptools_polyopt.config import ENVIRONMENT_PREFIX

PREFIX = "polyopt."
ConfigSettings = Mapping[str, str | list[str] | None] | None


@contextmanager
def settings_in_environment(config_settings: ConfigSettings) -> Iterator[dict[str, Any] | None]:
    """Move the `polyopt.` settings into the environment; what is left goes to setuptools. pip gives strings, build gives lists."""
    if config_settings is None:
        yield None
        return
    ours = {key: value for key, value in config_settings.items() if key.startswith(PREFIX)}
    names = {key: ENVIRONMENT_PREFIX + key[len(PREFIX) :].upper().replace("-", "_") for key in ours}
    before = {name: os.environ.get(name) for name in names.values()}
    for key, value in ours.items():
        os.environ[names[key]] = ",".join(value) if isinstance(value, list) else value or ""
    try:
        yield {key: value for key, value in config_settings.items() if key not in ours}
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def get_requires_for_build_wheel(config_settings: ConfigSettings = None) -> list[str]:
    """PEP 517."""
    with settings_in_environment(config_settings) as rest:
        return list(_setuptools.get_requires_for_build_wheel(rest))


def get_requires_for_build_sdist(config_settings: ConfigSettings = None) -> list[str]:
    """PEP 517."""
    with settings_in_environment(config_settings) as rest:
        return list(_setuptools.get_requires_for_build_sdist(rest))


def get_requires_for_build_editable(config_settings: ConfigSettings = None) -> list[str]:
    """PEP 660."""
    with settings_in_environment(config_settings) as rest:
        return list(_setuptools.get_requires_for_build_editable(rest))


def prepare_metadata_for_build_wheel(metadata_directory: str, config_settings: ConfigSettings = None) -> str:
    """PEP 517."""
    with settings_in_environment(config_settings) as rest:
        return str(_setuptools.prepare_metadata_for_build_wheel(metadata_directory, rest))


def prepare_metadata_for_build_editable(metadata_directory: str, config_settings: ConfigSettings = None) -> str:
    """PEP 660."""
    with settings_in_environment(config_settings) as rest:
        return str(_setuptools.prepare_metadata_for_build_editable(metadata_directory, rest))


def build_sdist(sdist_directory: str, config_settings: ConfigSettings = None) -> str:
    """PEP 517."""
    with settings_in_environment(config_settings) as rest:
        return str(_setuptools.build_sdist(sdist_directory, rest))


def build_wheel(wheel_directory: str, config_settings: ConfigSettings = None, metadata_directory: str | None = None) -> str:
    """PEP 517."""
    with settings_in_environment(config_settings) as rest:
        return str(_setuptools.build_wheel(wheel_directory, rest, metadata_directory))


def build_editable(wheel_directory: str, config_settings: ConfigSettings = None, metadata_directory: str | None = None) -> str:
    """PEP 660."""
    with settings_in_environment(config_settings) as rest:
        return str(_setuptools.build_editable(wheel_directory, rest, metadata_directory))
