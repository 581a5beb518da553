"""Ids of the contract, derived from names so that every run serves the same ones."""

import hashlib
import re
import string
from typing import Final

BASE62: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
CONTENT_ID: Final = re.compile(r"[0-9A-Za-z]{22}")
FILE_ID: Final = re.compile(r"[0-9a-f]{40}")


def content_id(kind: str, name: str) -> str:
    """The id of an artist, album or track: 22 base62 digits.

    `kind` is "artist", "album" or "track"; a track's name is "album/number".
    """
    number = int.from_bytes(_digest(kind, name), "big")
    digits = []
    for _ in range(22):
        number, digit = divmod(number, 62)
        digits.append(BASE62[digit])
    return "".join(digits)


def file_id(name: str) -> str:
    """The id of a picture: 40 lower-case hex digits."""
    return _digest("picture", name).hex()[:40]


def _digest(kind: str, name: str) -> bytes:
    return hashlib.sha256(f"{kind}:{name}".encode()).digest()
