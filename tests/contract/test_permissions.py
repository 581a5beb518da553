"""The roles of the template let the adapters do what their functions need, and no more."""

import json
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cratekeeper.adapters.aws import Aws
from cratekeeper.domain import transitions
from cratekeeper.domain.access import Role
from cratekeeper.domain.catalog import MediaRow
from cratekeeper.domain.control import Held, Permit, Seeker
from cratekeeper.domain.lanes import Lane
from cratekeeper.domain.models import Kind, PlanChunk
from cratekeeper.domain.states import State
from cratekeeper.domain.writes import Change, Create, Fields, FreeLock, FreeSlot, TakeCapacity, TakeLock, TakeSlot
from tests.contract.adapters import Adapters, Resources, create_resources
from tests.contract.conftest import LIMIT, Tables
from tests.contract.emulator import Emulator, a_session
from tests.contract.samples import SOON, a_child, a_medium, a_root, an_entry, an_id
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
    store.save_plan([PlanChunk(root=root.id, epoch=1, number=0, total=0, children=())])
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
    store.count(State.PENDING)
    store.roots_of("alice", after=None, limit=9)
    store.usage("alice")
    store.lock_holder(Kind.ALBUM, "x")
    store.albums_started("H#1", "D#1")


def catalog_reads(adapters: Adapters) -> None:
    adapters.catalog.album("a")
    adapters.catalog.media([(Kind.TRACK, "t" * 22), (Kind.TRACK, "u" * 22)])
    adapters.catalog.media([(Kind.TRACK, "t" * 22)])


def catalog_writes(adapters: Adapters) -> None:
    adapters.catalog.ingest(metadata())
    adapters.catalog.ingest_track(metadata().tracks[0])
    adapters.catalog.record(MediaRow(content_id="t" * 22, kind=Kind.TRACK, media=a_medium("t" * 22)))


def requests(adapters: Adapters) -> None:
    work(adapters)
    catalog_reads(adapters)
    adapters.history.of_download("x", after=0, limit=9)
    search(adapters)


def search(adapters: Adapters) -> None:
    adapters.identities.caller_of("hash")
    assert adapters.secrets.pepper() == b"pepper"


def admin(adapters: Adapters) -> None:
    adapters.identities.put_user("alice", Role.USER)
    adapters.identities.put_key("alice", key_id="k", key_hash="hash", now=START)
    search(adapters)


def processor(adapters: Adapters) -> None:
    work(adapters)
    catalog_reads(adapters)
    catalog_writes(adapters)
    adapters.bell.postpone("gone", Lane.NORMAL, seconds=1)


def dispatcher(adapters: Adapters) -> None:
    work(adapters)


def projector(adapters: Adapters) -> None:
    entries = [an_entry("x", seq) for seq in (1, 2)]
    adapters.history.put(entries[:1])
    adapters.history.put(entries)
    assert adapters.history.absent(entries[:1]) == []
    list(adapters.store.everything())
    adapters.bus.publish(entries)


TOURS: tuple[Callable[[Adapters], None], ...] = (requests, search, admin, processor, dispatcher, projector)


@pytest.mark.parametrize("tour", TOURS, ids=lambda tour: tour.__name__)
def test_a_function_may_do_its_work(functions: Functions, tour: Callable[[Adapters], None]) -> None:
    tour(functions[tour.__name__])


FORBIDDEN: dict[str, tuple[str, Callable[[Adapters], Any]]] = {
    "a reader makes no key": ("search", lambda a: a.identities.put_user("eve", Role.ADMIN)),
    "an API function makes no key": ("requests", lambda a: a.identities.put_user("eve", Role.ADMIN)),
    "a reader sees no queue": ("search", lambda a: a.store.waiting(limit=1)),
    "an API function writes no catalog": ("requests", lambda a: a.catalog.ingest(metadata())),
    "a worker writes no history": ("processor", lambda a: a.history.put([an_entry("x", 1)])),
    "a worker reads no keys": ("processor", lambda a: a.identities.caller_of("hash")),
    "a worker scans nothing": ("processor", lambda a: list(a.store.everything())),
    "a projector moves no download": ("projector", lambda a: a.store.commit(Create(a_root()))),
    "a dispatcher stores nothing": ("dispatcher", lambda a: a.catalog.ingest_track(metadata().tracks[0])),
    "an administrator rings nothing": ("admin", lambda a: a.bell.ring(Lane.HIGH, ["x"])),
}


@pytest.mark.parametrize("case", FORBIDDEN)
def test_a_function_may_do_no_more(functions: Functions, case: str) -> None:
    folder, call = FORBIDDEN[case]
    with pytest.raises(ClientError, match="AccessDenied"):
        call(functions[folder])
