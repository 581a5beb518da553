"""The roles of the template let the adapters do what their functions need, and no more."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cratekeeper.adapters.aws import Aws
from cratekeeper.domain import transitions
from cratekeeper.domain.access import Role
from cratekeeper.domain.activity import Activity
from cratekeeper.domain.announcements import announced
from cratekeeper.domain.audit import AuditSearch
from cratekeeper.domain.catalog import MediaRow
from cratekeeper.domain.control import Held, Permit, Seeker
from cratekeeper.domain.events import Event, EventType
from cratekeeper.domain.idempotency import KeptAnswer, KeyName, KeyRecord
from cratekeeper.domain.jobs import JobLease, Run
from cratekeeper.domain.lanes import Lane
from cratekeeper.domain.models import Kind, PlanChunk
from cratekeeper.domain.popularity import Chart, Play
from cratekeeper.domain.states import State
from cratekeeper.domain.users import User
from cratekeeper.domain.writes import Change, Create, Fields, FreeLock, FreeSlot, Pin, TakeCapacity, TakeLock, TakeSlot
from tests.contract.adapters import Adapters, Resources, create_resources
from tests.contract.conftest import LIMIT, Tables
from tests.contract.emulator import Emulator, a_session
from tests.contract.samples import SOON, a_child, a_key_event, a_medium, a_root, an_entry, an_id
from tests.contract.test_catalog import metadata
from tests.facts import template
from tests.memory.virtual import START

_numbers = count(1)


def resolved(resource: object, resources: Resources) -> str | None:
    """The ARN of a statement's resource; None for what these adapters do not touch."""
    logical_id = template.target(resource)
    if logical_id not in resources.names:
        return None
    suffix = ""
    if isinstance(resource, Mapping) and "Fn::Sub" in resource:
        suffix = str(resource["Fn::Sub"]).partition("}")[2]
    return resources.arn(logical_id) + suffix


def policy_of(folder: str, resources: Resources) -> str:
    """What the template allows a function, on the resources of this test."""
    statements = []
    for statement in template.function_of(folder).statements:
        arns = [resolved(each, resources) for each in template.listed(statement["Resource"])]
        allowed = [arn for arn in arns if arn]
        if allowed:
            statements.append({**statement, "Resource": allowed})
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


class Functions:
    """Every function's adapters, under its own rights."""

    def __init__(self, emulator: Emulator, resources: Resources) -> None:
        self._emulator = emulator
        self._resources = resources
        self._known: dict[str, Adapters] = {}

    def __getitem__(self, folder: str) -> Adapters:
        if folder not in self._known:
            self._known[folder] = self._made(folder)
        return self._known[folder]

    def _made(self, folder: str) -> Adapters:
        iam, user = self._emulator.client("iam"), f"{folder}-{next(_numbers)}"
        iam.create_user(UserName=user)
        iam.put_user_policy(UserName=user, PolicyName="role", PolicyDocument=policy_of(folder, self._resources))
        key = iam.create_access_key(UserName=user)["AccessKey"]
        session = a_session(self._emulator.url, key=key["AccessKeyId"], secret=key["SecretAccessKey"])
        return Adapters(Aws(session), self._resources)


@pytest.fixture(scope="module")
def functions(emulator: Emulator, module_tables: Tables) -> Functions:
    return Functions(emulator, create_resources(emulator, module_tables))


def work(adapters: Adapters) -> None:
    """What everybody does who moves a download."""
    store, root = adapters.store, a_root()
    child, lock = a_child(root.id, 1), TakeLock(root.kind, root.content_id, root.id)
    slot = TakeSlot(user_id=root.id, root=root.id, day="2026-11-21", known_day="", max_active=9, max_requests=9)
    store.commit(Create(root), lock, slot, TakeCapacity("D#2026-11-21", 9))
    store.commit(Change(key=root.key, given=Fields(epoch=0)), Create(child))
    store.commit(FreeLock(root.kind, root.content_id, root.id), FreeSlot(root.id, root.id))
    store.commit(lock)
    store.commit(FreeLock(root.kind, root.content_id, root.id))
    store.write(transitions.claim(root, lease_until=SOON, owner="me", now=START))
    store.commit(Pin(PlanChunk(root=root.id, epoch=1, number=0, total=0, children=())))
    permits(adapters)
    adapters.bell.ring(Lane.NORMAL, [root.id])
    reads(adapters, root.id)


def permits(adapters: Adapters) -> None:
    seeker = Seeker(an_id(), Lane.NORMAL, Permit(SOON, 0, 0))
    held = Held(seeker.id, seeker.permit)
    adapters.permits.take(seeker, limit=LIMIT)
    adapters.permits.swap(held, seeker, limit=LIMIT)
    adapters.permits.renew(held, until=SOON)
    adapters.permits.mark(seeker.id, Lane.LOW, limit=LIMIT)
    adapters.permits.unmark([seeker.id], Lane.LOW)
    adapters.permits.drop(held)


def reads(adapters: Adapters, root: str) -> None:
    store = adapters.store
    store.get(a_root(root).key)
    store.briefing(f"{root}-1")
    store.family(root)
    store.children(root, after=0, limit=9)
    store.plan_chunk(root, epoch=1, chunk=0)
    store.due(0, before=SOON, limit=9)
    store.waiting(limit=9)
    store.waiting_roots(limit=9)
    store.count(State.PENDING, limit=9)
    store.roots_of("alice", after=None, limit=9)
    store.usage("alice")
    store.lock_holder(Kind.ALBUM, "x")
    store.albums_started("H#1", "D#1")


def catalog_reads(adapters: Adapters) -> None:
    adapters.catalog.known_albums("ab")
    adapters.catalog.known_albums("a")
    adapters.catalog.media([(Kind.TRACK, "t" * 22), (Kind.TRACK, "u" * 22)])
    adapters.catalog.media([(Kind.TRACK, "t" * 22)])


def catalog_writes(adapters: Adapters) -> None:
    adapters.catalog.ingest(metadata())
    adapters.catalog.ingest_track(metadata().tracks[0])
    adapters.catalog.give_up(Kind.TRACK, "g" * 22)
    adapters.catalog.record(MediaRow(content_id="t" * 22, kind=Kind.TRACK, media=a_medium("t" * 22)))


def requests(adapters: Adapters) -> None:
    asking(adapters)
    adapters.history.of_download("x", after=0, limit=9)


def search(adapters: Adapters) -> None:
    asking(adapters)
    adapters.library.albums(after=None, limit=9)
    adapters.library.album("a")
    adapters.library.tracks("tu")
    adapters.plays.log(Play(id=an_id(), track_id="t" * 22, at=START))
    adapters.plays.chart()


def asking(adapters: Adapters) -> None:
    """What creates downloads, and tells who is there."""
    work(adapters)
    catalog_reads(adapters)
    adapters.store.lock_holders([(Kind.ALBUM, "x"), (Kind.TRACK, "y")])
    keys(adapters)
    identified(adapters)


def keys(adapters: Adapters) -> None:
    name, holder = KeyName("alice", an_id()), "me"
    bid = KeyRecord(fingerprint="f", root=an_id(), holder=holder, until=SOON, expires_at=SOON)
    adapters.idempotency.take(name, bid, now=START)
    adapters.idempotency.take(name, bid, now=SOON)
    adapters.idempotency.release(name, holder=holder, now=START)
    assert adapters.idempotency.keep(name, holder=holder, answer=KeptAnswer(202, None, "{}"))
    adapters.idempotency.forget(name, holder=holder)


def identified(adapters: Adapters) -> None:
    adapters.identities.caller_of("hash")
    assert adapters.secrets.pepper() == b"pepper"


def admin(adapters: Adapters) -> None:
    work(adapters)
    orders(adapters)
    everybodys(adapters)
    adapters.history.activity(since=START)
    list(adapters.history.ended(since=START, until=SOON))
    adapters.history.of_download("x", after=0, limit=9)
    adapters.identities.put_user("alice", Role.USER, now=START)
    adapters.identities.put_key("alice", key_id="k", key_hash="hash", event=a_key_event())
    people(adapters)
    identified(adapters)


def people(adapters: Adapters) -> None:
    name = an_id()
    adapters.identities.create(User(user_id=name, role=Role.USER, created_at=START))
    adapters.identities.amend(name, {"role": Role.VIEWER})
    adapters.identities.put_key(name, key_id="k", key_hash=name, event=a_key_event())
    adapters.identities.revoke(name, key_id="k", event=a_key_event())
    adapters.identities.users(after=None, limit=9)
    everything = AuditSearch(until=SOON)
    for search in (everything, replace(everything, download_id="x"), replace(everything, user_id="alice")):
        adapters.history.audit(search, after=None, limit=9)


def orders(adapters: Adapters) -> None:
    order = Event(type=EventType.QUEUE_PAUSED, at=START, actor="root")
    adapters.permits.pause(order, reason="x", resume_at=SOON)
    adapters.permits.resume(order)
    adapters.permits.set_limit(LIMIT, event=order)


def everybodys(adapters: Adapters) -> None:
    adapters.store.newest([State.FAILED], after=None, limit=9)
    adapters.store.oldest(State.IN_PROGRESS, limit=9)
    adapters.store.recounted()


def processor(adapters: Adapters) -> None:
    work(adapters)
    catalog_reads(adapters)
    catalog_writes(adapters)
    adapters.bell.postpone("gone", Lane.NORMAL, seconds=1)


def dispatcher(adapters: Adapters) -> None:
    work(adapters)
    orders(adapters)
    adapters.store.recount(now=START, older_than=START)


def projector(adapters: Adapters) -> None:
    entries = [an_entry("x", seq) for seq in (1, 2)]
    adapters.history.put(entries[:1])
    adapters.history.put(entries)
    assert adapters.history.absent(entries[:1]) == []
    list(adapters.store.everything())
    adapters.bus.publish([event for each in entries if (event := announced(each))])
    list(adapters.identities.everybody())
    adapters.history.activity(since=START)
    adapters.history.seal([Activity(at=START)], until=SOON)
    list(adapters.history.ended(since=START, until=SOON))


def watchdog(adapters: Adapters) -> None:
    work(adapters)
    records(adapters)
    row = MediaRow(content_id="t" * 22, kind=Kind.TRACK, media=a_medium("t" * 22))
    adapters.catalog.media([(Kind.TRACK, "t" * 22)])
    adapters.catalog.media([(Kind.TRACK, "t" * 22), (Kind.TRACK, "u" * 22)])
    adapters.catalog.lose(row)
    list(adapters.expected.expected("audio/t"))
    list(adapters.inventory.objects("audio/t"))
    adapters.inventory.find("audio/t")
    adapters.history.put([an_entry("job:x", 1)])


def jobs(adapters: Adapters) -> None:
    records(adapters)
    list(adapters.usage.claims())
    root = a_root()
    lock = TakeLock(root.kind, root.content_id, root.id)
    slot = TakeSlot(user_id=root.id, root=root.id, day="d", known_day="", max_active=None, max_requests=None)
    adapters.store.commit(lock, slot)
    adapters.store.commit(FreeLock(root.kind, root.content_id, root.id), FreeSlot(root.id, root.id))
    adapters.store.usage("alice")
    adapters.store.lock_holder(Kind.ALBUM, "x")
    adapters.permits.drop(Held(root.id, Permit(SOON, 0, 0)))
    everybodys(adapters)
    adapters.store.get(root.key, a_child(root.id, 1).key)
    adapters.store.family(root.id)
    adapters.old_history.remove([{"pk": "x", "sk": "y"}])
    assert list(adapters.old_history.older_than(SOON, on_day="2020-01-01")) == []
    list(adapters.inventory.uploads())
    adapters.media.abort("audio/x.mp3", "gone")
    list(adapters.plays.of_day("2026-11-21"))
    adapters.plays.publish(Chart(at=START, days=30, places=()))


def records(adapters: Adapters) -> None:
    run = Run(id=an_id(), job_id=an_id(), started_at=START, triggered_by="x")
    lease = JobLease(run=run, until=SOON)
    assert adapters.jobs.swap(run.job_id, None, lease)
    assert adapters.jobs.swap(run.job_id, lease, None, ended=run.completed({}, now=SOON))
    adapters.jobs.read(run.job_id, runs=9)


TOURS: tuple[Callable[[Adapters], None], ...] = (
    requests,
    search,
    admin,
    processor,
    dispatcher,
    projector,
    watchdog,
    jobs,
)


@pytest.mark.parametrize("tour", TOURS, ids=lambda tour: tour.__name__)
def test_a_function_may_do_its_work(functions: Functions, tour: Callable[[Adapters], None]) -> None:
    tour(functions[tour.__name__])


ROW = MediaRow(content_id="t" * 22, kind=Kind.TRACK, media=a_medium("t" * 22))
FORBIDDEN: dict[str, tuple[str, Callable[[Adapters], Any]]] = {
    "an API function lists no users": ("requests", lambda a: a.identities.users(after=None, limit=9)),
    "an API function searches no history": (
        "requests",
        lambda a: a.history.audit(AuditSearch(until=SOON, user_id="alice"), after=None, limit=9),
    ),
    "a reader makes no key": ("search", lambda a: a.identities.put_user("eve", Role.ADMIN, now=START)),
    "an API function makes no key": ("requests", lambda a: a.identities.put_user("eve", Role.ADMIN, now=START)),
    "a search reads no history": ("search", lambda a: a.history.of_download("x", after=0, limit=9)),
    "a reader writes no catalog": ("search", lambda a: a.catalog.record(ROW)),
    "a reader gives nothing up": ("search", lambda a: a.catalog.give_up(Kind.TRACK, "t" * 22)),
    "a reader counts no plays": ("search", lambda a: list(a.plays.of_day("2026-11-21"))),
    "who asks for downloads logs no plays": ("requests", lambda a: a.plays.chart()),
    "an API function writes no catalog": ("requests", lambda a: a.catalog.ingest(metadata())),
    "a worker writes no history": ("processor", lambda a: a.history.put([an_entry("x", 1)])),
    "a worker reads no keys": ("processor", lambda a: a.identities.caller_of("hash")),
    "a worker scans nothing": ("processor", lambda a: list(a.store.everything())),
    "a projector moves no download": ("projector", lambda a: a.store.commit(Create(a_root()))),
    "a dispatcher stores nothing": ("dispatcher", lambda a: a.catalog.ingest_track(metadata().tracks[0])),
    "an administrator writes no history": ("admin", lambda a: a.history.seal([Activity(at=START)])),
    "an administrator writes no catalog": ("admin", lambda a: a.catalog.ingest(metadata())),
    "a dispatcher writes no history": ("dispatcher", lambda a: a.history.put([an_entry("x", 1)])),
    "a watchdog reads no bytes": ("watchdog", lambda a: list(a.media.read("audio/x.mp3"))),
    "a watchdog stores no row": ("watchdog", lambda a: a.catalog.ingest_track(metadata().tracks[0])),
    "a watchdog aborts no upload": ("watchdog", lambda a: a.media.abort("audio/x.mp3", "gone")),
    "a job rings nobody": ("jobs", lambda a: a.bell.ring(Lane.NORMAL, [an_id()])),
    "a job reads no bytes": ("jobs", lambda a: list(a.media.read("audio/x.mp3"))),
    "a job lists no objects": ("jobs", lambda a: list(a.inventory.objects("audio/"))),
    "a job makes no key": ("jobs", lambda a: a.identities.put_user("eve", Role.ADMIN, now=START)),
    "an administrator removes no history": ("admin", lambda a: a.old_history.remove([{"pk": "x", "sk": "y"}])),
    "a projector pauses nothing": (
        "projector",
        lambda a: a.permits.resume(Event(type=EventType.QUEUE_RESUMED, at=START)),
    ),
    "an API function sees no activity": ("requests", lambda a: list(a.history.ended(since=START, until=SOON))),
}


@pytest.mark.parametrize("case", FORBIDDEN)
def test_a_function_may_do_no_more(functions: Functions, case: str) -> None:
    folder, call = FORBIDDEN[case]
    with pytest.raises(ClientError, match="AccessDenied"):
        call(functions[folder])
