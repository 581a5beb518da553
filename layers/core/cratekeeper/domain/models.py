"""The records of the queue table, as values."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from cratekeeper.domain.bars import Bar, Reason
from cratekeeper.domain.events import SYSTEM, Event, EventType
from cratekeeper.domain.failures import ErrorType
from cratekeeper.domain.ids import Key, chunk_key, key_of, parent_of
from cratekeeper.domain.lanes import Lane, Waiting
from cratekeeper.domain.retry import Counts
from cratekeeper.domain.states import TERMINAL, State, Verb


class Kind(StrEnum):
    """What a download fetches."""

    ALBUM = "album"
    TRACK = "track"
    ALBUM_IMAGE = "album_image"
    ARTIST_IMAGE = "artist_image"


class Source(StrEnum):
    """Why a download exists."""

    USER = "USER"
    WATCHDOG = "WATCHDOG"
    EXPANSION = "EXPANSION"


Ordinals = frozenset[int]
NONE: Final[Ordinals] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A stored object: its S3 key, size in bytes, SHA-256 (64 hex digits) and content type."""

    key: str
    size_bytes: int
    sha256: str
    content_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A multipart transfer that may outlive one invocation; S3 itself knows which parts are stored.

    Args:
        key: S3 key that the upload creates.
        upload_id: S3's id of it.
        source_etag: validator of the provider's answer; None = cannot be resumed.
        length: declared size of the whole in bytes, None = unknown.
        replaces: ETag of the broken object that it takes the place of, None = the key was free.
    """

    key: str
    upload_id: str
    source_etag: str | None = None
    length: int | None = None
    replaces: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cascade:
    """A change of a whole family that takes more than one transaction (protocol rules 7 and 8).

    While a root has one, nothing of it is claimed, expanded, released or finished; whoever meets it
    carries it on. `event` and `actor` are what the history says of each download that it touches.
    """

    verb: Verb
    event: EventType
    actor: str
    lane: Lane | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What an ended album keeps of its children: counts that add up to `total`, and bytes."""

    completed: int = 0
    failed: int = 0
    cancelled: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """One chunk of an expanded album's sets of child ordinals (chunk 0 is part of the root).

    open: not yet ended; held: open, and waiting for a retry or paused; failed, cancelled: ended so;
    bytes_done: bytes of the ended ones. `round` guards every write (protocol rule 9).
    """

    root: str
    number: int
    round: int = 0
    open: Ordinals = NONE
    held: Ordinals = NONE
    failed: Ordinals = NONE
    cancelled: Ordinals = NONE
    bytes_done: int = 0

    @property
    def key(self) -> Key:
        """Where it lives."""
        return chunk_key(self.root, self.number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A download item: a root, or a child of an album. Times are aware UTC in whole milliseconds.

    `epoch` counts claims and fences writes; `round` counts explicit retries and resumptions;
    `seq` counts events. A running item has `lease_until` and `owner`; an album that waits for its
    children is IN_PROGRESS and `expanded` and has neither.
    """

    id: str
    kind: Kind
    content_id: str
    requested_by: str
    created_at: datetime
    updated_at: datetime
    content_name: str | None = None
    artist_name: str | None = None
    source: Source = Source.USER
    lane: Lane = Lane.NORMAL
    state: State = State.PENDING
    force: bool = False
    stored: bool = False
    """A child whose bytes were in the catalog when the album was expanded."""

    started_at: datetime | None = None
    completed_at: datetime | None = None
    next_retry_at: datetime | None = None
    parked_until: datetime | None = None
    paused_from: State | None = None

    epoch: int = 0
    round: int = 0
    owner: str | None = None
    lease_until: datetime | None = None
    attempts: int = 0
    retry_count: int = 0
    max_retries: int = 5
    busy_count: int = 0
    corrupt_count: int = 0
    lease_losses: int = 0
    counted: bool = False
    """The album's capacity is reserved: once per root, never given back."""

    error_type: ErrorType | None = None
    error_message: str | None = None
    bytes_downloaded: int | None = None
    duration_ms: int | None = None
    partial: bool = False
    media: Media | None = None
    upload: Upload | None = None

    expanded: bool = False
    total: int = 0
    cursor: int = 0
    """Children created so far; equals `total` once expanded."""
    plan_epoch: int | None = None
    """The epoch whose stored plan is pinned, for families of more than one chunk."""
    open: Ordinals = NONE
    held: Ordinals = NONE
    failed: Ordinals = NONE
    cancelled: Ordinals = NONE
    open_chunks: Ordinals = NONE
    bytes_done: int = 0
    final: Tally | None = None

    cascade: Cascade | None = None
    due_at: datetime | None = None
    waiting: Waiting | None = None
    seq: int = 0
    event: Event | None = None

    @property
    def key(self) -> Key:
        """Where it lives."""
        return key_of(self.id)

    @property
    def parent_id(self) -> str | None:
        """The album it belongs to, None for a root."""
        return parent_of(self.id)

    @property
    def is_root(self) -> bool:
        """Whether a person or the watchdog asked for it by itself."""
        return self.parent_id is None

    @property
    def takes_slot(self) -> bool:
        """Whether it counts among its user's active downloads; repairs count against nobody."""
        return self.requested_by != SYSTEM

    @property
    def is_terminal(self) -> bool:
        """Whether it has ended."""
        return self.state in TERMINAL

    @property
    def awaits_children(self) -> bool:
        """Whether it is an album that only waits for its children: no lease, no permit."""
        is_expanded = self.state is State.IN_PROGRESS and self.expanded
        return is_expanded and self.lease_until is None and self.cascade is None

    @property
    def lets_children_run(self) -> bool:
        """Whether it is an album whose children may start: all are there, and nobody stops or changes them."""
        return self.expanded and self.cascade is None and self.state in {State.PENDING, State.IN_PROGRESS}

    @property
    def is_running(self) -> bool:
        """Whether a worker has it, be its lease lapsed or not."""
        return self.state is State.IN_PROGRESS and self.lease_until is not None

    @property
    def counts(self) -> Counts:
        """Its failures so far, for the retry policy."""
        return Counts(retries=self.retry_count, busy=self.busy_count, corrupt=self.corrupt_count)

    def is_claimable(self, now: datetime) -> bool:
        """Whether a worker with a permit may take it: PENDING, due, or with a lapsed lease."""
        return self.bar(now) is None

    def bar(self, now: datetime) -> Bar | None:
        """What of its own state keeps it from being claimed at `now`; None = nothing.

        An item without a lease is never lapsed: a waiting parent has none (protocol rule 2).
        """
        if self.cascade:
            return Bar(Reason.CHANGING)
        match self.state:
            case State.PENDING:
                return _until(Reason.CAPACITY, self.parked_until, now)
            case State.RETRY_WAITING:
                return _until(Reason.RETRY_DUE, self.next_retry_at, now)
            case State.IN_PROGRESS:
                has_lapsed = self.lease_until is not None and self.lease_until < now
                return None if has_lapsed else Bar(Reason.RUNNING)
            case State.PAUSED:
                return Bar(Reason.PAUSED)
            case _:
                return Bar(Reason.ENDED)


def _until(reason: Reason, at: datetime | None, now: datetime) -> Bar | None:
    return Bar(reason, at) if at is not None and at > now else None


Sets = Download | Chunk
"""Who holds `open`, `held`, `failed` and `cancelled` of a chunk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildPlan:
    """One child of an expansion: its kind, content and names; `stored` = its bytes are whole already."""

    kind: Kind
    content_id: str
    content_name: str | None = None
    artist_name: str | None = None
    stored: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanChunk:
    """One chunk of a pinned expansion plan of `total` children, for families of more than one chunk."""

    root: str
    epoch: int
    number: int
    total: int
    children: tuple[ChildPlan, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Everything in a root's partition that matters to a visit: the root, its set chunks, its children."""

    root: Download
    chunks: tuple[Chunk, ...]
    children: tuple[Download, ...]

    @property
    def holders(self) -> tuple[Sets, ...]:
        """Every chunk's sets."""
        return (self.root, *self.chunks)

    def sets_of(self, chunk: int) -> Sets:
        """The holder of a chunk's sets; KeyError if the table has none."""
        if chunk == 0:
            return self.root
        return {each.number: each for each in self.chunks}[chunk]


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a user has in use: `requests` made on `day` (ISO date), and the ids of their active roots."""

    user_id: str
    day: str = ""
    requests: int = 0
    active: frozenset[str] = frozenset()

    def requests_on(self, day: str) -> int:
        """Requests made on `day`: zero as soon as the day is another."""
        return self.requests if self.day == day else 0
