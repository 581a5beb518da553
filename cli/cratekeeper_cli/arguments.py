"""Arguments that several commands take, and their checks."""

import re
import sys
from collections.abc import Sequence
from typing import Annotated, Final

import typer

from cratekeeper_cli import completion
from cratekeeper_cli.errors import BadInput

DownloadId = Annotated[
    str,
    typer.Argument(
        metavar="ID",
        help="Download id, as `request` and `downloads` print it.",
        autocompletion=completion.downloads({}),
    ),
]
Priority = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=3,
        help="2 normal, 3 low; 1 (high) only for editors.",
        autocompletion=completion.words(*completion.PRIORITIES),
    ),
]
IdempotencyKey = Annotated[
    str | None,
    typer.Option(
        metavar="KEY",
        help="Name this request: within 24 hours the same key and request are answered as before, and nothing is "
        "queued twice. By default a fresh key is made.",
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Fetch it again although the catalog has it.")]

_ID: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}")
_LONGEST_KEY: Final = 255


def checked_id(text: str, *, what: str = "a download") -> str:
    """`text` as something that can be part of a path; the server knows the rest. Raises BadInput."""
    if not _ID.fullmatch(text):
        raise BadInput(f"not {what} id: {text!r}")
    return text


def checked_ids(texts: Sequence[str]) -> list[str]:
    """The ids, each once and in their order; `-` stands for those on standard input. Raises BadInput."""
    found = [word for text in texts for word in (sys.stdin.read().split() if text == "-" else [text])]
    if not found:
        raise BadInput("standard input holds no ids")
    return list(dict.fromkeys(map(checked_id, found)))


def checked_key(text: str | None) -> str | None:
    """`text` as an Idempotency-Key, None for none. Raises BadInput."""
    if text is None:
        return None
    if not text.strip() or len(text) > _LONGEST_KEY or not text.isascii() or not text.isprintable():
        raise BadInput(f"an idempotency key is 1 to {_LONGEST_KEY} printable ASCII characters")
    return text
