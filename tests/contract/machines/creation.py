"""Requests: duplicates, limits, midnights, keys and lost answers, against a plain model of locks and usage."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from cratekeeper.domain.access import Caller, Role
from cratekeeper.domain.actions import Action
from cratekeeper.domain.idempotency import KeptAnswer, KeyName
from cratekeeper.domain.ids import Seed, key_of
from cratekeeper.domain.limits import UserLimits
from cratekeeper.domain.models import Download, Kind
from cratekeeper.domain.states import State
from cratekeeper.services.batches import Outcome, Reason
from cratekeeper.services.requests import NewDownload
from tests.contract.machines.sides import Answer, Compared, Side
from tests.memory.samples import content_id
from tests.memory.virtual import START
from tests.support.crash import Killed
from tests.support.crate import Crate, Knobs

KNOBS: Final = Knobs(limits=UserLimits(max_per_day=3, max_queue=2), invocation_s=310.0)
CALLERS: Final = (
    Caller(user_id="alice", role=Role.USER),
    Caller(user_id="bob", role=Role.USER, max_per_day=5, max_queue=-1),
    Caller(user_id="eve", role=Role.USER, max_per_day=-1, max_queue=0),
    Caller(user_id="root", role=Role.ADMIN),
)
MOST: Final = {"alice": (3, 2), "bob": (5, None), "eve": (None, 0), "root": (None, None)}
"""Requests a day and active downloads: the deployment's limits, or the user's own; None = no limit."""

TRACKS: Final = tuple(f"track {number}" for number in range(5))
CONTENTS: Final = tuple(map(content_id, TRACKS))
KEY_S: Final = 30
"""How long a request that died keeps its key."""

LOOKS_S: Final = 3.15
"""How long a twin waits for it."""

callers = st.integers(0, 3)
contents = st.integers(0, 4)
keys = st.sampled_from(["k1", "k2"])
skews = st.sampled_from([0.0, 0.0, 0.0, 20.0, -20.0])


@dataclass(slots=True)
class Used:
    """What the model knows of a user."""

    day: str = ""
    requests: int = 0
    active: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Known:
    """What the model knows of a key; `made` is the download that its request has made."""

    fingerprint: str
    expires_at: datetime
    until: datetime
    made: str | None = None
    is_answered: bool = False


class Creation(Compared):
    """Four callers, five tracks, two keys each."""

    def __init__(self, sides: Sequence[Side]) -> None:
        super().__init__(sides)
        self.now = START
        self.used = {caller.user_id: Used() for caller in CALLERS}
        self.locks: dict[str, str] = {}
        self.items: dict[str, tuple[str, str, State]] = {}
        """Content, owner and state of each download."""
        self.keys: dict[tuple[str, str], Known] = {}
        self.stored: set[str] = set()
        for side in sides:
            for name in TRACKS:
                side.world.provider.add_track(name)

    def pass_time(self, seconds: float) -> None:
        """The same time on every side."""
        self.now += timedelta(seconds=seconds)
        for side in self.sides:
            side.world.clock.time = self.now

    def refusals(
        self, caller: Caller, content: str, skew_s: float = 0.0, *, is_forced: bool = False
    ) -> set[tuple[object, ...]]:
        """What may be answered instead of a download: nothing, where there is room and no other."""
        if content in self.stored and not is_forced:
            return {("AlreadyInCatalog",)}
        if content in self.locks:
            return {("AlreadyQueued", self.locks[content])}
        used, (most_requests, most_active) = self.used[caller.user_id], MOST[caller.user_id]
        found: set[tuple[object, ...]] = set()
        requests = used.requests if used.day == self.day(used, skew_s) else 0
        if most_requests is not None and requests >= most_requests:
            found.add(("LimitReached", "daily_limit_reached", most_requests, requests))
        if most_active is not None and len(used.active) >= most_active:
            found.add(("LimitReached", "queue_limit_reached", most_active, len(used.active)))
        return found

    def day(self, used: Used, skew_s: float) -> str:
        """The day that a request counts on: a clock that lags never turns back another's midnight."""
        return max(used.day, (self.now + timedelta(seconds=skew_s)).date().isoformat())

    def made(self, download_id: str, caller: Caller, content: str, skew_s: float = 0.0) -> None:
        """A download exists: its lock, its slot, its request."""
        used = self.used[caller.user_id]
        day = self.day(used, skew_s)
        used.requests = used.requests + 1 if used.day == day else 1
        used.day = day
        used.active.add(download_id)
        self.locks[content] = download_id
        assert download_id not in self.items, "an id is used twice"
        self.items[download_id] = content, caller.user_id, State.PENDING

    def ended(self, download_id: str, state: State) -> None:
        """Lock and slot come back, the day's request does not."""
        content, owner, _ = self.items[download_id]
        self.items[download_id] = content, owner, state
        self.used[owner].active.discard(download_id)
        if self.locks.get(content) == download_id:
            del self.locks[content]

    @rule(seconds=st.sampled_from([1.0, 31.0, 3_600.0]))
    def time_passes(self, seconds: float) -> None:
        self.pass_time(seconds)

    @rule(before_s=st.sampled_from([0.0, 1.0, 15.0]))
    def midnight_comes(self, before_s: float) -> None:
        """L-07: to just before the next midnight, or to it."""
        midnight = self.now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        self.pass_time(max(0.0, (midnight - self.now).total_seconds() - before_s))

    @rule(who=callers, what=contents, skew_s=skews, is_lost=st.booleans(), is_forced=st.booleans())
    def create(self, who: int, what: int, skew_s: float, *, is_lost: bool, is_forced: bool) -> None:
        """D-02, D-04, L-04, L-05, L-14; an answer that is lost changes nothing (I6)."""
        caller, content = CALLERS[who], CONTENTS[what]
        refusals = self.refusals(caller, content, skew_s, is_forced=is_forced)
        if is_lost:
            for side in self.sides:
                side.lose_an_answer()
        wanted = NewDownload(kind=Kind.TRACK, content_id=content, force=is_forced)
        answer = self.ask(lambda side: side.crate(KNOBS, skew_s=skew_s).requests.create(wanted, caller=caller))
        for side in self.sides:
            side.keep_answers()
        if refusals:
            self.compare_refusal(answer, refusals)
        else:
            assert not answer.error, f"{answer.error}: {answer.said}, but there is room"
            self.made(answer.value.id, caller, content, skew_s)

    def compare_refusal(self, answer: Answer, refusals: set[tuple[object, ...]]) -> None:
        said = answer.said or {}
        told = [answer.error, *(said[name] for name in ("download_id", "code", "limit", "used") if name in said)]
        assert tuple(told) in refusals, f"{told}, not one of {refusals}"

    @rule(who=callers, chosen=st.lists(contents, min_size=1, max_size=6))
    def create_many(self, who: int, chosen: list[int]) -> None:
        """Best effort in the order asked: each new one while there is room, a second of the same never."""
        caller = CALLERS[who]
        wanted = [NewDownload(kind=Kind.TRACK, content_id=CONTENTS[what]) for what in chosen]
        held = {CONTENTS[what]: self.locks.get(CONTENTS[what]) for what in chosen}
        answer = self.ask(lambda side: side.crate(KNOBS).batches.create(wanted, caller=caller))
        assert not answer.error
        told: list[Outcome] = answer.value
        for what, outcome in zip(chosen, told, strict=True):
            self.compare_outcome(caller, CONTENTS[what], outcome, was_held=held[CONTENTS[what]] is not None)

    def compare_outcome(self, caller: Caller, content: str, outcome: Outcome, *, was_held: bool) -> None:
        """One entry of a batch; the first of equal entries may be queued, the others meet it."""
        refusals = self.refusals(caller, content)
        if outcome.reason is None:
            assert not refusals, f"queued although {refusals}"
            assert outcome.download_id
            self.made(outcome.download_id, caller, content)
        elif outcome.reason is Reason.ALREADY_QUEUED:
            assert refusals == {("AlreadyQueued", outcome.download_id)}
        elif outcome.reason is Reason.ALREADY_IN_CATALOG:
            assert refusals == {("AlreadyInCatalog",)}
        else:
            assert not was_held
            assert outcome.reason.value in {refusal[1] for refusal in refusals}

    @rule(who=callers, what=contents, key=keys, dies=st.sampled_from(["", "", "", "before", "after"]))
    def create_under_key(self, who: int, what: int, key: str, dies: str) -> None:
        """I2: at most one creation and one answer a key; another body is refused; who died is finished by the next."""
        caller, content = CALLERS[who], CONTENTS[what]
        answer = self.ask(lambda side: _keyed(side.crate(KNOBS), caller, content, key, dies))
        name, known = (caller.user_id, key), self.keys.get((caller.user_id, key))
        if known and known.expires_at <= self.now:
            known = None
        if known and known.fingerprint != content:
            assert answer.error == "KeyReused"
        elif known and known.is_answered:
            assert answer.value == KeptAnswer(202, known.made, content)
        elif known and known.until > self.now + timedelta(seconds=LOOKS_S):
            assert answer.error == "KeyInProgress"
        else:
            self.first_run(answer, name, known or self.fresh(content), dies)
        self.pass_time((self.sides[0].world.clock.time - self.now).total_seconds())

    def fresh(self, content: str) -> Known:
        """A key that nobody has used, or that is forgotten."""
        return Known(content, self.now + timedelta(hours=24), self.now)

    def first_run(self, answer: Answer, name: tuple[str, str], known: Known, dies: str) -> None:
        """The key was ours to run."""
        caller = next(each for each in CALLERS if each.user_id == name[0])
        content = known.fingerprint
        if known.made not in self.items:
            known.made = None  # deleted since
        refusals = set() if known.made else self.refusals(caller, content)
        self.keys[name] = known
        known.until = self.sides[0].world.clock.time + timedelta(seconds=KEY_S)
        if dies == "before":
            assert answer.error == "Killed"
        elif refusals:
            self.compare_refusal(answer, refusals)
            del self.keys[name]
        else:
            made = answer.value.location if isinstance(answer.value, KeptAnswer) else answer.value
            assert isinstance(made, str)
            assert known.made in (None, made), "a repetition makes another download"
            if known.made is None:
                self.made(made, caller, content)
            known.made, known.is_answered = made, dies != "after"

    @rule(which=st.integers(0, 40), verb=st.sampled_from(["cancel", "retry", "delete", "finish", "finish"]))
    def steer(self, which: int, verb: str) -> None:
        """L-08, L-09: whatever ends, ends its lock and slot; a retry takes both again, and no request."""
        if not self.items:
            return
        download_id = sorted(self.items)[which % len(self.items)]
        content, owner, state = self.items[download_id]
        caller = next(each for each in CALLERS if each.user_id == owner)
        answer = self.ask(lambda side: _steered(side.crate(KNOBS), download_id, verb, caller))
        if verb == "delete":
            assert not answer.error
            self.ended(download_id, State.CANCELLED)
            del self.items[download_id]
        elif verb == "finish":
            assert answer.value in {state, State.COMPLETED}
            if answer.value is not state:
                self.ended(download_id, State.COMPLETED)
                self.stored.add(content)
        elif verb == "retry" and state is State.CANCELLED:
            self.retried(answer, download_id)
        elif verb == "cancel" and state is State.PENDING:
            assert answer.value is State.CANCELLED
            self.ended(download_id, State.CANCELLED)
        else:
            assert answer.error == "InvalidState"

    def retried(self, answer: Answer, download_id: str) -> None:
        content, owner, _ = self.items[download_id]
        most, used = MOST[owner][1], self.used[owner]
        if content in self.locks:
            self.compare_refusal(answer, {("AlreadyQueued", self.locks[content])})
        elif most is not None and len(used.active) >= most:
            self.compare_refusal(answer, {("LimitReached", "queue_limit_reached", most, len(used.active))})
        else:
            assert not answer.error
            self.items[download_id] = content, owner, State.PENDING
            self.locks[content] = download_id
            used.active.add(download_id)

    @rule(who=callers)
    def look(self, who: int) -> None:
        """The stored usage and locks are the model's; each accepted download is there (I1)."""
        user = CALLERS[who].user_id
        usage, used = self.ask(lambda side: side.store.usage(user)).value, self.used[user]
        assert (usage.day, usage.requests, set(usage.active)) == (used.day, used.requests, used.active)
        refs = [(Kind.TRACK, content) for content in CONTENTS]
        holders = self.ask(lambda side: side.store.lock_holders(refs)).value
        assert {content: holder for (_, content), holder in holders.items()} == self.locks
        for download_id in sorted(self.items)[-9:]:
            key = key_of(download_id)
            found = self.ask(lambda side: side.store.get(key)).value.get(key)  # noqa: B023
            assert (found.content_id, found.requested_by, found.state) == self.items[download_id]

    @invariant()
    def what_must_hold(self) -> None:
        """I2, I20, L-09: one active download a content, one slot each, never above a limit."""
        active = {each for each, (_, _, state) in self.items.items() if state is State.PENDING}
        assert set(self.locks.values()) == active == set().union(*(used.active for used in self.used.values()))
        for user, used in self.used.items():
            most_requests, most_active = MOST[user]
            assert most_requests is None or used.requests <= most_requests
            assert most_active is None or len(used.active) <= most_active


def _keyed(crate: Crate, caller: Caller, content: str, key: str, dies: str) -> KeptAnswer:
    """A request under a key; it may die before or after it has made its download."""

    def act(seed: Seed) -> KeptAnswer:
        if dies == "before":
            raise Killed
        wanted = NewDownload(kind=Kind.TRACK, content_id=content)
        made = crate.requests.create(wanted, caller=caller, seed=seed)
        if dies == "after":
            raise Killed(made.id)
        return KeptAnswer(202, made.id, content)

    return crate.idempotency.run(KeyName(caller.user_id, key), content, act)


def _steered(crate: Crate, download_id: str, verb: str, caller: Caller) -> State | None:
    """An action of its owner, its deletion by an administrator, or a worker's whole life with it; its state then."""
    if verb == "delete":
        crate.steer.delete(download_id, caller=CALLERS[3])
        return None
    if verb == "finish":
        crate.work(download_id)
        found = crate.world.store.get(key_of(download_id))[key_of(download_id)]
        return found.state if isinstance(found, Download) else None
    return crate.steer.act(download_id, Action(verb), caller=caller).state
