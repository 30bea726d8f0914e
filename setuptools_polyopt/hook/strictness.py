"""What `strict = true` asks of a build beyond a working compiler: that every hot function has been optimised.

Hot is what took at least a tenth of the profiled time. A function with one optimised region counts as optimised.
"""

from __future__ import annotations

from setuptools_polyopt.config import Settings
from setuptools_polyopt.profile.schema import Profile
from setuptools_polyopt.report.model import Report

HOT_SHARE = 0.1


def hot_functions_left(report: Report, profile: Profile, settings: Settings) -> list[str]:
    """A line for each hot function of the report's modules that stays Python, with its first reason and the way out."""
    lines = []
    for module in report.modules:
        optimised = {region.function for region in module.regions}
        for key, entry in sorted(profile.functions.items()):
            owner, _, function = key.partition(":")
            if owner != module.module or entry.share < HOT_SHARE or function in optimised or not settings.wants_function(key):
                continue
            missed = next((item for item in module.missed if item.function == function), None)
            place = f"{module.file}:{missed.lines}" if missed else module.file
            reason = missed.reason if missed else "nothing in it was understood as a loop or array expression"
            remedy = f"; {missed.remedy}" if missed and missed.remedy else ""
            lines.append(f'{place}: {function} is hot and was not optimised: {reason}{remedy} (or name "{key}" in exclude)')
    return lines
