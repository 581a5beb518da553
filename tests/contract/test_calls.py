"""What each method of a port costs in calls."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from cratekeeper.adapters.aws import Aws
from cratekeeper.adapters.dynamodb.store import ALBUMS
from cratekeeper.domain.access import Role
from cratekeeper.domain.activity import Activity
from cratekeeper.domain.announcements import DomainEvent, announced
from cratekeeper.domain.audit import AuditSearch
from cratekeeper.domain.catalog import MediaRow
from cratekeeper.domain.control import Held, Permit, Seeker
from cratekeeper.domain.events import Event, EventType
from cratekeeper.domain.idempotency import KeptAnswer, KeyName, KeyRecord
from cratekeeper.domain.ids import CHUNK
from cratekeeper.domain.lanes import Lane
from cratekeeper.domain.models import Kind, PlanChunk
from cratekeeper.domain.popularity import Chart, Play
from cratekeeper.domain.states import State
from cratekeeper.domain.writes import Change, Create, Fields, Pin, TakeCapacity, TakeLock
from tests.contract.adapters import Adapters, create_resources
from tests.contract.conftest import LIMIT, Tables
from tests.contract.emulator import Emulator, a_session
from tests.contract.samples import SOON, a_child, a_key_event, a_medium, a_root, an_entry
from tests.contract.test_catalog import metadata
from tests.memory.virtual import START

ROOT, OTHER = a_root(), a_root()
SEEKER = Seeker(ROOT.id, Lane.NORMAL, Permit(SOON, 0, 0))
HELD = Held(SEEKER.id, SEEKER.permit)
TRACK = (Kind.TRACK, "t" * 22)
ROW = MediaRow(content_id=TRACK[1], kind=TRACK[0], media=a_medium(TRACK[1]))
ORDER = Event(type=EventType.QUEUE_PAUSED, at=START, actor="root")
PLAN = PlanChunk(root=ROOT.id, epoch=1, number=0, total=99, children=())
KEY = KeyName("alice", "a key")
BID = KeyRecord(fingerprint="f", root=ROOT.id, holder="me", until=SOON, expires_at=SOON)


def audit(adapters: Adapters, **search: Any) -> object:
    return adapters.history.audit(AuditSearch(until=SOON, since=START, **search), after=None, limit=50)


def news(count: int) -> list[DomainEvent]:
    entries = (an_entry(ROOT.id, seq) for seq in range(1, count + 1))
    return [event for each in entries if (event := announced(each))]


Call = Callable[[Adapters], object]
COSTS: dict[str, tuple[Call, list[str]]] = {
    "get one": (lambda a: a.store.get(ROOT.key), ["GetItem"]),
    "get several": (lambda a: a.store.get(ROOT.key, OTHER.key), ["BatchGetItem"]),
    "briefing of a root": (lambda a: a.store.briefing(ROOT.id), ["BatchGetItem"]),
    "briefing of a far child": (lambda a: a.store.briefing(f"{ROOT.id}-{CHUNK + 1}"), ["BatchGetItem"]),
    "write": (lambda a: a.store.write(Change(key=ROOT.key, put=Fields(round=1))), ["UpdateItem"]),
    "commit one": (lambda a: a.store.commit(Create(a_root())), ["PutItem"]),
    "commit several": (
        lambda a: a.store.commit(Create(a_root()), TakeLock(*TRACK, "me"), TakeCapacity("D#2026-11-21", None)),
        ["TransactWriteItems"],
    ),
    "commit an expansion": (
        lambda a: a.store.commit(*(Create(a_child(OTHER.id, n)) for n in range(1, 101))),
        ["TransactWriteItems"],
    ),
    "family": (lambda a: a.store.family(ROOT.id), ["Query"]),
    "children": (lambda a: a.store.children(ROOT.id, after=0, limit=50), ["Query"]),
    "pin a chunk of a plan": (
        lambda a: a.store.commit(Change(key=ROOT.key, given=Fields(cursor=0)), Pin(PLAN)),
        ["TransactWriteItems"],
    ),
    "plans": (lambda a: a.store.plans(ROOT.id), ["Query"]),
    "plan chunk": (lambda a: a.store.plan_chunk(ROOT.id, epoch=1, chunk=0), ["GetItem"]),
    "due": (lambda a: a.store.due(0, before=SOON, limit=50), ["Query"]),
    "waiting": (lambda a: a.store.waiting(limit=50), ["Query"]),
    "positions": (lambda a: a.store.waiting_roots(limit=999), ["Query"]),
    "waiting count": (lambda a: a.store.waiting_count(Lane.NORMAL, limit=9), ["Query", "Query"]),
    "count": (lambda a: a.store.count(State.PENDING, limit=99), ["Query"] * 4),
    "roots of a user": (lambda a: a.store.roots_of("alice", after=None, limit=50), ["Query"]),
    "usage": (lambda a: a.store.usage("alice"), ["GetItem"]),
    "lock holder": (lambda a: a.store.lock_holder(*TRACK), ["GetItem"]),
    "lock holders": (lambda a: a.store.lock_holders([TRACK, (Kind.ALBUM, "x")]), ["BatchGetItem"]),
    "albums started": (lambda a: a.store.albums_started("H#1", "D#1"), ["BatchGetItem"]),
    "newest": (lambda a: a.store.newest([State.FAILED], after=None, limit=50), ["Query"] * 4),
    "newest of all states": (lambda a: a.store.newest(State, after=None, limit=50), ["Query"] * 28),
    "oldest": (lambda a: a.store.oldest(State.IN_PROGRESS, limit=50), ["Query"] * 4),
    "last recount": (lambda a: a.store.recounted(), ["GetItem"]),
    "recount": (lambda a: a.store.recount(now=SOON, older_than=SOON), ["GetItem", *["Query"] * 18, "PutItem"]),
    "recount again": (lambda a: a.store.recount(now=SOON, older_than=START), ["GetItem"]),
    "pause and resume": (
        lambda a: (a.permits.pause(ORDER, reason="x", resume_at=SOON), a.permits.resume(ORDER)),
        ["UpdateItem"] * 2,
    ),
    "set the limit": (lambda a: a.permits.set_limit(LIMIT, event=ORDER), ["UpdateItem"]),
    "what ended in a day": (lambda a: list(a.history.ended(since=START, until=SOON)), ["Query"]),
    "activity": (lambda a: a.history.activity(since=START), ["Query"]),
    "seal two slots": (lambda a: a.history.seal([Activity(at=START), Activity(at=SOON)], until=SOON), ["PutItem"] * 3),
    "everything": (lambda a: list(a.store.everything()), ["Scan"]),
    "read the control item": (lambda a: a.permits.read(), ["GetItem"]),
    "swap": (lambda a: a.permits.swap(HELD, SEEKER, limit=LIMIT), ["UpdateItem"]),
    "renew": (lambda a: a.permits.renew(HELD, until=SOON), ["UpdateItem"]),
    "mark": (lambda a: a.permits.mark(ROOT.id, Lane.LOW, limit=LIMIT), ["UpdateItem"]),
    "unmark": (lambda a: a.permits.unmark([ROOT.id], Lane.LOW), ["UpdateItem"]),
    "drop": (lambda a: a.permits.drop(HELD), ["UpdateItem"]),
    "ring": (lambda a: a.bell.ring(Lane.LOW, [ROOT.id] * 10), ["SendMessageBatch"]),
    "ring eleven": (lambda a: a.bell.ring(Lane.LOW, [ROOT.id] * 11), ["SendMessageBatch"] * 2),
    "postpone": (lambda a: a.bell.postpone("r", Lane.LOW, seconds=1), ["ChangeMessageVisibility"]),
    "ingest an album of 12": (lambda a: a.catalog.ingest(metadata(12)), ["BatchWriteItem"]),
    "album": (lambda a: a.catalog.album("a"), ["GetItem"]),
    "many albums": (lambda a: a.catalog.known_albums(f"{n}" for n in range(101)), ["BatchGetItem", "BatchGetItem"]),
    "take a key": (lambda a: a.idempotency.take(KEY, BID, now=START), ["UpdateItem"]),
    "keep an answer": (
        lambda a: a.idempotency.keep(KEY, holder="me", answer=KeptAnswer(202, None, "")),
        ["UpdateItem"],
    ),
    "ingest a track": (lambda a: a.catalog.ingest_track(metadata().tracks[0]), ["PutItem"]),
    "media of one": (lambda a: a.catalog.media([TRACK]), ["GetItem"]),
    "media of several": (lambda a: a.catalog.media([TRACK, (Kind.TRACK, "u" * 22)]), ["BatchGetItem"]),
    "record": (lambda a: a.catalog.record(ROW), ["PutItem"]),
    "give up": (lambda a: a.catalog.give_up(Kind.TRACK, "g" * 22), ["UpdateItem"]),
    "lose": (lambda a: a.catalog.lose(ROW), ["UpdateItem"]),
    "a page of albums": (lambda a: a.library.albums(after=None, limit=51), ["Query"]),
    "a page of artists": (lambda a: a.library.artists(after=None, limit=51), ["Query"]),
    "an artist": (lambda a: a.library.artist("a"), ["GetItem"]),
    "an album with tracks": (lambda a: (a.library.album("a"), a.library.tracks("ab")), ["GetItem", "BatchGetItem"]),
    "log a play": (lambda a: a.plays.log(Play(id=ROOT.id, track_id="t" * 22, at=START)), ["PutItem"]),
    "the plays of a day": (lambda a: list(a.plays.of_day("2026-11-21")), ["Query"] * 4),
    "publish a chart": (lambda a: a.plays.publish(Chart(at=START, days=7, places=())), ["PutItem"]),
    "the chart": (lambda a: a.plays.chart(), ["GetItem"]),
    "one entry": (lambda a: a.history.put([an_entry(ROOT.id, 1)]), ["PutItem"]),
    "a batch of entries": (lambda a: a.history.put([an_entry(ROOT.id, n) for n in range(25)]), ["BatchWriteItem"]),
    "one absent": (lambda a: a.history.absent([an_entry(ROOT.id, 1)]), ["BatchGetItem"]),
    "entries of a download": (lambda a: a.history.of_download(ROOT.id, after=0, limit=9), ["Query"]),
    "publish": (lambda a: a.bus.publish(news(10)), ["PutEvents"]),
    "a known key": (lambda a: a.identities.caller_of("hash"), ["GetItem", "GetItem"]),
    "an unknown key": (lambda a: a.identities.caller_of("none"), ["GetItem"]),
    "a role": (lambda a: a.identities.put_user("alice", Role.USER, now=START), ["UpdateItem"]),
    "a key": (
        lambda a: a.identities.put_key("alice", key_id="k", key_hash="hash", event=a_key_event()),
        ["TransactWriteItems"],
    ),
    "a user": (lambda a: a.identities.user("alice"), ["GetItem"]),
    "users": (lambda a: a.identities.users(after=None, limit=50), ["Query"]),
    "amend a user": (lambda a: a.identities.amend("alice", {"max_queue": 5}), ["UpdateItem"]),
    "revoke a key": (
        lambda a: a.identities.revoke("alice", key_id="k", event=a_key_event()),
        ["GetItem", "TransactWriteItems"],
    ),
    "audit of a download": (lambda a: audit(a, download_id=ROOT.id), ["Query"]),
    "audit of a user": (lambda a: audit(a, user_id="nobody"), ["Query"]),
    "audit of a day": (audit, ["Query", "Query"]),
    "pepper": (lambda a: a.secrets.pepper(), ["GetSecretValue"]),
}


@pytest.fixture(scope="module")
def furnished(emulator: Emulator, module_tables: Tables) -> Adapters:
    """With something stored of everything."""
    found = Adapters(Aws(a_session(emulator.url)), create_resources(emulator, module_tables))
    found.store.commit(Create(ROOT), Create(OTHER))
    found.history.put([an_entry(ROOT.id, 1)])  # the day is known from now on
    found.identities.put_user("alice", Role.USER, now=START)
    found.identities.put_key("alice", key_id="k", key_hash="hash", event=a_key_event())
    return found


@pytest.fixture
def adapters(furnished: Adapters) -> Adapters:
    """With the permit held, whatever the test before did with it."""
    furnished.permits.take(SEEKER, limit=LIMIT)
    return furnished


@contextmanager
def recorded(aws: Aws) -> Iterator[list[str]]:
    """The names of the calls that are made meanwhile."""
    calls: list[str] = []

    def note(model: Any, **_: object) -> None:
        calls.append(model.name)

    clients: list[Any] = [aws.dynamodb, aws.sqs, aws.events, aws.secretsmanager]
    for client in clients:
        client.meta.events.register("before-call", note)
    yield calls
    for client in clients:
        client.meta.events.unregister("before-call", note)


@pytest.mark.parametrize("method", COSTS)
def test_a_method_costs(adapters: Adapters, method: str) -> None:
    call, expected = COSTS[method]
    with recorded(adapters.aws) as calls:
        call(adapters)
    assert calls == expected


def test_the_first_grant_of_all_makes_its_item(adapters: Adapters) -> None:
    client: Any = adapters.aws.dynamodb
    client.delete_item(TableName=adapters.names["QueueTable"], Key={"pk": {"S": "CTL"}, "sk": {"S": "CTL"}})
    with recorded(adapters.aws) as calls:
        adapters.permits.take(SEEKER, limit=LIMIT)
    assert calls == ["UpdateItem"] * 3
    with recorded(adapters.aws) as calls:
        adapters.permits.drop(HELD)
    assert calls == ["UpdateItem"]


def test_positions_are_read_in_a_page_of_what_was_asked(adapters: Adapters) -> None:
    limits: list[object] = []

    def note(params: dict[str, Any], **_: object) -> None:
        limits.append(json.loads(params["body"]).get("Limit"))

    client: Any = adapters.aws.dynamodb
    client.meta.events.register("before-call.dynamodb.Query", note)
    adapters.store.waiting_roots(limit=60)
    client.meta.events.unregister("before-call.dynamodb.Query", note)
    assert limits == [60 + ALBUMS]
