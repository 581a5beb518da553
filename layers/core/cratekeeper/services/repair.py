"""Repairs: downloads that nobody asked for, because the library is not whole."""

from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from cratekeeper.domain.errors import Unavailable, WriteRefused
from cratekeeper.domain.events import SYSTEM, Event, EventType
from cratekeeper.domain.ids import key_of
from cratekeeper.domain.lanes import Lane, Rank, Waiting
from cratekeeper.domain.models import Download, Kind, Source
from cratekeeper.domain.writes import Create, Lock, TakeLock
from cratekeeper.ports import Clock, DownloadStore, Ids, Log
from cratekeeper.services.release import Release


class Broken(NamedTuple):
    """A content whose object is not as the catalog says; `why` is what the history says of the repair."""

    kind: Kind
    content_id: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """Queues repairs: roots of the first lane that count against no user's limits.

    Args:
        max_retries: extra attempts that each repair may make.
        lease_s: when the dispatcher looks at a new repair first, in seconds.
    """

    store: DownloadStore
    clock: Clock
    ids: Ids
    log: Log
    release: Release
    max_retries: int
    lease_s: int

    def queue(self, broken: Broken, *, actor: str = SYSTEM) -> Download | None:
        """Queue a repair in one transaction with the content's lock, and let it run if it may.

        None while another root is active for the content: that one fetches it. An earlier repair
        that failed is no hindrance. A content that an active album fetches as a child may get a
        repair beside it: the second to land verifies and adopts.
        """
        item = self._draft(broken, actor)
        try:
            self.store.commit(Create(item), TakeLock(item.kind, item.content_id, item.id))
        except WriteRefused as refused:
            if not self._is_ours(refused, item):
                return None
        try:
            self.release.offer(item)
        except Unavailable as error:  # no error: the dispatcher releases what waits
            self.log.warning("release_failed", download_id=item.id, reason=str(error))
        return item

    def _is_ours(self, refused: WriteRefused, item: Download) -> bool:
        """Whether the refusal is of a repetition whose first success was not heard of (I6)."""
        if isinstance(refused.current, Lock):
            return False
        found = self.store.get(key_of(item.id)).get(key_of(item.id))
        return isinstance(found, Download) and found.event is not None and found.content_id == item.content_id

    def _draft(self, broken: Broken, actor: str) -> Download:
        now = self.clock.now()
        return Download(
            id=self.ids.download(now),
            kind=broken.kind,
            content_id=broken.content_id,
            requested_by=SYSTEM,
            source=Source.WATCHDOG,
            lane=Lane.HIGH,
            max_retries=self.max_retries,
            created_at=now,
            updated_at=now,
            due_at=now + timedelta(seconds=self.lease_s),
            waiting=Waiting(Lane.HIGH, Rank.ROOT),
            seq=1,
            event=Event(type=EventType.WATCHDOG_QUEUED, at=now, actor=actor, details={"reason": broken.why}),
        )
