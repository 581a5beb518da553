"""The lines of a batch: what is wanted, as ids, as `track ID`, or as JSON objects."""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from cratekeeper_cli.answers import Json
from cratekeeper_cli.errors import BadInput

_KINDS: Final = frozenset({"album", "track"})


def read(file: str, *, kind: str, force: bool) -> list[Json]:
    """The create bodies that `file` holds, `-` being standard input, in its order.

    `kind` and `force` hold for lines that say nothing else. Raises BadInput.
    """
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text("utf-8")
    except OSError as error:
        raise BadInput(f"cannot read {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadInput(f"{file} is no UTF-8 text") from None
    found = list(_bodies(text.splitlines(), kind=kind, force=force))
    if not found:
        raise BadInput(f"{file} holds no requests" if file != "-" else "standard input holds no requests")
    return found


def _bodies(lines: Iterable[str], *, kind: str, force: bool) -> Iterable[Json]:
    for number, line in enumerate(lines, start=1):
        word = line.strip().lstrip("\ufeff")
        if word and not word.startswith("#"):
            body = _object(word, number) if word.startswith("{") else _plain(word, number, kind)
            yield {"kind": kind, **({"force": True} if force else {}), **body}


def _object(word: str, number: int) -> Json:
    try:
        found: Json = json.loads(word)
    except (ValueError, RecursionError):
        raise BadInput(f"line {number} is no JSON object") from None
    return found


def _plain(word: str, number: int, kind: str) -> Json:
    *before, content_id = word.split()
    wanted = before or [kind]
    if len(wanted) > 1 or wanted[0] not in _KINDS or not content_id.isalnum():
        raise BadInput(f"line {number} is neither an id, nor album or track and an id, nor a JSON object")
    return {"kind": wanted[0], "content_id": content_id}
