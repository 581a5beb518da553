"""Requesting: one transaction that creates a download within every limit, then its release."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cratekeeper.domain.access import Caller, Permission
from cratekeeper.domain.errors import (
    AlreadyInCatalog,
    AlreadyQueued,
    Forbidden,
    LimitReached,
    ProviderNotConfigured,
    Unavailable,
    WriteRefused,
)
from cratekeeper.domain.events import Event, EventType
from cratekeeper.domain.ids import Seed, key_of
from cratekeeper.domain.lanes import Lane, Rank, Waiting
from cratekeeper.domain.limits import UserLimits, day_of, next_day
from cratekeeper.domain.models import Download, Kind, Source, Usage
from cratekeeper.domain.text import one_line
from cratekeeper.domain.writes import Create, Lock, TakeLock, TakeSlot
from cratekeeper.ports import Clock, DownloadStore, Ids, Log
from cratekeeper.services.presence import Presence, Ref
from cratekeeper.services.release import Release

TRIES: Final = 4
"""A new day, or a first request, is learned from the refusal and tried again; so is a lock just freed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDownload:
    """What a caller asks for; ids are validated by the edge."""

    kind: Kind
    content_id: str
    content_name: str | None = None
    artist_name: str | None = None
    lane: Lane = Lane.NORMAL
    force: bool = False

    @property
    def ref(self) -> Ref:
        """The content."""
        return self.kind, self.content_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """Creates downloads.

    Args:
        limits: the default per-user limits.
        max_retries: extra attempts that each download may make.
        is_configured: whether a downloader service is set.
        asks_catalog: whether what is in the catalog is refused.
        lease_s: when the dispatcher looks at a new download first, in seconds.
    """

    store: DownloadStore
    presence: Presence
    clock: Clock
    ids: Ids
    log: Log
    release: Release
    limits: UserLimits
    max_retries: int
    is_configured: bool
    lease_s: int
    asks_catalog: bool = True

    def admit(self, *wanted: NewDownload, caller: Caller) -> None:
        """What is refused before anything is looked up.

        Raises Forbidden (lane 1 without edit_catalog), ProviderNotConfigured.
        """
        if any(each.lane is Lane.HIGH for each in wanted) and not caller.may(Permission.EDIT_CATALOG):
            raise Forbidden("priority 1 needs the permission edit_catalog")
        if not self.is_configured:
            raise ProviderNotConfigured("no downloader service is configured: set ProviderUrl")

    def create(self, wanted: NewDownload, *, caller: Caller, seed: Seed | None = None) -> Download:
        """Queue one album or track: root, active-content lock and the user's slot, all or nothing.

        `seed` names the download; a resumed one returns what an earlier run has made. Raises
        Forbidden, ProviderNotConfigured (`admit`), AlreadyInCatalog, AlreadyQueued, LimitReached,
        Unavailable.
        """
        self.admit(wanted, caller=caller)
        made = self._made(seed.root) if seed and seed.is_resumed else None
        if made:
            return made
        if self.is_refused_by_catalog(wanted) and self.presence.in_catalog([wanted.ref]):
            raise AlreadyInCatalog("all of it is in the catalog already; force=true fetches it again")
        now = self.clock.now()
        item = self.draft(wanted, caller=caller, root=seed.root if seed else self.ids.download(now), now=now)
        item = self._commit(item, caller.limits(self.limits), now)
        self._release(item)
        return item

    def is_refused_by_catalog(self, wanted: NewDownload) -> bool:
        """Whether it would be refused if it were in the catalog."""
        return self.asks_catalog and not wanted.force

    def _made(self, root: str) -> Download | None:
        found = self.store.get(key_of(root)).get(key_of(root))
        return found if isinstance(found, Download) else None

    def draft(self, wanted: NewDownload, *, caller: Caller, root: str, now: datetime) -> Download:
        """The download as it is written first."""
        return Download(
            id=root,
            kind=wanted.kind,
            content_id=wanted.content_id,
            content_name=_short(wanted.content_name),
            artist_name=_short(wanted.artist_name),
            requested_by=caller.user_id,
            source=Source.USER,
            lane=wanted.lane,
            force=wanted.force,
            max_retries=self.max_retries,
            created_at=now,
            updated_at=now,
            due_at=now + timedelta(seconds=self.lease_s),
            waiting=Waiting(wanted.lane, Rank.ROOT),
            seq=1,
            event=Event(type=EventType.REQUEST_CREATED, at=now, actor=caller.user_id),
        )

    def _commit(self, item: Download, limits: UserLimits, now: datetime) -> Download:
        """The creating transaction; refusals are told apart by which write was refused.

        Returns the item, or what stands under its id already: our own, and its answer was lost (I6).
        """
        known_day = day_of(now)
        for _ in range(TRIES):
            slot = TakeSlot(
                user_id=item.requested_by,
                root=item.id,
                day=max(known_day, day_of(now)),  # another machine's midnight may come first
                known_day=known_day,
                max_active=limits.max_queue,
                max_requests=limits.max_per_day,
            )
            try:
                self.store.commit(Create(item), TakeLock(item.kind, item.content_id, item.id), slot)
            except WriteRefused as refused:
                if isinstance(refused.write, Create):
                    return own(refused.current, item)
                known_day = self._learn(refused, item, slot, now)
            else:
                return item
        raise Unavailable("the queue is changing too fast; try again")

    def _learn(self, refused: WriteRefused, item: Download, slot: TakeSlot, now: datetime) -> str:
        """The usage record's day to try again with."""
        current = refused.current
        match refused.write:
            case TakeLock():
                if isinstance(current, Lock):
                    raise AlreadyQueued(current.holder) from refused
                return slot.known_day
            case _:
                usage = current if isinstance(current, Usage) else Usage(user_id=item.requested_by)
                _refuse_beyond(usage, slot, now)
                return usage.day

    def _release(self, item: Download) -> None:
        """Let it run if it may. Trouble here is no error: the dispatcher releases what waits."""
        try:
            self.release.offer(item)
        except Unavailable as error:
            self.log.warning("release_failed", download_id=item.id, reason=str(error))


def own(found: object, item: Download) -> Download:
    """The download found under an item's id, if it is the item. Raises Unavailable: then the id is somebody else's."""
    if not isinstance(found, Download) or found.requested_by != item.requested_by or ref_of(found) != ref_of(item):
        raise Unavailable("the new download's id is taken; try again")
    return found


def ref_of(item: Download) -> Ref:
    """A download's content."""
    return item.kind, item.content_id


def _refuse_beyond(usage: Usage, slot: TakeSlot, now: datetime) -> None:
    """Raise LimitReached if the usage as stored leaves no room."""
    used = usage.requests_on(slot.day)
    if slot.max_requests is not None and used >= slot.max_requests:
        raise LimitReached("daily_limit_reached", limit=slot.max_requests, used=used, resets_at=next_day(now))
    active = len(usage.active)
    if slot.max_active is not None and active >= slot.max_active:
        raise LimitReached("queue_limit_reached", limit=slot.max_active, used=active, resets_at=None)


def _short(name: str | None) -> str | None:
    """A caller's name as the item keeps it."""
    return one_line(name) if name else None
