"""What is asked of the system in a run, and how it must end."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from cratekeeper.domain.access import Caller
from cratekeeper.domain.control import Control, Permit
from cratekeeper.domain.failures import ErrorType
from cratekeeper.domain.lanes import Lane
from cratekeeper.domain.limits import AlbumCapacity, UserLimits
from cratekeeper.domain.models import Kind, Usage
from cratekeeper.domain.retry import RetryPolicy
from cratekeeper.domain.states import State
from cratekeeper.domain.writes import Lock
from cratekeeper.services.requests import NewDownload
from cratekeeper.services.runner import More
from tests.memory.media import OpenUpload
from tests.memory.provider import MemoryProvider
from tests.memory.samples import content_id
from tests.simulation.deeds import DEEDS, Act, begin
from tests.simulation.processes import Machinery
from tests.support.crate import ADMIN, ALICE, BOB, Crate, Knobs
from tests.support.upkeep import kept

KNOBS: Final = Knobs(policy=RetryPolicy(initial_s=5, max_s=40))
ONE_BY_ONE: Final = replace(KNOBS, invocation_s=310.0)
"""Invocations so short that a worker deals with its message alone."""

SECONDS_A_TRACK: Final = 30.0
"""Half a lease: heartbeats beat during a transfer."""

LATE_S: Final = 1200.0
"""By then all that one fault has delayed is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One scene.

    Args:
        name: for the report.
        arrange: fills the provider, the bucket and the clock, and sends the callers off.
        ends: how the roots end when at most one fault strikes, by content id's name.
        limit: permits, None = unlimited.
        knobs: settings.
        sample: faults are made at so many calls of the run, evenly chosen, and at the first of
            each call site; None = at all.
        focus: with a sample, only call sites that begin so are struck at their first call.
        deeds: what people do at each of its calls, one deed at a time.
        deeds_at: deeds begin at so many calls of the run, evenly chosen; None = at all.
        struck_at: for each deed every fault strikes every call that serves it, begun at so many calls.
        ends_hold: whether the roots end so also with a fault, or a deed that does not change ends elsewhere.

    """

    name: str
    arrange: Callable[[Machinery], None]
    ends: Mapping[State, int] = field(default_factory=lambda: {State.COMPLETED: 1})
    limit: int | None = 3
    knobs: Knobs = KNOBS
    sample: int | None = None
    focus: str = ""
    deeds: tuple[str, ...] = ()
    deeds_at: int | None = None
    struck_at: int = 5
    ends_hold: bool = True


def _ask(machinery: Machinery, album_id: str, *, caller: Caller = ALICE, lane: Lane = Lane.NORMAL) -> None:
    machinery.request(NewDownload(kind=Kind.ALBUM, content_id=album_id, lane=lane), caller)


def _ask_track(
    machinery: Machinery, track_id: str, *, caller: Caller = ALICE, lane: Lane = Lane.NORMAL, after_s: float = 0.0
) -> None:
    machinery.request(NewDownload(kind=Kind.TRACK, content_id=track_id, lane=lane), caller, after_s=after_s)


def _slow(provider: MemoryProvider) -> None:
    """Let each body take so long that heartbeats beat."""
    for source in provider.sources.values():
        source.pieces, source.piece_s = 2, SECONDS_A_TRACK / 2


def _album(tracks: int, *, covers: int = 0, portraits: int = 0) -> Callable[[Machinery], None]:
    def arrange(machinery: Machinery) -> None:
        provider = machinery.world.provider
        album = provider.add_album("One", tracks=tracks, covers=covers, portraits=portraits)
        if tracks < 10:
            _slow(provider)
        _ask(machinery, album)

    return arrange


def _track(machinery: Machinery) -> None:
    track = machinery.world.provider.add_track("Song")
    _slow(machinery.world.provider)
    _ask_track(machinery, track.id)


def _failing(machinery: Machinery) -> None:
    """Album, artist, track and cover fail once or twice, each in another way."""
    provider = machinery.world.provider
    album = provider.add_album("One", tracks=2, covers=1, portraits=1)
    first, second = provider.albums[album][0].track_ids
    provider.fail("album", album, ErrorType.TIMEOUT)
    provider.fail("audio", first, ErrorType.CONNECTION, times=2)
    provider.fail("audio", second, ErrorType.BUSY, times=2)
    provider.fail("image", provider.albums[album][0].covers[0].id, ErrorType.PARSE)
    _ask(machinery, album)


def _broken_off(machinery: Machinery) -> None:
    """The first answer breaks off in the middle; the artist cannot be fetched."""
    provider = machinery.world.provider
    album = provider.add_album("One", tracks=1)
    provider.fail("artist", provider.albums[album][0].artist_ids[0], ErrorType.NOT_FOUND, times=9)
    _slow(provider)
    provider.sources[provider.albums[album][0].track_ids[0]].breaks_once_after = 1
    _ask(machinery, album)


def _gone(machinery: Machinery) -> None:
    """One of two tracks does not exist: the album fails in part."""
    provider = machinery.world.provider
    album = provider.add_album("One", tracks=2)
    provider.fail("audio", provider.albums[album][0].track_ids[0], ErrorType.NOT_FOUND, times=99)
    _ask(machinery, album)


def _nothing(machinery: Machinery) -> None:
    """A track that does not exist."""
    provider = machinery.world.provider
    track = provider.add_track("Song")
    provider.fail("track", track.id, ErrorType.NOT_FOUND, times=99)
    _ask_track(machinery, track.id)


def _reconciled(machinery: Machinery) -> None:
    """History is compared with the items while work goes on."""
    _album(2)(machinery)
    machinery.maintain(lambda crate: crate.reconcile.run(), after_s=SECONDS_A_TRACK)


def _keyed(machinery: Machinery) -> None:
    """A request with an Idempotency-Key, made again with it until it is answered."""
    track = machinery.world.provider.add_track("Song")
    machinery.request(NewDownload(kind=Kind.TRACK, content_id=track.id), ALICE, is_keyed=True)


def _batch(machinery: Machinery) -> None:
    """Five at once where three may run, one of them twice, while another user asks for one of them."""
    provider = machinery.world.provider
    songs = [NewDownload(kind=Kind.TRACK, content_id=provider.add_track(f"Song {n}").id) for n in range(4)]
    album = NewDownload(kind=Kind.ALBUM, content_id=provider.add_album("One", tracks=1))
    machinery.batch([songs[0], album, *songs], ALICE)
    machinery.request(songs[3], BOB)


def _watched(machinery: Machinery) -> None:
    """An object is lost and another one cut short once an album is there; the watchdog finds both, however late."""
    world = machinery.world
    album = world.provider.add_album("One", tracks=2)
    _slow(world.provider)
    _ask(machinery, album)

    def harm() -> None:
        lost, short = (f"audio/{track}.wav" for track in world.provider.albums[album][0].track_ids)
        world.media.objects.pop(lost, None)
        if short in world.media.objects:
            world.media.place(short, world.media.objects[short].body[:-9], "audio/wav")

    machinery.maintain(_scan, after_s=2 * SECONDS_A_TRACK, first=harm)
    machinery.maintain(_scan, after_s=LATE_S)


def _reckoned(machinery: Machinery) -> None:
    """Slot, lock and permit of a download that is gone, beside an album that runs."""
    world = machinery.world
    _album(2)(machinery)
    gone = world.ids.download(world.clock.time)
    world.table.usages["alice"] = Usage(user_id="alice", active=frozenset({gone}))
    world.table.locks[Kind.TRACK, content_id("gone")] = Lock(gone)
    lapses = world.clock.time + timedelta(seconds=world.lease_s)
    world.table.control = replace(world.control, permits={gone: Permit(lapses, 0, 0)})
    for after_s in (5, SECONDS_A_TRACK, LATE_S):
        machinery.maintain(lambda crate: _job(crate, "usage_reconcile"), after_s=after_s)


def _swept(machinery: Machinery) -> None:
    """An upload that is recorded nowhere, beside one that goes on and an album; both are older than a lease."""
    world = machinery.world
    _long_file(machinery)
    _album(2)(machinery)
    world.media.open_uploads["gone"] = OpenUpload("audio/gone.wav", "audio/wav", world.clock.time)
    machinery.maintain(lambda crate: _job(crate, "abandoned_uploads"), after_s=world.lease_s + 10)
    machinery.maintain(_swept_to_its_end, after_s=LATE_S)


def _swept_to_its_end(crate: Crate) -> None:
    """Whose clock lagged may have held the upload for young; by now it must go. What flies out is a violation."""
    _job(crate, "abandoned_uploads")
    if "gone" in crate.world.media.open_uploads:
        raise AssertionError("the upload that nobody goes on with is still there")


def _scan(crate: Crate) -> None:
    """A whole scan, over as many invocations as it takes."""
    keeping = kept(crate)
    watchdog, task = replace(keeping.watchdog, shards=("audio/", "images/")), keeping.task()
    while isinstance(found := watchdog.run(task), More):
        task = keeping.task()
        task.lease = replace(task.lease, progress=found.progress)


def _job(crate: Crate, job_id: str) -> None:
    keeping = kept(crate)
    keeping.works[job_id]()(keeping.task(job_id))


def _two_albums(machinery: Machinery) -> None:
    provider = machinery.world.provider
    _ask(machinery, provider.add_album("One", tracks=2))
    _ask(machinery, provider.add_album("Two", tracks=2), caller=BOB)


def _lanes(machinery: Machinery) -> None:
    """A low album, and while it runs a normal track and a high one."""
    provider = machinery.world.provider
    _ask(machinery, provider.add_album("Low", tracks=2), lane=Lane.LOW)
    _slow(provider)
    _ask_track(machinery, provider.add_track("Normal").id, caller=BOB, after_s=5)
    _ask_track(machinery, provider.add_track("High").id, caller=ADMIN, lane=Lane.HIGH, after_s=6)


def _same_track(machinery: Machinery) -> None:
    """A track by itself beside the same track in its album; both are asked for twice."""
    provider = machinery.world.provider
    album = provider.add_album("One", tracks=1)
    _slow(provider)
    for caller in (ALICE, BOB):
        _ask(machinery, album, caller=caller)
        _ask_track(machinery, provider.albums[album][0].track_ids[0], caller=caller)


def _broken_object(machinery: Machinery) -> None:
    """The bucket holds a truncated object under the track's key, and a whole one under the cover's."""
    world = machinery.world
    album = world.provider.add_album("One", tracks=1, covers=1)
    facts = world.provider.albums[album][0]
    track, cover = facts.track_ids[0], facts.covers[0].id
    world.media.place(f"audio/{track}.wav", world.provider.sources[track].body[:-9], "audio/wav")
    world.media.place(f"images/{cover}.png", world.provider.sources[cover].body, "image/png")
    _ask(machinery, album)


def _capacity(machinery: Machinery) -> None:
    """Two albums where one may start an hour, shortly before the hour ends."""
    machinery.world.clock.advance(58 * 60)
    _two_albums(machinery)


def _crowded(machinery: Machinery) -> None:
    """A user with room for one download and three requests a day asks for three."""
    provider = machinery.world.provider
    for name in ("One", "Two", "Three"):
        _ask_track(machinery, provider.add_track(name).id)


def _rationed(machinery: Machinery) -> None:
    """Two users with room for one download each ask for two each."""
    provider = machinery.world.provider
    for name, caller in (("One", ALICE), ("Two", ALICE), ("Three", BOB), ("Four", BOB)):
        _ask_track(machinery, provider.add_track(name).id, caller=caller)
    _slow(provider)


def _last_place(machinery: Machinery) -> None:
    """One album, where one may start an hour, shortly before the hour ends."""
    machinery.world.clock.advance(58 * 60)
    _album(2)(machinery)


def _retried(machinery: Machinery) -> None:
    """One of two tracks is not there at first: the album fails in part, and its owner tries again."""
    _once_gone(machinery)
    begin(machinery, Act("retry", 0))


def _child_retried(machinery: Machinery) -> None:
    """The same, and its owner tries the track again."""
    _once_gone(machinery)
    begin(machinery, Act("retry child", 0))


def _far_child_retried(machinery: Machinery) -> None:
    """A child of a further chunk of sets fails, and its owner tries it again at once."""
    provider = machinery.world.provider
    album = provider.add_album("One", tracks=100)
    provider.fail("audio", provider.albums[album][0].track_ids[98], ErrorType.NOT_FOUND)
    _ask(machinery, album)
    begin(machinery, Act("retry child", 0))


def _once_gone(machinery: Machinery) -> None:
    provider = machinery.world.provider
    album = provider.add_album("One", tracks=2)
    provider.fail("audio", provider.albums[album][0].track_ids[0], ErrorType.NOT_FOUND)
    _ask(machinery, album)


def _fickle(machinery: Machinery) -> None:
    """The provider lists fewer tracks each time it is asked."""
    provider = machinery.world.provider
    album = provider.add_album("One", tracks=3)
    facts, tracks = provider.albums[album]
    provider.later[album] = [(replace(facts, track_ids=facts.track_ids[:left]), tracks[:left]) for left in (3, 2, 1)]
    _ask(machinery, album)


def _fickle_big(machinery: Machinery) -> None:
    provider = machinery.world.provider
    album = provider.add_album("One", tracks=100)
    facts, tracks = provider.albums[album]
    provider.later[album] = [(replace(facts, track_ids=facts.track_ids[:99]), tracks[:99])]
    _ask(machinery, album)


def _deadly(machinery: Machinery) -> None:
    """One of two tracks kills every worker that asks for it: the album fails in part."""
    provider = machinery.world.provider
    album = provider.add_album("One", tracks=2)
    provider.sources[provider.albums[album][0].track_ids[0]].is_deadly = True
    _ask(machinery, album)


def _limits_change(machinery: Machinery) -> None:
    """The limit is lowered, taken away and put back while work goes on."""
    _album(5)(machinery)
    for after_s, limit in ((20.0, 1), (50.0, None), (80.0, 2)):
        machinery.operate(after_s=after_s, change=_limited(limit))


def _limited(limit: int | None) -> Callable[[Control], Control]:
    return lambda control: replace(control, limit=limit)


def _queue_pauses(machinery: Machinery) -> None:
    """The queue is paused with work in it, and opened again later."""
    _album(4)(machinery)
    machinery.operate(after_s=20.0, change=lambda control: replace(control, paused=True))
    machinery.operate(after_s=200.0, change=lambda control: replace(control, paused=False))


def _corrupt_end(machinery: Machinery) -> None:
    """A long file lacks its end, which shows only when the resumed whole is read back."""
    _long_file(machinery)
    for track, source in machinery.world.provider.sources.items():
        source.body = source.body[:-100]
        machinery.broken.add(f"audio/{track}.wav")


def _long_file(machinery: Machinery) -> None:
    """A file of nine parts that outlives its invocation, and whose length nobody tells."""
    provider = machinery.world.provider
    track = provider.add_track("Long", samples_count=9 * 1024 - 100)
    source = provider.sources[track.id]
    source.pieces, source.piece_s, source.is_declared = 9, 10.0, False
    _ask_track(machinery, track.id)


def _all(completed: int, failed: int = 0) -> Mapping[State, int]:
    return {State.COMPLETED: completed, State.FAILED: failed} if failed else {State.COMPLETED: completed}


ROOTS: Final = (
    "cancel",
    "cancel, retry",
    "cancel, retry at once",
    "pause",
    "pause, resume",
    "pause, resume at once",
    "lower",
    "raise",
    "force",
    "delete",
    "pause queue",
    "ask too",
    "lose rings",
)
"""What is done to a single download."""

FAMILIES: Final = (
    "cancel",
    "cancel child",
    "cancel, retry",
    "cancel, retry at once",
    "cancel child, retry child",
    "pause, resume",
    "pause, resume at once",
    "pause child, resume child",
    "lower",
    "lower, raise",
    "raise",
    "force",
    "delete",
    "limit",
    "pause queue for a time",
    "lose rings",
)
"""What is done to albums."""

CASCADES: Final = ("cancel", "cancel, retry", "pause, resume", "lower", "force", "delete")
"""What takes several transactions where the family is large."""

WORKLOADS: Final = MappingProxyType({
    workload.name: workload
    for workload in (
        Workload(name="track", arrange=_track, deeds=ROOTS),
        Workload(name="album of 0", arrange=_album(0)),
        Workload(name="album of 1", arrange=_album(1), deeds=tuple(DEEDS), struck_at=2),
        Workload(name="album of 3", arrange=_album(3), deeds=tuple(DEEDS), struck_at=3),
        Workload(
            name="album of 3, one by one",
            arrange=_album(3),
            limit=2,
            knobs=ONE_BY_ONE,
            deeds=FAMILIES,
            deeds_at=40,
            struck_at=2,
        ),
        Workload(name="album of 3, limit 1", arrange=_album(3), limit=1, deeds=FAMILIES, struck_at=2),
        Workload(name="album of 3, unlimited", arrange=_album(3), limit=None, deeds=FAMILIES, deeds_at=40, struck_at=2),
        Workload(name="album with pictures", arrange=_album(1, covers=2, portraits=1)),
        Workload(
            name="album of 120",
            arrange=_album(120),
            sample=16,
            focus="expand.",
            deeds=CASCADES,
            deeds_at=6,
            struck_at=1,
        ),
        Workload(name="fickle provider", arrange=_fickle),
        Workload(name="fickle provider, 100", arrange=_fickle_big, sample=4, focus="expand."),
        Workload(name="retries", arrange=_failing, deeds=FAMILIES, deeds_at=40, struck_at=1),
        Workload(name="broken off", arrange=_broken_off),
        Workload(name="far child retried", arrange=_far_child_retried, sample=24, focus="settle.", ends_hold=False),
        Workload(name="no retries left", arrange=_album(2), knobs=replace(KNOBS, max_retries=0), ends_hold=False),
        Workload(
            name="no retries left, 120",
            arrange=_album(120),
            knobs=replace(KNOBS, max_retries=0),
            sample=1,
            focus="expand.",
            ends_hold=False,
        ),
        Workload(name="one gone", arrange=_gone, ends=_all(0, failed=1), deeds=("retry", "retry child"), deeds_at=10),
        Workload(
            name="partial album retried",
            arrange=_retried,
            deeds=("cancel", "pause, resume", "force", "delete"),
            ends_hold=False,
        ),
        Workload(
            name="child retried",
            arrange=_child_retried,
            deeds=("cancel", "pause, resume", "force", "delete"),
            ends_hold=False,
        ),
        Workload(name="none there", arrange=_nothing, ends=_all(0, failed=1), deeds=("retry", "force"), deeds_at=10),
        Workload(name="reconciled", arrange=_reconciled),
        Workload(name="one key", arrange=_keyed),
        Workload(name="batch", arrange=_batch, ends=_all(5)),
        Workload(name="watched", arrange=_watched),
        Workload(name="usage reckoned", arrange=_reckoned),
        Workload(name="uploads swept", arrange=_swept, ends=_all(2), knobs=replace(KNOBS, invocation_s=54.0)),
        Workload(
            name="two albums, limit 1",
            arrange=_two_albums,
            ends=_all(2),
            limit=1,
            deeds=FAMILIES,
            deeds_at=40,
            struck_at=2,
        ),
        Workload(name="two albums, one by one", arrange=_two_albums, ends=_all(2), limit=2, knobs=ONE_BY_ONE),
        Workload(name="two albums, limit 3", arrange=_two_albums, ends=_all(2)),
        Workload(name="lanes", arrange=_lanes, ends=_all(3), limit=1, deeds=FAMILIES, deeds_at=40, struck_at=1),
        Workload(name="same track", arrange=_same_track, ends=_all(2)),
        Workload(name="broken object", arrange=_broken_object),
        Workload(
            name="capacity full",
            arrange=_capacity,
            ends=_all(2),
            knobs=replace(KNOBS, capacity=AlbumCapacity(max_per_hour=1, max_per_day=60)),
        ),
        Workload(
            name="last place of the hour",
            arrange=_last_place,
            knobs=replace(KNOBS, capacity=AlbumCapacity(max_per_hour=1, max_per_day=60)),
            deeds=("another album", "cancel, retry", "pause, resume", "lower", "force", "delete"),
            struck_at=2,
        ),
        Workload(
            name="two users at their limits",
            arrange=_rationed,
            ends=_all(4),
            knobs=replace(KNOBS, limits=UserLimits(max_per_day=2, max_queue=1)),
            limit=2,
            deeds=("cancel", "cancel, retry", "cancel, retry at once", "pause, resume", "retry", "delete"),
            struck_at=2,
            ends_hold=False,
        ),
        Workload(
            name="user at limit",
            arrange=_crowded,
            ends=_all(3),
            knobs=replace(KNOBS, limits=UserLimits(max_per_day=3, max_queue=1)),
        ),
        Workload(name="deadly input", arrange=_deadly, ends=_all(0, failed=1)),
        Workload(name="limit changes", arrange=_limits_change, limit=2),
        Workload(name="queue pauses", arrange=_queue_pauses, limit=2),
        Workload(
            name="corrupt end",
            arrange=_corrupt_end,
            ends=_all(0, failed=1),
            knobs=replace(KNOBS, invocation_s=54.0),
        ),
        Workload(
            name="long file",
            arrange=_long_file,
            knobs=replace(KNOBS, invocation_s=54.0),
            deeds=ROOTS,
            struck_at=2,
        ),
    )
})
