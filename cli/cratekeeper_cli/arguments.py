"""Arguments that several commands take, and their checks."""

import re
from typing import Annotated, Final

import typer

from cratekeeper_cli.errors import BadInput

DownloadId = Annotated[str, typer.Argument(metavar="ID", help="Download id, as `request` and `downloads` print it.")]
_ID: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}")


def checked_id(text: str) -> str:
    """`text` as something that can be part of a path; the server knows the rest. Raises BadInput."""
    if not _ID.fullmatch(text):
        raise BadInput(f"not a download id: {text!r}")
    return text
