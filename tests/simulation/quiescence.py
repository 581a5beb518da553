"""The invariants that hold once the faults have stopped and nothing changes any more."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Final

from cratekeeper.domain.announcements import announced
from cratekeeper.domain.control import SUBJECT
from cratekeeper.domain.errors import Unavailable
from cratekeeper.domain.ids import chunk_key, chunk_of, split
from cratekeeper.domain.models import Chunk, Download, Kind, Media
from cratekeeper.domain.states import State
from tests.memory.world import World
from tests.simulation.checker import Checker
from tests.simulation.processes import Machinery

BUGS: Final = ("attempt_raised", "message_failed")
"""Log lines of errors that nobody expected."""

OUTAGE: Final = Unavailable.__name__


def check_rest(checker: Checker, machinery: Machinery) -> None:
    """Read everything and note what is not as it must be."""
    world = checker.world
    _accepted(checker, machinery)
    for item in world.table.downloads():
        checker.that(item.is_terminal or rests(world, item), "I7", f"{item.id} is {item.state.value}")
        is_clean = not item.is_terminal or (item.upload is None and item.due_at is None)
        checker.that(is_clean, "I25", f"{item.id} has ended and keeps {item.upload}, to be visited {item.due_at}")
        if item.state is State.COMPLETED and item.kind is not Kind.ALBUM:
            _bytes(checker, item)
        if item.expanded:
            _sets(checker, item)
    _control(checker)
    _books(checker)
    _history(checker)
    _catalog(checker)
    _raised(checker)


def rests(world: World, item: Download) -> bool:
    """Whether an item that has not ended rests for a reason that still holds."""
    if item.cascade:
        return False
    if item.awaits_children:
        active = [child for child in world.family(item.id) if not child.is_terminal]
        return bool(active) and all(child.state is State.PAUSED for child in active)
    return item.state is State.PAUSED or item.parked_until is not None


def _accepted(checker: Checker, machinery: Machinery) -> None:
    """I1: what was accepted is there, as it was asked for."""
    roots = {root.id: root for root in checker.world.table.roots()}
    for download_id, (wanted, caller) in machinery.accepted.items():
        if download_id in checker.erased:
            continue
        root = roots.get(download_id)
        found = root and (root.kind, root.content_id, root.requested_by)
        asked = (wanted.kind, wanted.content_id, caller.user_id)
        checker.that(found == asked, "I1", f"{download_id} was accepted as {asked}, found {found}")


def _bytes(checker: Checker, item: Download) -> None:
    """I14: the object is there, and it is what the item and the catalog say."""
    world = checker.world
    row = world.catalog.rows.get((item.kind, item.content_id))
    if item.media is None or row is None:
        checker.that(holds=False, invariant="I14", detail=f"{item.id} is COMPLETED without media or catalog row")
        return
    stored = world.media.objects.get(item.media.key)
    if stored is None:
        checker.that(holds=False, invariant="I14", detail=f"{item.id} is COMPLETED, {item.media.key} is not there")
        return
    source = world.provider.sources[item.content_id]
    real = Media(
        key=item.media.key,
        size_bytes=len(stored.body),
        sha256=sha256(stored.body).hexdigest(),
        content_type=stored.info.content_type,
    )
    checker.that(item.media == real, "I14", f"{item.id} says {item.media}, stored is {real}")
    checker.that(row.media == real, "I14", f"the catalog says {row.media}, stored is {real}")
    checker.that(stored.body == source.body, "I14", f"{item.media.key} is not what the provider has")


def _sets(checker: Checker, album: Download) -> None:
    """I11, I12: children and sets agree, each ordinal once."""
    world = checker.world
    children = {split(child.id)[1] or 0: child for child in world.family(album.id)}
    checker.that(list(children) == list(range(1, album.cursor + 1)), "I11", f"{album.id} has children {list(children)}")
    contents = [child.content_id for child in children.values()]
    checker.that(len(set(contents)) == len(contents), "I11", f"{album.id} has a content twice")
    failed: set[int] = set()
    still_open: set[int] = set()
    for number in range(chunk_of(max(album.total, 1)) + 1):
        holder = world.table.at(chunk_key(album.id, number))
        if isinstance(holder, Download | Chunk):
            failed |= holder.failed
            still_open |= holder.open
    failed_children = {ordinal for ordinal, child in children.items() if child.state is State.FAILED}
    open_children = {ordinal for ordinal, child in children.items() if not child.is_terminal}
    checker.that(failed == failed_children, "I12", f"{album.id}: failed {failed}, children {failed_children}")
    checker.that(still_open == open_children, "I12", f"{album.id}: open {still_open}, children {open_children}")
    all_ended = not open_children
    if album.state in {State.PAUSED, State.PENDING}:  # its own start will see that they have
        return
    checker.that(album.is_terminal is all_ended, "I13", f"{album.id} is {album.state.value}, children: {all_ended}")


def _control(checker: Checker) -> None:
    """I18: nothing is held and nobody hungers."""
    control = checker.world.control
    checker.that(not control.permits, "I18", f"permits are left: {dict(control.permits)}")
    checker.that(not any(control.hungry.values()), "I18", f"hungry ids are left: {dict(control.hungry)}")


def _books(checker: Checker) -> None:
    """I2, I20: locks and slots are those of the roots that have not ended."""
    table = checker.world.table
    active = {root.id: root for root in table.roots() if not root.is_terminal}
    locks = {lock.holder for lock in table.locks.values()}
    slots = {root for usage in table.usages.values() for root in usage.active}
    checker.that(locks == set(active), "I2", f"locks of {locks}, active {set(active)}")
    taken = {root.id for root in active.values() if root.takes_slot}
    checker.that(slots == taken, "I20", f"slots of {slots}, active {taken}")
    made = {user: usage.requests for user, usage in table.usages.items()}
    for user, requests in made.items():
        owners = [root.requested_by for root in table.roots()]
        owners += [owner for id_, (_, owner) in checker.erased.items() if split(id_)[1] is None]
        roots = owners.count(user)
        checker.that(requests == roots, "I20", f"{user} made {requests} requests and has {roots} downloads")


def _history(checker: Checker) -> None:
    """I28: one row for each event, without gaps, and no more."""
    world = checker.world
    checker.that(not world.history.clashes, "I28", f"rows written with two contents: {world.history.clashes}")
    last = {item.id: item.seq for item in world.table.downloads()} | {SUBJECT: world.control.seq}
    last |= {each: seq for each, (seq, _) in checker.erased.items()}
    expected = {f"{each}:{seq}" for each, most in last.items() for seq in range(1, most + 1)}
    rows = {row for row in world.history.rows if not row.startswith("job:")}  # scans tell of themselves
    checker.that(rows >= expected, "I28", f"history lacks {sorted(expected - rows)[:5]}")
    checker.that(rows <= expected, "I28", f"history has too much: {sorted(rows - expected)[:5]}")
    published = {event.id for event in world.bus.published}
    told = {row.id for row in world.history.rows.values() if announced(row)}
    checker.that(published == told, "I28", f"not published: {sorted(told ^ published)[:5]}")


def _catalog(checker: Checker) -> None:
    """Every track of an album that completed has its media row: the album is in the catalog."""
    world = checker.world
    here = {content_id for kind, content_id in world.catalog.rows if kind is Kind.TRACK}
    for root in _ended_albums(world):
        stored = world.catalog.albums.get(root.content_id)
        is_fickle = root.content_id in world.provider.later
        if stored and not is_fickle and root.state is State.COMPLETED and not root.partial:
            gone = frozenset(stored.track_ids) - here
            checker.that(not gone, "I14", f"{root.id}: completed without {sorted(gone)}")


def _ended_albums(world: World) -> Iterator[Download]:
    return (root for root in world.table.roots() if root.kind is Kind.ALBUM and root.expanded and root.is_terminal)


def _raised(checker: Checker) -> None:
    """I24: nothing flies out of an invocation, and what is caught at its edge is no bug of ours."""
    for name, error in checker.scheduler.raised:
        checker.that(holds=False, invariant="I24", detail=f"{name} raised {error!r}")
    for line in checker.world.log.lines:
        is_bug = line.action in BUGS and not str(line.fields.get("error")).startswith(OUTAGE)
        checker.that(not is_bug, "I24", f"{line.action}: {line.fields}")
