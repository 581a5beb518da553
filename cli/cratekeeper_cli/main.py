"""The entry point `cratekeeper`."""

import io
import os
import sys
import traceback
from types import ModuleType, TracebackType
from typing import Annotated, Final

import typer

from cratekeeper import __version__
from cratekeeper_cli.commands import (
    account,
    admin,
    admin_audit,
    admin_jobs,
    admin_people,
    control,
    downloads,
    library,
    local,
    queue,
    request,
    request_many,
    search,
    server,
)
from cratekeeper_cli.exits import Exit
from cratekeeper_cli.text import clean
from cratekeeper_cli.tree import Tree

# In the order of `--help`. A module with new commands is added here and nowhere else.
MODULES: Final[tuple[ModuleType, ...]] = (
    search, request, request_many, downloads, library, control, queue, server, admin, admin_jobs,
    admin_people, admin_audit, account, local,
)  # fmt: skip

_DEBUG: Final = "CRATEKEEPER_DEBUG"
_HELP: Final = "Download albums into your media library, and watch them arrive."
_EPILOG: Final = """\b
First steps:
  cratekeeper local up         start a stack of your own on this machine
  cratekeeper login            or use a server elsewhere
  cratekeeper search WORDS     find out the ids of albums, artists and tracks
  cratekeeper request album ID --wait
  cratekeeper --install-completion   let Tab complete commands and ids

On a stack of your own, queue pause|resume|limit and admin … take its admin key by
themselves; for the other commands CRATEKEEPER_ROLE=admin (or viewer, second_user) does.

Exit codes: 0 ok, 1 failed, 2 usage, 3 unreachable, 4 denied, 5 not found, 6 conflict,
7 limited, 8 incomplete, 130 interrupted; in full: cratekeeper exit-codes
"""


def build() -> typer.Typer:
    """The whole command line. A test passes its Host as `obj`."""
    tree = Tree(help_text=_HELP, epilog=_EPILOG)
    tree.root.callback()(_root)
    for module in MODULES:
        module.add_to(tree)
    return tree.root


def main() -> None:
    """Run the command line and exit with its code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a name must not break an ASCII terminal
    sys.excepthook = _one_line
    typer.main.get_command(build())(prog_name="cratekeeper")


def _one_line(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """A bug ends in one line as well; the interpreter then exits with code 1."""
    if os.environ.get(_DEBUG):
        traceback.print_exception(kind, error, trace)
        return
    said = clean(f"{kind.__name__}: {error}", limit=300)
    sys.stderr.write(f"error: a bug in cratekeeper ({said}); set {_DEBUG}=1 to see where\n")


def _print_version(*, wanted: bool) -> None:
    if wanted:
        typer.echo(f"cratekeeper {__version__}")
        raise typer.Exit(Exit.OK)


def _root(
    *,
    _version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_print_version),
    ] = False,
) -> None:
    """Exist, so that the root can take --version."""
