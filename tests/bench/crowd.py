"""A long queue: so many waiting roots of one user, and what the history tells of them, written as rows.

Beside them an album of 14 runs, and all permits are held: so that a look at a waiting root has to find
out how many go before it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

from cratekeeper.adapters.dynamodb.batches import PUTS
from cratekeeper.adapters.dynamodb.codec import encode
from cratekeeper.adapters.dynamodb.control import PERMITS, permit_value
from cratekeeper.adapters.dynamodb.keys import CONTROL
from cratekeeper.bootstrap import adapters
from cratekeeper.domain.access import Role
from cratekeeper.domain.control import Permit
from cratekeeper.domain.events import Event, EventType, HistoryEntry
from cratekeeper.domain.models import Download, Kind
from cratekeeper.domain.users import User
from tests.bench.album import CHILDREN
from tests.bench.rules import Item
from tests.support.builders import a_child, a_download, an_album, root_id

EVERY: Final = timedelta(minutes=1)
"""Between two requests of the history."""

ALBUM: Final = root_id(0)
"""The running album; it is the oldest root."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """Fills the tables behind a client.

    Args:
        client: takes `put_item` and `batch_write_item`.
        table: name of the queue table.
        now: the end of the history.

    """

    client: Any
    table: str
    now: datetime

    def begin(self) -> None:
        """The running album, the permits, the callers, and a history that is sealed up to ten minutes ago."""
        children = (a_child(number, root=ALBUM) for number in range(1, CHILDREN + 1))
        self._write(map(encode, (an_album(CHILDREN, id=ALBUM), *children)))
        permit = permit_value(Permit(self.now + timedelta(days=1), 1, 0))
        permits = {f"{ALBUM}-{number}": permit for number in (1, 2, 3)}
        self.client.put_item(TableName=self.table, Item={**CONTROL, PERMITS: {"M": permits}})
        adapters.history().seal([], until=self.now - timedelta(minutes=10))
        for name in ("alice", "root"):
            role = Role.USER if name == "alice" else Role.ADMIN
            adapters.identities().create(User(user_id=name, role=role, created_at=self.now))

    def queue(self, first: int, last: int) -> None:
        """The roots of these numbers, tracks and albums in turn, and the entry of each one's request."""
        numbers = range(first, last + 1)
        self._write(encode(_waiting(number)) for number in numbers)
        adapters.history().put([self._entry(number) for number in reversed(numbers)])

    def _entry(self, number: int) -> HistoryEntry:
        event = Event(type=EventType.REQUEST_CREATED, at=self.now - number * EVERY, actor="alice")
        return HistoryEntry(download_id=root_id(number), seq=1, event=event, kind=Kind.TRACK, requested_by="alice")

    def _write(self, items: Iterator[Item]) -> None:
        while batch := [{"PutRequest": {"Item": item}} for item in islice(items, PUTS)]:
            self.client.batch_write_item(RequestItems={self.table: batch})


def _waiting(number: int) -> Download:
    return a_download(root_id(number), kind=Kind.ALBUM if number % 2 else Kind.TRACK, artist_name="An Artist")
