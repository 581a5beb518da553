"""Batches: many requests of one caller at once, as many as the limits allow, each with what became of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import count
from typing import Final, NamedTuple

from cratekeeper.domain.access import Caller
from cratekeeper.domain.errors import Unavailable, WriteRefused
from cratekeeper.domain.ids import Seed, key_of
from cratekeeper.domain.limits import UserLimits, day_of
from cratekeeper.domain.models import Download, Usage
from cratekeeper.domain.writes import Create, Lock, TakeLock, TakeSlot, Write
from cratekeeper.ports import Clock, DownloadStore, Ids, Log
from cratekeeper.services.presence import Presence, Ref
from cratekeeper.services.release import Release
from cratekeeper.services.requests import TRIES, NewDownload, Requests, own, ref_of

ROOTS: Final = 49
"""Roots of one transaction of 100: each with its lock, and one usage record for all."""

READS: Final = 100


class Reason(StrEnum):
    """Why something was not queued; the values are those of the HTTP contract."""

    ALREADY_IN_CATALOG = "already_in_catalog"
    ALREADY_QUEUED = "already_queued"
    DAILY_LIMIT_REACHED = "daily_limit_reached"
    QUEUE_LIMIT_REACHED = "queue_limit_reached"


class Outcome(NamedTuple):
    """What became of one request: queued where there is no reason.

    `download_id` is the new download's or, of what was queued already, the active one's.
    """

    download_id: str | None
    reason: Reason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Batches:
    """Creates many downloads.

    Args:
        requests: what a single download is, and who may ask for it.
        limits: the default per-user limits.
    """

    requests: Requests
    store: DownloadStore
    presence: Presence
    clock: Clock
    ids: Ids
    log: Log
    release: Release
    limits: UserLimits

    def create(self, wanted: Sequence[NewDownload], *, caller: Caller, seed: Seed | None = None) -> list[Outcome]:
        """What became of each, in order. Nothing is queued twice, and nothing beyond the limits.

        Raises Forbidden, ProviderNotConfigured (before anything is written), Unavailable: then some
        may be queued, and a resumed `seed` finds them.
        """
        self.requests.admit(*wanted, caller=caller)
        seed = seed or Seed(self.ids.download(self.clock.now()))
        made = self._made(seed, len(wanted)) if seed.is_resumed else {}
        refusals = self._refusals(wanted, made)
        left = [each for number, each in enumerate(wanted) if number not in refusals and each.ref not in made]
        names = _names(seed, taken={each.id for each in made.values()})
        placing = _Placing(self._drafts(left, names, caller), limits=caller.limits(self.limits), user_id=caller.user_id)
        if placing.left:
            self._place(placing)
        self._release(placing.queued)
        new = {ref: Outcome(item.id) for ref, item in made.items()} | placing.outcomes
        return _in_order(wanted, refusals, new)

    def _made(self, seed: Seed, most: int) -> dict[Ref, Download]:
        """What an earlier run has made."""
        keys = [key_of(seed.nth(number)) for number in range(most)]
        parts = [keys[start : start + READS] for start in range(0, most, READS)]
        found = [record for part in parts for record in self.store.get(*part).values()]
        return {ref_of(each): each for each in found if isinstance(each, Download)}

    def _refusals(self, wanted: Sequence[NewDownload], made: Mapping[Ref, Download]) -> dict[int, Outcome]:
        """What is stored or queued already, by its number in the batch."""
        standings = self.presence.of(each.ref for each in wanted if each.ref not in made)
        refusals = {}
        for number, each in enumerate(wanted):
            standing = standings.get(each.ref)
            if standing and standing.in_catalog and self.requests.is_refused_by_catalog(each):
                refusals[number] = Outcome(None, Reason.ALREADY_IN_CATALOG)
            elif standing and standing.holder:
                refusals[number] = Outcome(standing.holder, Reason.ALREADY_QUEUED)
        return refusals

    def _drafts(self, wanted: Sequence[NewDownload], names: Iterator[str], caller: Caller) -> list[Download]:
        """One new download for each content, in order."""
        now, drafts = self.clock.now(), dict[Ref, Download]()
        for each in wanted:
            if each.ref not in drafts:
                drafts[each.ref] = self.requests.draft(each, caller=caller, root=next(names), now=now)
        return list(drafts.values())

    def _place(self, placing: "_Placing") -> None:
        """Transaction by transaction, until nothing is left; what was refused is learned from and tried again."""
        placing.usage = self.store.usage(placing.user_id)
        for _ in range(TRIES + 2 * len(placing.left)):
            day = max(placing.usage.day, day_of(self.clock.now()))  # another machine's midnight may come first
            part = placing.part(day)
            if not part:
                return
            try:
                self.store.commit(*placing.writes(part, day))
            except WriteRefused as refused:
                self._learn(refused, placing, part)
            else:
                placing.placed(part, day)
        raise Unavailable("the queue is changing too fast; try again")

    def _learn(self, refused: WriteRefused, placing: "_Placing", part: Sequence[Download]) -> None:
        match refused.write, refused.current:
            case Create(), _:
                # Another run of this request, or a transaction of ours whose answer was lost (I6).
                found = self.store.get(*(each.key for each in part))
                placing.found([own(found[each.key], each) for each in part if each.key in found])
                placing.usage = self.store.usage(placing.user_id)
            case TakeLock(kind, content_id, _), Lock(holder):
                placing.refuse((kind, content_id), Outcome(holder, Reason.ALREADY_QUEUED))
            case TakeSlot(), current:
                placing.usage = current if isinstance(current, Usage) else Usage(user_id=placing.user_id)
            case _:
                pass  # the lock was freed meanwhile

    def _release(self, items: Sequence[Download]) -> None:
        """Let run what may. Trouble here is no error: the dispatcher releases what waits."""
        try:
            self.release.offer_all(items)
        except Unavailable as error:
            self.log.warning("release_failed", download_ids=[each.id for each in items], reason=str(error))


@dataclass(slots=True)
class _Placing:
    """What is left to be queued, and what became of the rest."""

    left: list[Download]
    limits: UserLimits
    user_id: str
    usage: Usage = field(default_factory=lambda: Usage(user_id=""))
    outcomes: dict[Ref, Outcome] = field(default_factory=dict)
    queued: list[Download] = field(default_factory=list)

    def part(self, day: str) -> list[Download]:
        """What the next transaction queues; where the limits leave no room, all that is left is refused."""
        requests, active = self.usage.requests_on(day), len(self.usage.active)
        rooms = [
            (limit - used, reason)
            for limit, used, reason in (
                (self.limits.max_per_day, requests, Reason.DAILY_LIMIT_REACHED),
                (self.limits.max_queue, active, Reason.QUEUE_LIMIT_REACHED),
            )
            if limit is not None
        ]
        room, reason = min(rooms, key=lambda each: each[0], default=(ROOTS, None))
        if room <= 0:
            self.outcomes |= {ref_of(each): Outcome(None, reason) for each in self.left}
            self.left = []
        return self.left[: min(ROOTS, max(room, 0))]

    def writes(self, part: Sequence[Download], day: str) -> list[Write]:
        """Roots, locks and the user's slots: all or nothing."""
        slots = TakeSlot(
            user_id=self.user_id,
            root=part[0].id,
            others=frozenset(each.id for each in part[1:]),
            day=day,
            known_day=self.usage.day,
            max_active=self.limits.max_queue,
            max_requests=self.limits.max_per_day,
        )
        locks = [TakeLock(each.kind, each.content_id, each.id) for each in part]
        return [*(Create(each) for each in part), *locks, slots]

    def placed(self, part: Sequence[Download], day: str) -> None:
        """The transaction held."""
        requests = self.usage.requests_on(day) + len(part)
        active = self.usage.active | {each.id for each in part}
        self.usage = replace(self.usage, day=day, requests=requests, active=active)
        self.found(part)
        self.queued += part

    def found(self, items: Sequence[Download]) -> None:
        """These are queued."""
        refs = {ref_of(each): Outcome(each.id) for each in items}
        self.outcomes |= refs
        self.left = [each for each in self.left if ref_of(each) not in refs]

    def refuse(self, ref: Ref, outcome: Outcome) -> None:
        """One of them is not to be queued."""
        self.outcomes[ref] = outcome
        self.left = [each for each in self.left if ref_of(each) != ref]


def _in_order(
    wanted: Sequence[NewDownload], refusals: Mapping[int, Outcome], new: Mapping[Ref, Outcome]
) -> list[Outcome]:
    """The outcome of each; the second of two equal requests meets the first in the queue."""
    found, seen = [], set[Ref]()
    for number, each in enumerate(wanted):
        outcome = refusals.get(number) or new[each.ref]
        is_second = number not in refusals and each.ref in seen
        if is_second and outcome.reason is None:
            outcome = Outcome(outcome.download_id, Reason.ALREADY_QUEUED)
        if number not in refusals:
            seen.add(each.ref)
        found.append(outcome)
    return found


def _names(seed: Seed, *, taken: set[str]) -> Iterator[str]:
    """Ids of the request's roots that no earlier run has used."""
    return (name for name in map(seed.nth, count()) if name not in taken)
