"""Text from outside: one line, without control characters, bounded in bytes."""

from typing import Final

NAME_BYTES: Final = 200
"""A name in an item is cut here: an item over 1 KB doubles the price of all its writes."""


def one_line(text: str, *, at_most: int = NAME_BYTES) -> str:
    """The text on one line, without control characters, in at most `at_most` bytes of UTF-8."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * at_most]).split())
    return line.encode()[:at_most].decode(errors="ignore")
