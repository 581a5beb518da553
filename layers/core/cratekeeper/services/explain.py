"""Explaining: why a download is not running now, from the very rules that claims and permits follow."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final, NamedTuple

from cratekeeper.domain.access import Caller
from cratekeeper.domain.bars import Bar, Reason
from cratekeeper.domain.control import Control
from cratekeeper.domain.errors import NotFound
from cratekeeper.domain.ids import chunk_key, chunk_of, is_download_id, key_of, split
from cratekeeper.domain.limits import AlbumCapacity, at_capacity, day_window, hour_window, next_day, next_hour
from cratekeeper.domain.models import Download, Kind
from cratekeeper.domain.states import Verb
from cratekeeper.ports import Briefing, Clock, DownloadStore

MOST_BEFORE: Final = 1000
"""A place in the queue is told up to here."""

SHOWN: Final = 5
"""Holders of permits that are named."""


class Blocker(NamedTuple):
    """One reason why a download does not run: its code, a sentence for people, and when it ends by itself."""

    code: str
    detail: str
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explain:
    """Reads what a worker reads before a claim, and says what it would decide.

    Args:
        capacity: albums that may start an hour and a day.
        is_configured: whether a downloader service is set.
    """

    store: DownloadStore
    clock: Clock
    capacity: AlbumCapacity
    is_configured: bool

    def run(self, download_id: str, *, caller: Caller) -> list[Blocker]:
        """What keeps the download from running; empty when it runs or has ended. Raises NotFound."""
        briefing = self.store.briefing(download_id) if is_download_id(download_id) else None
        item = briefing.item if briefing else None
        is_gone = item is None or (item.cascade is not None and item.cascade.verb is Verb.DELETE)
        if briefing is None or item is None or is_gone or not caller.sees(item.requested_by):
            raise NotFound("no such download")
        bars = list(self._bars(item, briefing))
        lacks_permit = any(bar.reason is Reason.NO_PERMIT for bar in bars)
        holders = self._holders(briefing.control, caller) if lacks_permit else ""
        blockers = [Blocker(bar.reason.value, _sentence(bar, item, briefing, holders), bar.ends_at) for bar in bars]
        before = self._before(item) if lacks_permit else 0
        return [*blockers, Blocker(Reason.BEHIND.value, f"waiting behind {before}")] if before else blockers

    def _holders(self, control: Control, caller: Caller) -> str:
        """Who holds the permits, by id where the caller may see the download."""
        ids = sorted(control.permits)[:SHOWN]
        found = self.store.get(*map(key_of, ids)) if ids else {}
        items = [item for each in ids if isinstance(item := found.get(key_of(each)), Download)]
        shown = [item.id for item in items if caller.sees(item.requested_by)]
        others = len(control.permits) - len(shown)
        return ", ".join([*shown, *([f"{others} others"] if others else [])])

    def _bars(self, item: Download, briefing: Briefing) -> Iterator[Bar]:
        """Every bar, the item's own first; nothing of the queue where the item itself is not ready."""
        own = item.bar(self.clock.now())
        if own and own.reason in {Reason.RUNNING, Reason.ENDED}:
            return
        if own:
            yield own
        if own and own.reason is Reason.PAUSED:
            return
        if briefing.parent and not briefing.parent.lets_children_run:
            yield Bar(Reason.ALBUM_NOT_READY)
        if not self.is_configured:
            yield Bar(Reason.PROVIDER)
        if own is None and item.kind is Kind.ALBUM and not item.counted:
            yield from self._capacity()
        yield from _bars_of_queue(item, briefing.control)

    def _capacity(self) -> Iterator[Bar]:
        """What the claim of an album would be refused by."""
        now = self.clock.now()
        hour, day = self.store.albums_started(hour_window(now), day_window(now))
        if at_capacity(self.capacity, this_hour=hour, today=day):
            full_day = self.capacity.max_per_day is not None and day >= self.capacity.max_per_day
            yield Bar(Reason.CAPACITY, next_day(now) if full_day else next_hour(now))

    def _before(self, item: Download) -> int:
        """Roots that wait before it, of an album's child its open siblings before it."""
        root, ordinal = split(item.id)
        if ordinal is None:
            waiting = self.store.waiting_roots(limit=MOST_BEFORE)
            return waiting.index(root) if root in waiting else 0
        key = chunk_key(root, chunk_of(ordinal))
        holder = self.store.get(key).get(key)
        return sum(each < ordinal for each in holder.open - holder.held) if holder else 0


def _bars_of_queue(item: Download, control: Control) -> Sequence[Bar]:
    """What a permit would be refused by; without a limit nothing but a pause."""
    bars = control.bars(item.id, item.lane)
    return bars if control.limit is not None else [bar for bar in bars if bar.reason is Reason.QUEUE_PAUSED]


def _sentence(bar: Bar, item: Download, briefing: Briefing, holders: str) -> str:
    return (
        _OF_ITEM[bar.reason](item, briefing.parent)
        if bar.reason in _OF_ITEM
        else _of_queue(bar, briefing.control, holders)
    )


def _of_album(album: Download) -> str:
    change = f"the {album.cascade.verb} of its album {album.id} is under way" if album.cascade else None
    return change or f"its album {album.id} is {album.state}"


def _of_queue(bar: Bar, control: Control, holders: str) -> str:
    closed, why = control.is_closed, f": {control.paused_reason}" if control.paused_reason else ""
    return {
        Reason.QUEUE_PAUSED: f"the queue is paused by {control.paused_by or 'an operator'}{why}",
        Reason.NO_PERMIT: f"{len(control.permits)} of {control.limit} permits are held by {holders}",
        Reason.HAS_PERMIT: f"it has a permit, and a worker is rung {'once the queue opens' if closed else 'for it'}",
        Reason.HIGHER_LANE: "work of a higher priority waits for a permit",
        Reason.LIMIT_ZERO: "max_concurrent is 0",
    }[bar.reason]


_OF_ITEM: Final[Mapping[Reason, Callable[[Download, Download | None], str]]] = MappingProxyType({
    Reason.PAUSED: lambda item, _: f"paused by {item.event.actor if item.event else 'somebody'}; resume it",
    Reason.CHANGING: lambda item, _: f"the {item.cascade.verb if item.cascade else 'change'} of its album is under way",
    Reason.ALBUM_NOT_READY: lambda _, album: _of_album(album) if album else "its album is gone",
    Reason.RETRY_DUE: lambda item, _: (
        f"retry {item.retry_count} of {item.max_retries} is due then; the last attempt failed with {item.error_type}"
    ),
    Reason.CAPACITY: lambda *_: "as many albums have started as may in this hour or on this day",
    Reason.PROVIDER: lambda *_: "no downloader service is configured: set ProviderUrl",
})
