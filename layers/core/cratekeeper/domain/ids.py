"""Download ids: a root is a ULID, a child is its root and an ordinal."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

SHARDS: Final = 4
"""Partitions of the `due` and `by_status` indexes: 4 x 1,000 writes/s is what a new on-demand table takes."""

CHUNK: Final = 98
"""Children per set item: 98 children, their set item and the root fill one transaction of 100."""

MAX_CHILDREN: Final = 100 * CHUNK
"""Largest family: its set items are read in one batch of 100."""
_ROOT: Final = r"[0-7][0-9A-HJKMNP-TV-Z]{25}"
_DOWNLOAD_ID: Final = re.compile(rf"({_ROOT})(?:-([1-9][0-9]{{0,4}}))?")


_STRIDE: Final = 2**32
"""Between the ids of one request's roots: ids that a process counts up one by one never meet them."""

_DIGITS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_BITS: Final = 5
_TIME_DIGITS: Final = 10


class Seed(NamedTuple):
    """Names all roots of one request: the first is `root`, further ones follow from it (`nth`).

    `is_resumed` says that an earlier run of the same request may have made some of them already.
    """

    root: str
    is_resumed: bool = False

    def nth(self, number: int) -> str:
        """The id of the request's root `number` (0, 1, …): the same in every run, and rising."""
        value = sum(_DIGITS.index(digit) << _BITS * place for place, digit in enumerate(reversed(self.root)))
        value += number * _STRIDE
        return "".join(_DIGITS[value >> _BITS * place & 31] for place in reversed(range(len(self.root))))


class Key(NamedTuple):
    """Where a record of the queue table lives: the root's partition and the part in it."""

    root: str
    part: str


def made_at(root: str) -> datetime:
    """When a root's id was made, as the id itself says: its first ten digits are the milliseconds since 1970."""
    value = 0
    for digit in root[:_TIME_DIGITS]:
        value = value << _BITS | _DIGITS.index(digit)
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=value)


def is_download_id(text: str) -> bool:
    """Whether `text` has the shape of a root's or a child's id."""
    return _DOWNLOAD_ID.fullmatch(text) is not None


def child_id(root: str, ordinal: int) -> str:
    """The id of the `ordinal`-th child (1..99,999) of `root`."""
    return f"{root}-{ordinal}"


def split(download_id: str) -> tuple[str, int | None]:
    """The root's id and, for a child, its ordinal."""
    root, _, ordinal = download_id.partition("-")
    return root, int(ordinal) if ordinal else None


def root_of(download_id: str) -> str:
    """The root's id: of a child its parent's, of a root its own."""
    return split(download_id)[0]


def parent_of(download_id: str) -> str | None:
    """The parent's id, None for a root."""
    root, ordinal = split(download_id)
    return None if ordinal is None else root


def key_of(download_id: str) -> Key:
    """Where the download's own record lives."""
    root, ordinal = split(download_id)
    return Key(root, "D" if ordinal is None else f"C#{ordinal:05d}")


def chunk_of(ordinal: int) -> int:
    """The set chunk (0 = inside the root) that holds the ordinal."""
    return (ordinal - 1) // CHUNK


def chunk_key(root: str, chunk: int) -> Key:
    """Where a chunk of the parent's sets lives: chunk 0 in the root itself."""
    return Key(root, "D" if chunk == 0 else f"S#{chunk:05d}")


def plan_key(root: str, epoch: int, chunk: int) -> Key:
    """Where one chunk of an expansion's pinned plan lives."""
    return Key(root, f"P#{epoch:05d}#{chunk:05d}")


def chunk_range(chunk: int, total: int) -> range:
    """The ordinals of a chunk in a family of `total` children."""
    return range(chunk * CHUNK + 1, min(total, (chunk + 1) * CHUNK) + 1)


def shard_of(root: str) -> int:
    """The index shard (0..SHARDS-1) of a root: its last, random, character."""
    return ord(root[-1]) % SHARDS
