"""The table of settings, made from the parameters of template.yaml."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from cratekeeper_local.template import load

NOT_PASSED_ON: Final = frozenset({"Runtime", "Architecture"})
"""Parameters that say how functions run, and are no environment variables."""


def settings(template: Path) -> str:
    """The document: every parameter with its variable, default, bounds and meaning, in the template's order."""
    parameters: Mapping[str, Mapping[str, Any]] = load(template)["Parameters"]
    rows = "".join(_row(name, declared) for name, declared in parameters.items())
    return (
        "# Settings\n"
        "\n"
        "Made by `make docs` from the parameters of `template.yaml`. On AWS a setting is a parameter of the stack\n"
        "(`sam deploy --parameter-overrides MaxRetries=3`), on one machine an option\n"
        "(`cratekeeper local up --set MaxRetries=3`). A function gets it as the environment variable beside it and\n"
        "checks it at its start: a wrong value is an error that names the setting.\n"
        "`-1` is *unlimited*; `0` for a limit of users or albums means that none may start.\n"
        "\n"
        "What operators change at run time wins over the setting until they change it again: the queue's limit\n"
        "(`cratekeeper queue limit`) over `MaxConcurrentDownloads`, a user's own limits over `UserMax…`.\n"
        "\n"
        "| Parameter | Default | Allowed | Meaning | Variable |\n"
        "|---|---|---|---|---|\n"
        f"{rows}"
    )


def variable(parameter: str) -> str:
    """The environment variable of a parameter: its name in upper snake case."""
    return "".join(f"_{letter}" if letter.isupper() else letter.upper() for letter in parameter).lstrip("_")


def _row(name: str, declared: Mapping[str, Any]) -> str:
    default = str(declared.get("Default", ""))
    passed_as = "" if name in NOT_PASSED_ON else f"`{variable(name)}`"
    cells = (
        f"`{name}`",
        f"`{default}`" if default else "none",
        _allowed(declared),
        _cell(declared["Description"]),
        passed_as,
    )
    return f"| {' | '.join(cells)} |\n"


def _allowed(declared: Mapping[str, Any]) -> str:
    if values := declared.get("AllowedValues"):
        return " ".join(f"`{value}`" for value in values)
    least, most = declared.get("MinValue"), declared.get("MaxValue")
    if least is not None:
        return f"{least} or more" if most is None else f"{least} to {most}"
    words: str = declared.get("ConstraintDescription", "any text")
    return _cell(words.removeprefix("must be ").removeprefix("must "))


def _cell(text: str) -> str:
    """Text that does not end its cell."""
    return text.replace("|", "\\|")
