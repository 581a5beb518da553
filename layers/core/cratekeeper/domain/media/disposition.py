"""Content-Disposition: the name under which a browser or a program saves the bytes."""

import unicodedata
from typing import Final, Literal
from urllib.parse import quote

MOST_CHARACTERS: Final = 120
"""Of a name: with three bytes a character it stays below the 255 bytes of a file system."""

_PLAIN: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 ._-()")
"""What needs no quoting in any browser; a quote, a backslash or a percent sign would (RFC 6266, appendix D)."""

_FORBIDDEN: Final = frozenset('/\\:*?"<>|')
"""What some file system refuses in a name."""

_ATTRIBUTE_CHARACTERS: Final = "!#$&+-.^_`|~"
"""What RFC 8187 leaves as it is beside letters and digits."""


def content_disposition(kind: Literal["attachment", "inline"], name: str, *, fallback: str, key: str) -> str:
    """The header's value, ASCII only: `filename` for all, and `filename*` (RFC 8187) if that says less than `name`.

    Args:
        kind: whether it is to be saved or shown.
        name: what it is called, by the provider: any text.
        fallback: its id, where nothing of the name can be used.
        key: its S3 key, whose extension the names get.
    """
    extension = key.rpartition(".")[2]
    full = f"{file_name(name) or fallback}.{extension}"
    folded = unicodedata.normalize("NFKD", full).encode("ascii", "ignore").decode()
    plain = "".join(each for each in folded if each in _PLAIN).strip(" .")
    if not plain.removesuffix(extension).strip(" ."):
        plain = f"{fallback}.{extension}"
    value = f'{kind}; filename="{plain}"'
    return value if plain == full else f"{value}; filename*=UTF-8''{quote(full, safe=_ATTRIBUTE_CHARACTERS)}"


def file_name(text: str) -> str:
    """A name that every file system takes and no terminal is steered by; empty if nothing is left of the text."""
    composed = unicodedata.normalize("NFC", text)
    kept = ("_" if each in _FORBIDDEN else each for each in composed if each.isprintable())
    return " ".join("".join(kept).split())[:MOST_CHARACTERS].strip(" .")
