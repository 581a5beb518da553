"""What AWS charges (us-east-1, on demand), rule by rule: pure functions of the sizes of what is stored and sent.

Sizes are bytes by the services' own rules. Prices are dollars per million units, so that a sum of
units per track is a price per million tracks.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from math import ceil
from typing import Any, Final

from tests.contract.sizes import item_size

Item = Mapping[str, Mapping[str, Any]]

WRITE_BYTES: Final = 1024
READ_BYTES: Final = 4096
QUEUE_BYTES: Final = 64 * 1024
EVENT_BYTES: Final = 64 * 1024

PUT_CLASS: Final = frozenset({
    "CompleteMultipartUpload",
    "CopyObject",
    "CreateMultipartUpload",
    "ListMultipartUploads",
    "ListObjectsV2",
    "ListParts",
    "PutObject",
    "UploadPart",
})
GET_CLASS: Final = frozenset({"GetObject", "HeadObject"})
FREE: Final = frozenset({"AbortMultipartUpload", "DeleteObject", "DeleteObjects"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """What a call, or a sum of calls, is billed for."""

    wru: float = 0
    rru: float = 0.0
    queue_requests: int = 0
    puts: int = 0
    gets: int = 0
    events: int = 0
    invocations: int = 0
    gb_s: float = 0.0

    def __add__(self, other: "Units") -> "Units":
        return Units(**{each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(Units)})

    @property
    def dollars(self) -> float:
        """Millionths of a dollar: as units per track, dollars per million tracks."""
        return sum(price * float(getattr(self, name)) for name, price in PRICES.items())


PRICES: Final[Mapping[str, float]] = {
    "wru": 0.625,
    "rru": 0.125,
    "queue_requests": 0.40,
    "puts": 5.0,
    "gets": 0.40,
    "events": 1.0,
    "invocations": 0.20,
    "gb_s": 13.33,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """A secondary index: its key attributes, those of its table, and what else it projects (None = all)."""

    name: str
    keys: tuple[str, ...]
    table_keys: tuple[str, ...]
    also: frozenset[str] | None = frozenset()

    def entry(self, item: Item | None) -> Item | None:
        """The entry of an item; None if it has not all of the keys: sparse indexes leave it out."""
        if item is None or not set(self.keys) <= item.keys():
            return None
        if self.also is None:
            return item
        kept = {*self.keys, *self.table_keys, *self.also}
        return {name: value for name, value in item.items() if name in kept}


def size_of(item: Item | None) -> int:
    """Bytes of an item, 0 for none."""
    return item_size(item) if item else 0


def chunks(size_bytes: int, chunk_bytes: int) -> int:
    """Begun chunks, one at least."""
    return max(1, ceil(size_bytes / chunk_bytes))


def write_units(before: Item | None, after: Item | None) -> int:
    """A write on the base table: by the larger of before and after; a refused or idle one costs as much."""
    return chunks(max(size_of(before), size_of(after)), WRITE_BYTES)


def transaction_units(before: Item | None, after: Item | None) -> int:
    """One action of a transaction on the base table, a mere check and a cancelled one included."""
    return 2 * write_units(before, after)


def repeat_units(item: Item | None) -> int:
    """One action of a transaction repeated under its client token: it is only read."""
    return 2 * chunks(size_of(item), READ_BYTES)


def index_units(index: Index, before: Item | None, after: Item | None) -> int:
    """What a write costs in one index: 0 if nothing projected changes, 2 entries if a key does."""
    old, new = index.entry(before), index.entry(after)
    if old == new:
        return 0
    if old and new and all(old[key] == new[key] for key in index.keys):
        return chunks(max(size_of(old), size_of(new)), WRITE_BYTES)
    return sum(chunks(size_of(each), WRITE_BYTES) for each in (old, new) if each)


def read_units(size_bytes: int, *, is_strong: bool) -> float:
    """One read; a missing item costs as much as the smallest."""
    return chunks(size_bytes, READ_BYTES) * (1.0 if is_strong else 0.5)


def batch_units(items: Iterable[Item | None], *, is_strong: bool) -> float:
    """A BatchGet: every item is rounded by itself, those that are not there too."""
    return sum(read_units(size_of(each), is_strong=is_strong) for each in items)


def query_units(examined: Iterable[Item], *, is_strong: bool) -> float:
    """A Query or Scan: the sum of all that was examined, passed through a filter or not, is rounded once."""
    return read_units(sum(map(size_of, examined)), is_strong=is_strong)


def queue_requests(size_bytes: int) -> int:
    """A call of SQS, whatever it does: one for each 64 KB; an empty receive and a batch of ten are one too."""
    return chunks(size_bytes, QUEUE_BYTES)


def event_units(sizes_bytes: Iterable[int]) -> int:
    """A PutEvents: each entry by itself, one for each 64 KB."""
    return sum(chunks(each, EVENT_BYTES) for each in sizes_bytes)


def object_units(operation: str) -> Units:
    """A request of S3 by its class; each part is a PUT of its own. KeyError for one without a price here."""
    if operation in PUT_CLASS:
        return Units(puts=1)
    if operation in GET_CLASS:
        return Units(gets=1)
    if operation in FREE:
        return Units()
    raise KeyError(operation)
