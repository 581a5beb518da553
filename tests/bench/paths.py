"""C2 to C8: what single operations cost, each measured by itself on the emulator."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from cratekeeper import bootstrap
from cratekeeper.domain.ids import SHARDS
from cratekeeper.domain.models import Kind
from cratekeeper.services.queries import Filters
from cratekeeper_local.provider.child import Provider
from cratekeeper_local.provider.ids import content_id
from cratekeeper_local.provider.shelf import DEMO_ALBUM_ID
from tests.bench.album import warm, warm_up
from tests.bench.meter import Call, total
from tests.bench.rig import ALICE, MAPPING, Rig, deployed
from tests.contract.emulator import Emulator

BLINKS: Final = tuple(content_id("track", f"Hundred and Twenty Blinks/{number}") for number in range(1, 51))
TRACK_ID: Final = content_id("track", "Field Recordings/5")
"""A track of the demo album; no picture, and neither the first nor the last child."""

BACKOFF_S: Final = 1
LEASE_S: Final = 3
SLOW_S: Final = 2.5

Looks = Mapping[str, Callable[[], object]]
"""What is measured, by how it is named."""


class Most(NamedTuple):
    """A target: at most so many calls, WRU and RRU; None = no bound."""

    calls: float
    wru: float = 0.0
    rru: float | None = None


TARGETS: Final[Mapping[str, Most]] = {
    "C3 one retry of an album's track": Most(6, 4),
    "C3 one retry of a single track": Most(6, 8),
    "C4 one heartbeat": Most(2, 2),
    "C5 GET single, ended": Most(1, 0, 0.5),
    "C5 GET album of 14, running": Most(2, 0, 1.5),
    "C5 GET PENDING root, 49 before it": Most(2, 0, 1.0),
    "C6 list of 50, all PENDING": Most(2),
    "C6 list of 50, all ended": Most(2),
    "C8 idle tick": Most(SHARDS + 1),
    "C9 cancel an album of 14, running": Most(3, 39),
}
"""By operation; what is not among them is reported only."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What an operation took: our calls on the wire, write and read units."""

    name: str
    calls: float
    wru: float
    rru: float

    @classmethod
    def of(cls, name: str, calls: list[Call]) -> "Cost":
        """The sum of calls, without those of Lambda's mapping."""
        ours = [call for call in calls if call.phase != MAPPING]
        units = total(ours)
        return cls(name, sum(call.attempts for call in ours), units.wru, units.rru)

    def per(self, number: int) -> "Cost":
        """The share of one of so many."""
        return Cost(self.name, self.calls / number, self.wru / number, self.rru / number)

    def beyond(self, base: "Cost") -> "Cost":
        """What it took more than another."""
        return Cost(self.name, self.calls - base.calls, self.wru - base.wru, self.rru - base.rru)

    @property
    def target(self) -> str:
        """Its target in words, "" = none."""
        most = TARGETS.get(self.name)
        if most is None:
            return ""
        return f"≤ {most.calls:g} calls, {most.wru:g} WRU" + ("" if most.rru is None else f", {most.rru:g} RRU")

    @property
    def is_met(self) -> bool | None:
        """Whether it is within its target; None without one."""
        most = TARGETS.get(self.name)
        if most is None:
            return None
        return self.calls <= most.calls and self.wru <= most.wru and (most.rru is None or self.rru <= most.rru)


@dataclass(frozen=True, slots=True)
class Duplicates:
    """One album with every message delivered so many times: what each further delivery added."""

    times: int
    calls: float
    rru: float
    wru: float
    puts: int
    bytes_ratio: float

    @property
    def is_free(self) -> bool:
        """Whether nothing was written, stored or fetched again."""
        return self.wru == 0 and self.puts == 0 and self.bytes_ratio == 1


def duplicates(emulator: Emulator, provider: Provider, *times: int) -> list[Duplicates]:
    """C2: the album once, and with each message delivered `times` times."""
    base_calls, base_bytes = _album_with(emulator, provider, times=1)
    base = Cost.of("", base_calls)
    found = []
    for each in times:
        calls, sent_bytes = _album_with(emulator, provider, times=each)
        further = (each - 1) * sum(call.operation == "DeleteMessage" for call in calls)
        more = Cost.of("", calls).beyond(base).per(further)
        puts = round(total(calls).puts - total(base_calls).puts)
        found.append(Duplicates(each, more.calls, more.rru, more.wru, puts, sent_bytes / base_bytes))
    return found


def _album_with(emulator: Emulator, provider: Provider, *, times: int) -> tuple[list[Call], int]:
    """The calls of one album, and the bytes of audio that the provider sent for it."""
    with warm(emulator, provider, limit="3") as rig:
        before = sum(provider.stats().bytes.values())
        with rig.meter.measuring() as calls:
            rig.request(DEMO_ALBUM_ID)
            rig.drain(times=times)
        return calls, sum(provider.stats().bytes.values()) - before


def costs(emulator: Emulator, provider: Provider) -> list[Cost]:
    """C3 to C8."""
    return [
        _retry("C3 one retry of an album's track", emulator, provider, DEMO_ALBUM_ID),
        _retry("C3 one retry of a single track", emulator, provider, TRACK_ID),
        _heartbeat(emulator, provider),
        *_reads(emulator, provider),
    ]


def _retry(name: str, emulator: Emulator, provider: Provider, wanted: str) -> Cost:
    """What a failed attempt, the wait and the next claim add."""
    kind = Kind.ALBUM if wanted == DEMO_ALBUM_ID else Kind.TRACK
    found = []
    for fails in (0, 1):
        with deployed(emulator, provider.url, INITIAL_BACKOFF_SECONDS=str(BACKOFF_S)) as rig:
            warm_up(rig)
            if fails:
                provider.fault(f"/track/{TRACK_ID}/audio", "status", code=500)
            with rig.meter.measuring() as calls:
                rig.request(wanted, kind=kind)
                rig.drain(patience_s=3 * BACKOFF_S)
            found.append(Cost.of(name, calls))
    return found[1].beyond(found[0])


def _heartbeat(emulator: Emulator, provider: Provider) -> Cost:
    """A slow track asked for by itself; the calls of one beat."""
    with deployed(emulator, provider.url, LEASE_SECONDS=str(LEASE_S)) as rig:
        warm_up(rig)
        size_bytes = len(provider.client.get(f"/track/{TRACK_ID}/audio").content)
        provider.fault(f"/track/{TRACK_ID}/audio", "slow", rate_bytes_s=int(size_bytes / SLOW_S))
        rig.request(TRACK_ID, kind=Kind.TRACK)
        with rig.meter.measuring() as calls:
            rig.drain()
    renewals = [call for call in calls if call.thread == "pulse"]
    return Cost.of("C4 one heartbeat", renewals).per(sum("CTL/CTL" in call.keys for call in renewals))


def _reads(emulator: Emulator, provider: Provider) -> list[Cost]:
    """Looks at single downloads and at lists, and ticks: while work waits, and after all of it."""
    with deployed(emulator, provider.url, MAX_CONCURRENT_DOWNLOADS="1") as rig:
        warm_up(rig)
        album = rig.request(DEMO_ALBUM_ID)
        rig.deliver_one()  # expanded now; the message of its first child is in the queue
        waiting = [rig.request(track, kind=Kind.TRACK) for track in BLINKS]
        found = _measured(rig, _while_waiting(album.id, waiting[-1].id))
        rig.drain()
        return found + _measured(rig, _after_all(album.id, waiting[0].id))


def _while_waiting(album: str, last: str) -> Looks:
    queries = bootstrap.queries()
    return {
        "C5 GET album of 14, running": lambda: queries.one(album, caller=ALICE),
        "C5 GET child": lambda: queries.one(f"{album}-1", caller=ALICE),
        "C5 GET its children": lambda: queries.children(album, caller=ALICE, after=0, limit=50),
        "C5 GET PENDING root, 49 before it": lambda: queries.one(last, caller=ALICE),
        "C6 list of 50, all PENDING": lambda: _page(50),
        "C6 GET /v1/limits": lambda: queries.limits_of(ALICE),
        "C6 GET /v1/queue, 50 waiting": queries.queue,
        "C8 tick, 1 running, 50 waiting": bootstrap.dispatch().tick,
    }


def _after_all(album: str, single: str) -> Looks:
    queries = bootstrap.queries()
    return {
        "C5 GET single, ended": lambda: queries.one(single, caller=ALICE),
        "C5 GET album of 14, ended": lambda: queries.one(album, caller=ALICE),
        "C6 list of 50, all ended": lambda: _page(50),
        "C8 idle tick": bootstrap.dispatch().tick,
    }


def _page(limit: int) -> object:
    return bootstrap.queries().mine(Filters(), caller=ALICE, after=None, limit=limit)


def _measured(rig: Rig, looks: Looks) -> list[Cost]:
    found = []
    for name, look in looks.items():
        with rig.meter.measuring() as calls:
            look()
        found.append(Cost.of(name, calls))
    return found
