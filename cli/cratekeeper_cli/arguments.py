"""Arguments that several commands take, and their checks."""

import re
import sys
from collections.abc import Sequence
from typing import Annotated, Final
from urllib.parse import quote

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
UserId = Annotated[
    str,
    typer.Argument(metavar="USER", help="A user's id.", autocompletion=completion.users()),
]
Most = Annotated[int, typer.Option("--limit", min=1, help="How many at most.")]
Everything = Annotated[bool, typer.Option("--all", help="All there are.")]
OnlyIds = Annotated[bool, typer.Option("--ids", help="Only the ids, for other commands.")]
Force = Annotated[bool, typer.Option("--force", help="Fetch it again although the catalog has it.")]

_ID: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}")
_USER_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@|:-]{0,63}")
_KEY_ID: Final = re.compile(r"[0-9A-Za-z_-]{8,64}")  # too long to be an option that was typed behind a --
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


def checked_user(text: str) -> str:
    """`text` as the id of a user. Raises BadInput."""
    if not _USER_ID.fullmatch(text):
        raise BadInput(f"not a user id: {text!r}; it is 1 to 64 letters, digits, . _ @ | : -")
    return text


def user_path(user_id: str) -> str:
    """The route of that user. Raises BadInput."""
    return f"/v1/admin/users/{quote(checked_user(user_id), safe='')}"


def checked_key_ids(texts: Sequence[str]) -> list[str]:
    """The ids of keys, each once; they may begin with any of their characters. Raises BadInput."""
    for text in texts:
        if not _KEY_ID.fullmatch(text):
            raise BadInput(f"not a key id: {text!r}")
    return list(dict.fromkeys(texts))


def checked_key(text: str | None) -> str | None:
    """`text` as an Idempotency-Key, None for none. Raises BadInput."""
    if text is None:
        return None
    if not text.strip() or len(text) > _LONGEST_KEY or not text.isascii() or not text.isprintable():
        raise BadInput(f"an idempotency key is 1 to {_LONGEST_KEY} printable ASCII characters")
    return text
