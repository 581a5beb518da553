"""Everything outside the services, in memory, on one clock."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cratekeeper.domain.control import Control
from cratekeeper.domain.ids import key_of
from cratekeeper.domain.models import Download, Usage
from cratekeeper.ports import Pulse
from tests.memory.bell import MemoryBell
from tests.memory.calls import Calls
from tests.memory.catalog import MemoryCatalog, MemoryLibrary
from tests.memory.idempotency import MemoryIdempotency
from tests.memory.identities import MemoryIdentities
from tests.memory.media import MemoryMedia
from tests.memory.permits import MemoryPermits
from tests.memory.plays import MemoryPlays
from tests.memory.provider import MemoryBody, MemoryProvider
from tests.memory.records import MemoryBus, MemoryHistory, MemoryLog, MemoryMetrics, MemorySecrets
from tests.memory.store import MemoryStore
from tests.memory.table import Table, Written
from tests.memory.virtual import MemoryPulse, MemorySleeper, SeededDice, SeededIds, SkewedClock, VirtualClock


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """One table, one bucket, one provider and so on; services are built on its ports.

    Single-threaded: time passes only by `clock.advance`, and heartbeats beat while it does.
    `calls.around` is the hook that every call of a port passes.
    """

    lease_s: int
    clock: VirtualClock
    calls: Calls
    table: Table
    store: MemoryStore
    permits: MemoryPermits
    bell: MemoryBell
    catalog: MemoryCatalog
    library: MemoryLibrary
    plays: MemoryPlays
    media: MemoryMedia
    provider: MemoryProvider
    ids: SeededIds
    dice: SeededDice
    pulse: Pulse
    history: MemoryHistory
    bus: MemoryBus
    identities: MemoryIdentities
    secrets: MemorySecrets
    idempotency: MemoryIdempotency
    sleeper: MemorySleeper
    log: MemoryLog = field(default_factory=MemoryLog)
    metrics: MemoryMetrics = field(default_factory=MemoryMetrics)

    @classmethod
    def of(cls, *, limit: int | None = 3, lease_s: int = 60, seed: int = 0) -> "World":
        """An empty world with `limit` permits (None = unlimited)."""
        clock, calls, table = VirtualClock(), Calls(), Table(Control(limit=limit))
        catalog = MemoryCatalog(calls)
        return cls(
            lease_s=lease_s,
            clock=clock,
            calls=calls,
            table=table,
            store=MemoryStore(table, calls),
            permits=MemoryPermits(table, calls),
            bell=MemoryBell(clock, calls),
            catalog=catalog,
            library=MemoryLibrary(catalog, calls),
            plays=MemoryPlays(calls),
            media=MemoryMedia(clock, calls),
            provider=MemoryProvider(clock.advance, calls),
            ids=SeededIds(seed),
            dice=SeededDice(seed),
            pulse=MemoryPulse(clock),
            history=MemoryHistory(calls),
            bus=MemoryBus(calls),
            identities=MemoryIdentities(calls),
            secrets=MemorySecrets(calls),
            idempotency=MemoryIdempotency(calls),
            sleeper=MemorySleeper(clock),
        )

    @property
    def control(self) -> Control:
        """The control item as it stands."""
        return self.table.control

    def item(self, download_id: str) -> Download:
        """The download as it stands; KeyError if there is none."""
        found = self.table.download(download_id, key_of(download_id))
        if found is None:
            raise KeyError(download_id)
        return found

    def family(self, root: str) -> list[Download]:
        """The root's children, in album order."""
        return [each for each in self.table.downloads() if each.parent_id == root]

    def usage(self, user_id: str) -> Usage:
        """What the user has in use."""
        return self.table.usages.get(user_id, Usage(user_id=user_id))

    def stream(self, *, after: int = 0, until: int | None = None) -> list[tuple[Download | None, Download | None]]:
        """Downloads before and after each write, from entry `after` of the stream on, up to entry `until`."""
        return [_downloads(each) for each in self.table.stream[after:until] if isinstance(each.new, Download)]


def _downloads(written: Written) -> tuple[Download | None, Download | None]:
    old, new = written
    return (old if isinstance(old, Download) else None, new if isinstance(new, Download) else None)


if TYPE_CHECKING:
    # The type checker compares every port in memory with the port.
    from cratekeeper import ports

    _store: type[ports.DownloadStore] = MemoryStore
    _permits: type[ports.Permits] = MemoryPermits
    _bell: type[ports.Bell] = MemoryBell
    _catalog: type[ports.CatalogStore] = MemoryCatalog
    _library: type[ports.Library] = MemoryLibrary
    _plays: type[ports.Plays] = MemoryPlays
    _media: type[ports.MediaStore] = MemoryMedia
    _body: type[ports.Body] = MemoryBody
    _provider: type[ports.Provider] = MemoryProvider
    _clock: type[ports.Clock] = VirtualClock
    _skewed: type[ports.Clock] = SkewedClock
    _ids: type[ports.Ids] = SeededIds
    _dice: type[ports.Dice] = SeededDice
    _pulse: type[ports.Pulse] = MemoryPulse
    _history: type[ports.HistoryStore] = MemoryHistory
    _bus: type[ports.EventBus] = MemoryBus
    _identities: type[ports.Identities] = MemoryIdentities
    _secrets: type[ports.Secrets] = MemorySecrets
    _idempotency: type[ports.IdempotencyRecords] = MemoryIdempotency
    _sleeper: type[ports.Sleeper] = MemorySleeper
    _log: type[ports.Log] = MemoryLog
    _metrics: type[ports.Metrics] = MemoryMetrics
