"""Text from outside: one line, without control characters, bounded in bytes. And without secrets."""

import re
from typing import Final

NAME_BYTES: Final = 200
"""A name in an item is cut here: an item over 1 KB doubles the price of all its writes."""

HIDDEN: Final = "[hidden]"
"""In place of a secret."""

_SECRETS: Final = re.compile(
    r"ck_[\w-]{8,}"  # an API key
    r"|eyJ[\w-]{8,}\.[\w-]+\.[\w-]*"  # a signed token
    r"|(?<=[?&]X-Amz-Signature=)[0-9a-f]+|(?<=[?&]X-Amz-Security-Token=)[^&\s\"']+|(?<=[?&]X-Amz-Credential=)[^&\s\"']+"
    r"|(?<=[?&]token=)[^&\s\"']+|(?<=[?&]access_token=)[^&\s\"']+|(?<=[?&]api_key=)[^&\s\"']+"
    r"|(?<=://)[^/\s@]+(?=@)"  # user and password of a URL
    r"|(?<=Bearer )[\w.~+/=-]+|(?<=Basic )[\w+/=-]{8,}",
    re.IGNORECASE,
)


def without_secrets(text: str) -> str:
    """The text with every secret hidden that can be told by its form: keys, signatures, tokens, passwords in URLs."""
    return _SECRETS.sub(HIDDEN, text)


def safe_line(text: str) -> str:
    """What an error said, as it may be kept and shown: on one line, bounded, without secrets."""
    return one_line(without_secrets(text[: 20 * NAME_BYTES]))


def one_line(text: str, *, at_most: int = NAME_BYTES) -> str:
    """The text on one line, without control characters, in at most `at_most` bytes of UTF-8."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * at_most]).split())
    return line.encode()[:at_most].decode(errors="ignore")
