"""Any record, and any change of it, for properties that hold of all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final, cast

from hypothesis import strategies as st

from cratekeeper.domain.events import Event, EventType
from cratekeeper.domain.failures import ErrorType
from cratekeeper.domain.ids import MAX_CHILDREN, child_id
from cratekeeper.domain.lanes import Lane, Rank, Waiting
from cratekeeper.domain.models import Cascade, Chunk, Download, Kind, Media, Source, Tally, Upload
from cratekeeper.domain.states import State, Verb
from cratekeeper.domain.writes import Change, Fields, SetName, Stored
from tests.contract.samples import an_id
from tests.memory.virtual import START

SETS: Final[tuple[SetName, ...]] = ("open", "held", "failed", "cancelled", "open_chunks")
CHUNK_FIELDS: Final = ("round", "open", "held", "failed", "cancelled", "bytes_done")

texts = st.sampled_from(["", "a", "b", " ", "a title", "Ünïcödé 🎵", '\x00\n"\\', "#x :y", "x" * 300])
numbers = st.sampled_from([0, 1, 2, 9, 10, 1_023, 31_457_280, 10**15])
counts = st.integers(0, 9)
flags = st.booleans()
ordinals = st.frozensets(st.integers(1, 12), max_size=5)
moments = st.integers(-(10**11), 10**11).map(lambda ms: START + timedelta(milliseconds=ms))


def or_none(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


media = st.builds(Media, key=texts, size_bytes=numbers, sha256=texts, content_type=texts)
uploads = st.builds(Upload, key=texts, upload_id=texts, source_etag=or_none(texts), length=or_none(numbers))
tallies = st.builds(Tally, completed=counts, failed=counts, cancelled=counts)
details = st.dictionaries(st.sampled_from(["attempt", "reason", "retry_at"]), or_none(texts | numbers), max_size=3)
events = st.builds(Event, type=st.sampled_from(EventType), at=moments, actor=texts, details=details)
cascades = st.builds(
    Cascade,
    verb=st.sampled_from(Verb),
    event=st.sampled_from(EventType),
    actor=texts,
    lane=or_none(st.sampled_from(Lane)),
)
waiting = st.builds(Waiting, st.sampled_from(Lane), st.sampled_from(Rank))

CHANGEABLE: Final[Mapping[str, st.SearchStrategy[Any]]] = MappingProxyType({
    "lane": st.sampled_from(Lane),
    "state": st.sampled_from(State),
    "updated_at": moments,
    **dict.fromkeys(
        ("started_at", "completed_at", "next_retry_at", "parked_until", "lease_until", "due_at"), or_none(moments)
    ),
    "paused_from": or_none(st.sampled_from(State)),
    **dict.fromkeys(("epoch", "round", "attempts", "retry_count", "max_retries"), counts),
    **dict.fromkeys(("busy_count", "corrupt_count", "lease_losses", "total", "cursor"), counts),
    **dict.fromkeys(("owner", "error_message", "content_name", "artist_name"), or_none(texts)),
    **dict.fromkeys(("counted", "partial", "expanded"), flags),
    "error_type": or_none(st.sampled_from(ErrorType)),
    **dict.fromkeys(("bytes_downloaded", "duration_ms"), or_none(numbers)),
    "plan_epoch": or_none(counts),
    "media": or_none(media),
    "upload": or_none(uploads),
    **dict.fromkeys(SETS, ordinals),
    "bytes_done": numbers,
    "final": or_none(tallies),
    "cascade": or_none(cascades),
    "waiting": or_none(waiting),
})
"""Every field that a change may name."""

FIXED: Final[Mapping[str, st.SearchStrategy[Any]]] = MappingProxyType({
    "kind": st.sampled_from(Kind),
    "content_id": texts,
    "requested_by": texts.filter(bool),
    "created_at": moments,
    "source": st.sampled_from(Source),
    "force": flags,
    "stored": flags,
    "seq": counts,
    "event": or_none(events),
})


@st.composite
def downloads(draw: st.DrawFn) -> Download:
    """A root or a child, with any of its fields at their defaults or at anything else."""
    required = {each.name for each in fields(Download) if each.name in FIXED} & {
        "kind",
        "content_id",
        "requested_by",
        "created_at",
    }
    found: dict[str, Any] = {name: draw(FIXED[name]) for name in required} | {"updated_at": draw(moments)}
    optional = {**FIXED, **CHANGEABLE}
    for name in draw(st.frozensets(st.sampled_from(sorted(set(optional) - set(found))), max_size=20)):
        found[name] = draw(optional[name])
    ordinal = draw(or_none(st.integers(1, MAX_CHILDREN)))
    return Download(id=an_id() if ordinal is None else child_id(an_id(), ordinal), **found)


@st.composite
def chunks(draw: st.DrawFn) -> Chunk:
    """A set chunk."""
    found: dict[str, Any] = {name: draw(CHANGEABLE[name]) for name in CHUNK_FIELDS}
    return Chunk(root=an_id(), number=draw(st.integers(1, 1020)), **found)


@st.composite
def changes(draw: st.DrawFn, record: Stored) -> Change:
    """A change of the record whose conditions hold more often than not."""
    names = [name for name in CHANGEABLE if hasattr(record, name)]
    sets = [name for name in SETS if hasattr(record, name)]
    given = {name: _condition(draw, record, name) for name in draw(_some(names))}
    put = {name: draw(CHANGEABLE[name]) for name in draw(_some(names))}
    free = sorted(set(sets) - set(put))
    grown = sorted(draw(_some(free)))
    shrunk = sorted(set(draw(_some(free))) - set(grown))
    return Change(
        key=record.key,
        given=cast("Fields", given),
        member=draw(or_none(st.tuples(st.sampled_from(sets), st.integers(1, 12)))) if draw(flags) else None,
        put=cast("Fields", put),
        add={cast("SetName", name): draw(ordinals) for name in grown},
        drop={cast("SetName", name): draw(ordinals) for name in shrunk},
        plus_bytes=0 if "bytes_done" in put else draw(counts),
        event=draw(or_none(events)) if isinstance(record, Download) else None,
    )


def _some(names: Sequence[str]) -> st.SearchStrategy[frozenset[str]]:
    return st.frozensets(st.sampled_from(names), max_size=4) if names else st.just(frozenset())


def _condition(draw: st.DrawFn, record: Stored, name: str) -> object:
    """Mostly what is stored, now and then anything."""
    return draw(CHANGEABLE[name]) if draw(st.integers(0, 7)) == 0 else getattr(record, name)
