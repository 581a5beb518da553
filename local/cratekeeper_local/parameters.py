"""The settings of the stack: what the template declares, checked before anything is started."""

import re
from collections.abc import Mapping
from typing import Any

from cratekeeper_local.errors import USAGE, LocalStackError
from cratekeeper_local.template import Template


def checked(template: Template, settings: Mapping[str, str], *, origin: str = "--set") -> dict[str, str]:
    """All parameters with their values: `settings` over the defaults.

    Raises LocalStackError, exit code 2, naming the parameter that is unknown, missing or has a
    value that the template does not allow.
    """
    declared: dict[str, dict[str, Any]] = template.get("Parameters", {})
    for name in settings:
        if name not in declared:
            raise LocalStackError(f"{origin} {name}: there is no such parameter; known: {', '.join(declared)}", USAGE)
    return {name: _value(name, rules, settings.get(name), origin) for name, rules in declared.items()}


def _value(name: str, rules: Mapping[str, Any], given: str | None, origin: str) -> str:
    if given is None:
        if "Default" not in rules:
            raise LocalStackError(f"{name} has no default: give one with {origin} {name}=…", USAGE)
        return str(rules["Default"])
    if problem := _problem(rules, given):
        reason = rules.get("ConstraintDescription") or problem
        raise LocalStackError(f"{origin} {name}={given}: {reason}", USAGE)
    return given


def _problem(rules: Mapping[str, Any], given: str) -> str | None:
    """Why the template refuses a value, None if it does not."""
    allowed = [str(value) for value in rules.get("AllowedValues", [])]
    if allowed and given not in allowed:
        return f"must be one of {', '.join(allowed)}"
    if rules["Type"] == "Number":
        return _number_problem(rules, given)
    pattern = str(rules.get("AllowedPattern", ""))
    if pattern and not re.fullmatch(pattern, given):
        return f"must match {pattern}"
    return _length_problem(rules, given)


def _number_problem(rules: Mapping[str, Any], given: str) -> str | None:
    # Only digits: float() would also take "nan", "1_0" and " 1".
    if not re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?", given):
        return "must be a number"
    number = float(given)
    if number < float(rules.get("MinValue", number)):
        return f"must be at least {rules['MinValue']}"
    if number > float(rules.get("MaxValue", number)):
        return f"must be at most {rules['MaxValue']}"
    return None


def _length_problem(rules: Mapping[str, Any], given: str) -> str | None:
    if len(given) < int(rules.get("MinLength", 0)):
        return f"must have at least {rules['MinLength']} characters"
    if len(given) > int(rules.get("MaxLength", len(given))):
        return f"must have at most {rules['MaxLength']} characters"
    return None
