"""Asking before something is done that cannot be undone."""

import typer

from cratekeeper_cli.errors import BadInput
from cratekeeper_cli.tree import Run


def make_sure(run: Run, verb: str, what: str, *, is_sure: bool) -> None:
    """Ask a person whether to `verb` the thing, unless they said --yes.

    Raises BadInput where nobody can be asked, typer.Abort if they say no.
    """
    if is_sure:
        return
    if not run.host.is_interactive:
        raise BadInput(f"to {verb} {what} without being asked, add --yes")
    typer.confirm(f"{verb.capitalize()} {what} for good?", abort=True, err=True)
