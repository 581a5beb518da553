"""The merge-join of what the catalog expects with what the bucket holds, both in the order of S3 keys."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from string import ascii_lowercase, ascii_uppercase, digits
from typing import Final, NamedTuple

from cratekeeper.domain.models import Kind

SHARDS: Final = tuple(
    f"{folder}/{first}"
    for folder, alphabet in (("audio", digits + ascii_uppercase + ascii_lowercase), ("images", "0123456789abcdef"))
    for first in alphabet
)
"""Prefixes that every media key has one of: the units of a scan, and of the catalog's partitions (docs/adr/0024)."""


class StoredObject(NamedTuple):
    """An object of the bucket, as a listing tells it."""

    key: str
    size_bytes: int


class ExpectedObject(NamedTuple):
    """What the catalog says should be stored: whose it is, and its size; None = whatever comes."""

    key: str
    size_bytes: int | None
    kind: Kind
    content_id: str


class Flaw(StrEnum):
    """What can be wrong with one key."""

    MISSING = "missing"
    TRUNCATED = "truncated"
    ORPHANED = "orphaned"


class Finding(NamedTuple):
    """A key with a flaw; `expected` is None for an orphan."""

    flaw: Flaw
    key: str
    expected: ExpectedObject | None = None


@dataclass(slots=True)
class Join:
    """One shard's join, page by page of its listing.

    Clean objects pass through one comparison each and leave nothing behind; memory is that of a page.

    Args:
        expected: of the shard, in key order.
        after: keys up to this one were dealt with before.
    """

    expected: Iterator[ExpectedObject]
    after: str = ""
    seen: int = 0
    """Rows that were compared."""
    _next: ExpectedObject | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        """Begin behind what was dealt with."""
        self._next = next((each for each in self.expected if each.key > self.after), None)

    def page(self, objects: Iterable[StoredObject], *, is_last: bool) -> list[Finding]:
        """What is wrong up to the last key of the page, or to the end of the shard with the last page."""
        found: list[Finding] = []
        wanted = self._next
        for key, size_bytes in objects:
            while wanted is not None and wanted.key < key:
                found.append(Finding(Flaw.MISSING, wanted.key, wanted))
                wanted = self._advance()
            if wanted is None or wanted.key != key:
                found.append(Finding(Flaw.ORPHANED, key))
                continue
            if wanted.size_bytes != size_bytes and wanted.size_bytes is not None:
                found.append(Finding(Flaw.TRUNCATED, key, wanted))
            wanted = self._advance()
        self._next = wanted
        return found + (self._rest() if is_last else [])

    def _rest(self) -> list[Finding]:
        """What is expected behind the last object of the shard."""
        found: list[Finding] = []
        while self._next is not None:
            found.append(Finding(Flaw.MISSING, self._next.key, self._next))
            self._next = self._advance()
        return found

    def _advance(self) -> ExpectedObject | None:
        self.seen += 1
        return next(self.expected, None)


def stem(key: str) -> str:
    """The key without its extension: where the catalog's row of it stands in the order."""
    return key.partition(".")[0]
