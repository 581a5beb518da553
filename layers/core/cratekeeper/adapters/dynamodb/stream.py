"""Records of the tables' streams: downloads before and after a write, orders of operators, and users."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cratekeeper.adapters.dynamodb.attributes import Item
from cratekeeper.adapters.dynamodb.codec import decode
from cratekeeper.adapters.dynamodb.control import SEQ, control_in
from cratekeeper.adapters.dynamodb.identity import user_in
from cratekeeper.adapters.dynamodb.keys import CONTROL
from cratekeeper.domain.control import Control
from cratekeeper.domain.models import Download
from cratekeeper.domain.users import User
from cratekeeper.ports import Log

Seen = tuple[Download | Control | User | None, Download | Control | User | None]


def downloads_in(records: Iterable[Mapping[str, Any]], *, log: Log) -> Iterator[Seen]:
    """Each download and user that a record shows, before (None = created) and after (None = deleted), and each order.

    Records of other items are passed over, and so are the permits of the control item, which is read
    only where its event is new. So is a record that cannot be read, with a line in the log: one that
    raises would block its shard for good.
    """
    for record in records:
        change = record["dynamodb"]
        try:
            old, new = _seen(change.get("OldImage"), change.get("NewImage"))
        except (KeyError, TypeError, ValueError) as error:
            log.warning("record_unreadable", keys=change.get("Keys"), reason=repr(error))
            continue
        if old or new:
            yield old, new


def _seen(old: Item | None, new: Item | None) -> Seen:
    if "sk" not in (new or old or {}):  # the identity table has none
        return user_in(old), user_in(new)
    if new and new["pk"] == CONTROL["pk"] and new["sk"] == CONTROL["sk"]:
        is_order = SEQ in new and (old or {}).get(SEQ) != new[SEQ]
        return None, control_in(new, default_limit=None) if is_order else None
    return _download(old), _download(new)


def _download(image: Item | None) -> Download | None:
    found = decode(image) if image else None
    return found if isinstance(found, Download) else None
