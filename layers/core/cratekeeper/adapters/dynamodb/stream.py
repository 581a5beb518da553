"""Records of the queue table's stream as downloads before and after a write."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cratekeeper.adapters.dynamodb.codec import decode
from cratekeeper.domain.models import Download
from cratekeeper.ports import Log

Seen = tuple[Download | None, Download | None]


def downloads_in(records: Iterable[Mapping[str, Any]], *, log: Log) -> Iterator[Seen]:
    """Each download that a record shows, before (None = created) and after (None = deleted).

    Records of other items are passed over. So is one that cannot be read, with a line in the log:
    a record that raises would block its shard for good.
    """
    for record in records:
        change = record["dynamodb"]
        try:
            old, new = _download(change.get("OldImage")), _download(change.get("NewImage"))
        except (KeyError, TypeError, ValueError) as error:
            log.warning("record_unreadable", keys=change.get("Keys"), reason=repr(error))
            continue
        if old or new:
            yield old, new


def _download(image: dict[str, dict[str, Any]] | None) -> Download | None:
    found = decode(image) if image else None
    return found if isinstance(found, Download) else None
