"""The page `docs/cli.md`: what `--help` says, all of it, made from the commands."""

from collections.abc import Iterator
from typing import Final

import typer
from typer.core import TyperCommand, TyperGroup

from cratekeeper_cli.exits import MEANINGS, Exit

_COLUMNS: Final = 100
_PROGRAM: Final = "cratekeeper"


def page(app: typer.Typer) -> str:
    """Every command of `app` with its help, then the exit codes."""
    root = typer.main.get_command(app)
    parts = [f"## `{path}`\n\n```\n{text}\n```\n" for path, text in _texts(root, None, _PROGRAM)]
    codes = "".join(f"| {int(code)} | {MEANINGS[code]} |\n" for code in Exit)
    return (
        "# The command line\n\n"
        "Made by `make docs` from the commands themselves (`cli/cratekeeper_cli`): what `--help` says.\n\n"
        f"{chr(10).join(parts)}\n## Exit codes\n\n| Code | Meaning |\n|---|---|\n{codes}"
    )


def _texts(command: object, parent: typer.Context | None, name: str) -> Iterator[tuple[str, str]]:
    """The words to type and the help of a command and of all below it."""
    if not isinstance(command, TyperCommand | TyperGroup):
        return
    context = typer.Context(
        command, info_name=name, parent=parent, terminal_width=_COLUMNS, help_option_names=["-h", "--help"]
    )
    lines = command.get_help(context).splitlines()
    yield context.command_path, "\n".join(line.rstrip() for line in lines).strip()
    for inner in command.commands.items() if isinstance(command, TyperGroup) else ():
        yield from _texts(inner[1], context, inner[0])
