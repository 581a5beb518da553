"""The services on a world in memory, and a driver that plays API, workers, dispatcher and projector."""

from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any, TypedDict

from typing_extensions import Unpack

from cratekeeper.domain.access import Caller, Role
from cratekeeper.domain.events import EventType
from cratekeeper.domain.lanes import Lane
from cratekeeper.domain.limits import AlbumCapacity, UserLimits
from cratekeeper.domain.models import Download, Kind
from cratekeeper.domain.retry import RetryPolicy
from cratekeeper.domain.writes import Stored
from cratekeeper.services.activity import ActivitySeal
from cratekeeper.services.audit import Audit
from cratekeeper.services.batches import Batches
from cratekeeper.services.candidates import Candidates
from cratekeeper.services.claim import Claims
from cratekeeper.services.collect import Collect
from cratekeeper.services.deliver import Deliver
from cratekeeper.services.discovery import Discovery
from cratekeeper.services.dispatch import Dispatch
from cratekeeper.services.expand import Expand
from cratekeeper.services.explain import Explain
from cratekeeper.services.idempotency import Idempotency
from cratekeeper.services.identity import Identity
from cratekeeper.services.presence import Presence
from cratekeeper.services.process import Done, Postpone, Process
from cratekeeper.services.project import Project, Reconcile
from cratekeeper.services.queries import Queries
from cratekeeper.services.release import Release
from cratekeeper.services.requests import NewDownload, Requests
from cratekeeper.services.settle import Settle
from cratekeeper.services.steer import Steer
from cratekeeper.services.transfer import PART_BYTES, Transfer
from cratekeeper.services.users import Users
from tests.memory.world import World
from tests.support.builders import a_control

ALICE = Caller(user_id="alice", role=Role.USER)
BOB = Caller(user_id="bob", role=Role.USER)
ADMIN = Caller(user_id="root", role=Role.ADMIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """Settings of the services under test; the defaults are the deployment's."""

    limits: UserLimits = field(default_factory=lambda: UserLimits(max_per_day=100, max_queue=200))
    capacity: AlbumCapacity = field(default_factory=lambda: AlbumCapacity(max_per_hour=10, max_per_day=60))
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    max_retries: int = 5
    timeout_s: float = 300.0
    part_bytes: int = PART_BYTES
    invocation_s: float = 900.0
    is_configured: bool = True
    idempotency_enabled: bool = True


ONE_BY_ONE = Knobs(invocation_s=310.0)
"""Invocations so short that a worker deals with its message alone and never goes on with the next item."""


class Wanted(TypedDict, total=False):
    """How a download is asked for, beside what it is."""

    caller: Caller
    lane: Lane
    force: bool
    content_name: str
    artist_name: str


class Crate:
    """Everything that runs, single-threaded: a step is one message, one tick, or one stream batch."""

    def __init__(self, world: World, knobs: Knobs | None = None) -> None:
        self.world = world
        self.knobs = knobs or Knobs()
        self.release = self._release()
        self.settle = Settle(store=world.store, clock=world.clock)
        self.steer = Steer(
            store=world.store,
            permits=world.permits,
            clock=world.clock,
            log=world.log,
            release=self.release,
            settle=self.settle,
            collect=Collect(store=world.store, media=lambda: world.media),
            limits=self.knobs.limits,
            lease_s=world.lease_s,
        )
        self.explain = Explain(
            store=world.store, clock=world.clock, capacity=self.knobs.capacity, is_configured=self.knobs.is_configured
        )
        self.presence = Presence(store=world.store, catalog=world.catalog)
        self.requests = self._requests()
        self.process = self._process()
        self.dispatch = Dispatch(
            store=world.store,
            permits=world.permits,
            clock=world.clock,
            release=self.release,
            settle=self.settle,
            steer=self.steer,
            capacity=self.knobs.capacity,
            lease_s=world.lease_s,
        )
        seal = ActivitySeal(history=world.history, clock=world.clock)
        self.project = Project(history=world.history, bus=world.bus, seal=seal, metrics=world.metrics)
        self.reconcile = Reconcile(store=world.store, identities=world.identities, project=self.project)
        self.delivery = Deliver(process=self.process, bell=world.bell, log=world.log)
        self.identity = Identity(identities=world.identities, secrets=world.secrets, clock=world.clock, ids=world.ids)
        self.queries = Queries(
            store=world.store,
            permits=world.permits,
            history=world.history,
            clock=world.clock,
            limits=self.knobs.limits,
            capacity=self.knobs.capacity,
        )
        self._projected = self._orders = self._people = 0

    @classmethod
    def of(cls, *, limit: int | None = 3, lease_s: int = 60, knobs: Knobs | None = None) -> "Crate":
        """The services on an empty world with `limit` permits (None = unlimited)."""
        return cls(World.of(limit=limit, lease_s=lease_s), knobs)

    @cached_property
    def batches(self) -> Batches:
        """Creating many at once."""
        world = self.world
        return Batches(
            requests=self.requests,
            store=world.store,
            presence=self.presence,
            clock=world.clock,
            ids=world.ids,
            log=world.log,
            release=self.release,
            limits=self.knobs.limits,
        )

    @cached_property
    def discovery(self) -> Discovery:
        """Search and discographies."""
        is_configured = self.knobs.is_configured
        return Discovery(
            provider=self.world.provider, presence=self.presence, batches=self.batches, is_configured=is_configured
        )

    @cached_property
    def audit(self) -> Audit:
        """Searches of the history."""
        world = self.world
        return Audit(history=world.history, store=world.store, clock=world.clock, retention_days=90)

    @cached_property
    def users(self) -> Users:
        """Users and keys."""
        world = self.world
        return Users(identities=world.identities, identity=self.identity, clock=world.clock, log=world.log)

    @cached_property
    def idempotency(self) -> Idempotency:
        """Idempotency-Keys."""
        world = self.world
        return Idempotency(
            records=world.idempotency,
            clock=world.clock,
            ids=world.ids,
            log=world.log,
            sleeper=world.sleeper,
            is_enabled=self.knobs.idempotency_enabled,
        )

    def _release(self) -> Release:
        world = self.world
        candidates = Candidates(
            store=world.store,
            permits=world.permits,
            clock=world.clock,
            lease_s=world.lease_s,
            is_configured=self.knobs.is_configured,
        )
        return Release(
            candidates=candidates,
            permits=world.permits,
            bell=world.bell,
            clock=world.clock,
            log=world.log,
            lease_s=world.lease_s,
        )

    def _requests(self) -> Requests:
        world, knobs = self.world, self.knobs
        return Requests(
            store=world.store,
            presence=self.presence,
            clock=world.clock,
            ids=world.ids,
            log=world.log,
            release=self.release,
            limits=knobs.limits,
            max_retries=knobs.max_retries,
            is_configured=knobs.is_configured,
            lease_s=world.lease_s,
            asks_catalog=knobs.idempotency_enabled,
        )

    def _process(self) -> Process:
        world, knobs = self.world, self.knobs
        expand = Expand(
            store=world.store,
            catalog=world.catalog,
            provider=world.provider,
            clock=world.clock,
            log=world.log,
            lease_s=world.lease_s,
        )
        transfer = Transfer(
            store=world.store,
            catalog=world.catalog,
            media=world.media,
            provider=world.provider,
            clock=world.clock,
            timeout_s=knobs.timeout_s,
            part_bytes=knobs.part_bytes,
        )
        return Process(
            store=world.store,
            permits=world.permits,
            catalog=world.catalog,
            clock=world.clock,
            dice=world.dice,
            pulse=world.pulse,
            log=world.log,
            release=self.release,
            settle=self.settle,
            claims=self._claims(),
            expand=expand,
            transfer=transfer,
            policy=knobs.policy,
            lease_s=world.lease_s,
        )

    def _claims(self) -> Claims:
        return Claims(
            store=self.world.store,
            clock=self.world.clock,
            ids=self.world.ids,
            release=self.release,
            settle=self.settle,
            capacity=self.knobs.capacity,
            lease_s=self.world.lease_s,
        )

    def request(self, content_id: str, *, kind: Kind = Kind.ALBUM, **wanted: Unpack[Wanted]) -> Download:
        """Ask for an album or track, as alice unless another caller is named."""
        new = NewDownload(
            kind=kind,
            content_id=content_id,
            content_name=wanted.get("content_name"),
            artist_name=wanted.get("artist_name"),
            lane=wanted.get("lane", Lane.NORMAL),
            force=wanted.get("force", False),
        )
        return self.requests.create(new, caller=wanted.get("caller", ALICE))

    def album(self, name: str = "album", *, tracks: int = 2, pictures: int = 0, **wanted: Unpack[Wanted]) -> Download:
        """Ask for an album that the provider has, with as many tracks and covers."""
        return self.request(self.world.provider.add_album(name, tracks=tracks, covers=pictures), **wanted)

    def track(self, name: str = "track", **wanted: Unpack[Wanted]) -> Download:
        """Ask for a single track that the provider has."""
        return self.request(self.world.provider.add_track(name).id, kind=Kind.TRACK, **wanted)

    def put(self, *records: Stored) -> None:
        """Have the records in the table, whatever was there before."""
        for record in records:
            self.world.table.parts.setdefault(record.key.root, {})[record.key.part] = record

    def permit(self, *held: str, **control: Any) -> None:
        """Have a control item with permits of a minute for these ids, and these fields."""
        self.world.table.control = a_control(*held, **{"limit": self.world.control.limit, **control})

    def held(self) -> set[str]:
        """Who has a permit."""
        return {*self.world.control.permits}

    def hungry(self) -> dict[Lane, set[str]]:
        """Who found no room."""
        return {lane: {*ids} for lane, ids in self.world.control.hungry.items()}

    def rung(self) -> list[str]:
        """Whose messages are in the queues, in the order they were sent."""
        return self.world.bell.ids()

    def item(self, download: Download | str) -> Download:
        """The download as it stands."""
        return self.world.item(download if isinstance(download, str) else download.id)

    def children(self, album: Download) -> list[Download]:
        """The album's children as they stand."""
        return self.world.family(album.id)

    def history(self, download: Download | str) -> list[EventType]:
        """What happened to the download, oldest first."""
        self.catch_up()
        download_id = download if isinstance(download, str) else download.id
        rows = [row for row in self.world.history.rows.values() if row.download_id == download_id]
        return [row.event.type for row in sorted(rows, key=lambda row: row.seq)]

    def work(self, download_id: str) -> Done | Postpone:
        """Deal with one message for the download."""
        deadline = self.world.clock.now() + timedelta(seconds=self.knobs.invocation_s)
        return self.process.run(download_id, deadline=deadline)

    def deliver(self) -> bool:
        """Receive one visible message and deal with it; False if there was none."""
        message = self.world.bell.receive()
        if message is None:
            return False
        match self.work(message.download_id):
            case Postpone(seconds):
                self.world.bell.postpone(message.receipt, message.lane, seconds=seconds)
            case Done():
                self.world.bell.acknowledge(message.receipt)
        return True

    def drain(self, *, at_most: int = 10_000) -> int:
        """Deliver messages until none is visible; returns how many."""
        delivered = 0
        while delivered < at_most and self.deliver():
            delivered += 1
        self.catch_up()
        return delivered

    def settle_down(self, *, ticks: int = 200, step_s: float = 60.0) -> None:
        """Let time pass, tick by tick, until every root has ended or the ticks are used up."""
        self.drain()
        for _ in range(ticks):
            if all(root.is_terminal for root in self.world.table.downloads() if root.is_root):
                break
            self.world.clock.advance(step_s)
            self.dispatch.tick()
            self.drain()
        self.dispatch.tick()
        self.catch_up()

    def catch_up(self) -> None:
        """Project what the stream holds."""
        until = len(self.world.table.stream)
        orders = self.world.table.orders[self._orders :]
        people = self.world.identities.stream[self._people :]
        writes = self.world.stream(after=self._projected, until=until)
        self.project.run([*writes, *((None, each) for each in orders), *people])
        self._projected, self._orders, self._people = until, self._orders + len(orders), self._people + len(people)
