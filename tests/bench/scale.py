"""C7: what each look at the queue costs at 100 and at 100,000 queued roots, in calls and read units.

The real views, services and adapters on tables in memory. Who calls is known already: a process
remembers it for a while.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Final

from tests.bench.crowd import ALBUM, Crowd
from tests.bench.door import Ask, Door, opened
from tests.bench.replica import Read, Replica
from tests.bench.rig import TABLES, environment
from tests.bench.tables import Schema, schema_of
from tests.facts import template
from tests.memory.bell import MemoryBell
from tests.memory.calls import Calls
from tests.memory.virtual import VirtualClock
from tests.support.builders import root_id

FEW: Final = 100
MANY: Final = 100_000


@dataclass(frozen=True, slots=True)
class Bound:
    """What a look costs at most, however long the queue is, and why it grows up to there."""

    why: str
    calls: int
    rru: float


@dataclass(frozen=True, slots=True)
class Look:
    """A look by its name; without a bound it costs the same at any length of the queue."""

    ask: Ask
    bound: Bound | None = None

    @property
    def name(self) -> str:
        """Its route, with the query."""
        query = "&".join(f"{name}={value}" for name, value in self.ask.query.items())
        route = (
            self.ask.route.replace(root_id(FEW), "{newest}").replace(root_id(1), "{oldest}").replace(ALBUM, "{album}")
        )
        return f"{route}?{query}" if query else route


@dataclass(frozen=True, slots=True)
class Cost:
    """Calls and read units of a look."""

    calls: int
    rru: float


@contextmanager
def replicated() -> Iterator[tuple[Door, Replica, Crowd]]:
    """The functions on tables in memory, with nobody waiting."""
    names = {f"{each.upper()}_TABLE": f"scale-{each}" for each in TABLES}
    replica = Replica({names[f"{each.upper()}_TABLE"]: _schema(each) for each in TABLES})
    with environment({**names, "PROVIDER_URL": "http://127.0.0.1:9", "LOG_LEVEL": "CRITICAL"}):
        clock = VirtualClock()
        bell = MemoryBell(clock, Calls())
        with opened(aws=SimpleNamespace(dynamodb=replica), bell=bell, clock=clock, worker=None) as door:
            crowd = Crowd(replica, names["QUEUE_TABLE"], clock.now())
            crowd.begin()
            yield door, replica, crowd


_NEWEST: Final = root_id(FEW)
"""The newest root at the smallest size: the later ones wait behind it."""

_PLACE: Final = "places exact to 1,000"
_COUNTS: Final = "counts exact to 1,000"
_LONGER: Final = "a page longer than FEW"

LOOKS: Final = (
    Look(Ask("GET /v1/downloads"), Bound(_PLACE, 6, 64)),
    Look(Ask("GET /v1/downloads", query={"limit": "200"}), Bound(_LONGER, 10, 216)),
    Look(Ask("GET /v1/downloads", query={"status": "FAILED"}), Bound("at most 1,000 looked at", 22, 1008)),
    Look(Ask(f"GET /v1/downloads/{root_id(1)}"), Bound(_PLACE, 3, 10)),
    Look(Ask(f"GET /v1/downloads/{ALBUM}")),
    Look(Ask(f"GET /v1/downloads/{ALBUM}/children")),
    Look(Ask(f"GET /v1/downloads/{root_id(1)}/events")),
    Look(Ask(f"GET /v1/downloads/{_NEWEST}/explain"), Bound(_PLACE, 4, 16)),
    Look(Ask("GET /v1/limits")),
    Look(Ask("GET /v1/queue"), Bound(_COUNTS, 12, 15)),
    Look(Ask("GET /v1/admin/stats", by="root"), Bound(_COUNTS, 28, 28)),
    Look(Ask("GET /v1/admin/activity", by="root")),
    Look(Ask("GET /v1/admin/downloads", by="root"), Bound(_PLACE, 31, 74)),
    Look(Ask("GET /v1/admin/downloads", by="root", query={"limit": "200"}), Bound(_LONGER, 34, 237)),
    Look(Ask("GET /v1/admin/downloads", by="root", query={"status": "PENDING"}), Bound(_PLACE, 7, 62)),
    Look(Ask("GET /v1/admin/downloads", by="root", query={"user_id": "alice"}), Bound(_PLACE, 4, 61)),
    Look(
        Ask("GET /v1/admin/downloads", by="root", query={"kind": "artist_image"}),
        Bound("at most 500 looked at", 33, 524),
    ),
    Look(Ask("GET /v1/admin/audit", by="root")),
    Look(Ask("GET /v1/admin/audit", by="root", query={"limit": "200"}), Bound(_LONGER, 2, 5)),
    Look(Ask(f"GET /v1/admin/audit/downloads/{root_id(1)}", by="root")),
    Look(Ask("GET /v1/admin/audit/users/alice", by="root")),
    Look(Ask("GET /v1/admin/users", by="root")),
    Look(Ask("GET /v1/admin/users/alice", by="root")),
)


def _schema(table: str) -> Schema:
    return schema_of(template.properties(f"{table.title()}Table"))


def at(sizes: Sequence[int]) -> Iterator[dict[str, Cost]]:
    """The costs of every look at each of the sizes, which rise."""
    with replicated() as (door, replica, crowd):
        waiting = 0
        for size in sizes:
            crowd.queue(waiting + 1, size)
            waiting = size
            yield {look.name: measured(door, replica, look) for look in LOOKS}


def measured(door: Door, replica: Replica, look: Look) -> Cost:
    """One look."""
    with billed(replica) as reads:
        door.call(look.ask)
    return Cost(len(reads), sum(read.rru for read in reads))


@contextmanager
def billed(replica: Replica) -> Iterator[list[Read]]:
    """The reads made meanwhile."""
    found: list[Read] = []
    start = len(replica.reads)
    yield found
    found += replica.reads[start:]
