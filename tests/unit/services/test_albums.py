"""The life of an album, from the request to its end, as callers see it."""

from collections.abc import Callable

import pytest

from cratekeeper.domain.catalog import is_whole
from cratekeeper.domain.events import EventType
from cratekeeper.domain.failures import ErrorType
from cratekeeper.domain.models import NONE, Download, Kind
from cratekeeper.domain.states import State
from cratekeeper.services.process import Done
from tests.support.builders import a_child
from tests.support.crash import killed_at, killed_at_call
from tests.support.crate import ONE_BY_ONE, Crate


def tracks_of(crate: Crate, album: Download) -> list[str]:
    return [track.id for track in crate.world.provider.albums[album.content_id][1]]


def asked_for_audio(crate: Crate) -> int:
    return sum(count for (method, _), count in crate.world.provider.asked.items() if method == "audio")


@pytest.mark.case("P-05")
def test_an_album_whose_children_are_all_completed_is_completed(crate: Crate) -> None:
    album = crate.album(tracks=12, pictures=2)
    crate.drain()
    done, children = crate.item(album), crate.children(album)
    assert (done.state, done.partial) == (State.COMPLETED, False)
    assert done.bytes_downloaded == sum(child.bytes_downloaded or 0 for child in children) > 0
    assert len(crate.world.media.objects) == len(children) == 14


@pytest.mark.parametrize("size", [0, 1, 120])
@pytest.mark.parametrize("limit", [1, 3, None])
def test_albums_of_any_size_end_under_any_limit(limit: int | None, size: int) -> None:
    crate = Crate.of(limit=limit)
    album = crate.album(tracks=size)
    crate.drain()
    assert crate.item(album).state is State.COMPLETED
    assert {child.state for child in crate.children(album)} <= {State.COMPLETED}
    assert (crate.held(), crate.hungry(), crate.world.table.locks) == (set(), {}, {})


def test_a_whole_album_is_in_the_catalog(crate: Crate) -> None:
    album = crate.album(tracks=3)
    crate.drain()
    stored = crate.world.catalog.album(album.content_id)
    assert stored is not None
    assert is_whole(stored, crate.world.catalog.media((Kind.TRACK, each) for each in stored.track_ids))


@pytest.mark.case("P-06")
def test_an_album_with_a_failed_child_is_failed_and_partial(crate: Crate) -> None:
    album = crate.album(tracks=2)
    crate.world.provider.fail("audio", tracks_of(crate, album)[0], ErrorType.NOT_FOUND)
    crate.drain()
    failed = crate.item(album)
    assert (failed.state, failed.partial, failed.error_message) == (State.FAILED, True, "1 of 2 children failed")
    assert crate.history(album)[-1] is EventType.DOWNLOAD_FAILED


@pytest.mark.case("P-07")
def test_an_album_fails_at_the_moment_its_last_open_child_does() -> None:
    crate = Crate.of(limit=1, knobs=ONE_BY_ONE)
    album = crate.album(tracks=2)
    crate.world.provider.fail("audio", tracks_of(crate, album)[1], ErrorType.NOT_FOUND)
    crate.deliver()
    crate.deliver()
    assert crate.item(album).state is State.IN_PROGRESS
    crate.deliver()
    assert crate.item(album).state is State.FAILED


@pytest.mark.case("P-04")
def test_an_album_with_an_open_child_is_in_progress() -> None:
    crate = Crate.of(limit=1, knobs=ONE_BY_ONE)
    album = crate.album(tracks=2)
    crate.deliver()
    crate.deliver()
    assert [child.state for child in crate.children(album)] == [State.COMPLETED, State.PENDING]
    assert crate.item(album).state is State.IN_PROGRESS


@pytest.mark.case("P-09")
def test_an_album_has_ended_before_its_last_childs_message_is_acknowledged() -> None:
    crate = Crate.of(limit=1, knobs=ONE_BY_ONE)
    album = crate.album(tracks=1)
    crate.deliver()
    message = crate.world.bell.receive()
    assert message is not None
    crate.work(message.download_id)
    assert crate.item(album).state is State.COMPLETED
    assert message.receipt in crate.world.bell.messages


@pytest.mark.case("P-10")
@pytest.mark.parametrize("site", ["store.write", "store.commit"])
def test_two_last_children_that_finish_at_one_instant_end_their_album_once(site: str) -> None:
    crate = Crate.of(limit=3, knobs=ONE_BY_ONE)
    album = crate.album(tracks=2)
    crate.deliver()
    first, second = crate.children(album)
    crate.world.calls.around = second_call_of(site, crate, lambda: crate.work(second.id))
    crate.work(first.id)
    assert crate.item(album).state is State.COMPLETED
    assert crate.history(album).count(EventType.DOWNLOAD_COMPLETED) == 1
    assert crate.world.usage("alice").active == frozenset()


def second_call_of(site: str, crate: Crate, act: Callable[[], object]) -> Callable[[str, Callable[[], object]], object]:
    """Have something done just before a worker's second write: the set's, or the item's own."""
    seen = 0

    def around(called: str, call: Callable[[], object]) -> object:
        nonlocal seen
        seen += called == site
        if called == site and seen == (1 if site == "store.write" else 2):
            crate.world.calls.around = None
            act()
        return call()

    return around


@pytest.mark.case("L-08")
@pytest.mark.parametrize("failing", [0, 1, 12])
def test_an_albums_end_frees_exactly_one_slot(crate: Crate, failing: int) -> None:
    other = crate.track("another")
    crate.world.provider.fail("audio", other.content_id, ErrorType.BUSY)
    album = crate.album(tracks=12, pictures=3)
    for track in tracks_of(crate, album)[:failing]:
        crate.world.provider.fail("audio", track, ErrorType.REJECTED)
    assert len(crate.world.usage("alice").active) == 2
    crate.drain()
    assert crate.item(album).is_terminal
    assert crate.world.usage("alice").active == {other.id}


@pytest.mark.case("P-17")
@pytest.mark.parametrize("whole", [1, 2])
def test_tracks_that_are_stored_already_are_not_asked_for_again(crate: Crate, whole: int) -> None:
    album = crate.world.provider.add_album("album", tracks=3)
    for track in crate.world.provider.albums[album][1][:whole]:
        crate.request(track.id, kind=Kind.TRACK)
    crate.drain()
    root = crate.request(album)
    crate.drain()
    assert crate.item(root).state is State.COMPLETED
    assert asked_for_audio(crate) == 3


def test_force_fetches_again_what_is_stored(crate: Crate) -> None:
    album = crate.album(tracks=2)
    crate.drain()
    crate.request(album.content_id, force=True)
    crate.drain()
    assert asked_for_audio(crate) == 4


def test_a_child_that_waits_for_its_retry_is_passed_over_and_then_taken(crate: Crate) -> None:
    album = crate.album(tracks=3)
    first = tracks_of(crate, album)[0]
    crate.world.provider.fail("audio", first, ErrorType.TIMEOUT)
    crate.drain()
    waiting, *others = crate.children(album)
    assert waiting.state is State.RETRY_WAITING
    assert crate.item(album).held == {1}
    assert {child.state for child in others} == {State.COMPLETED}
    crate.settle_down()
    assert crate.item(album).state is State.COMPLETED


@pytest.mark.case("A-04")
@pytest.mark.parametrize("size", [None, 0, 2])
def test_a_worker_killed_at_any_call_leaves_each_transition_exactly_one_entry(size: int | None) -> None:
    for number in range(1, 1000):
        crate = Crate.of(limit=2)
        root = crate.track() if size is None else crate.album(tracks=size)
        is_killed = killed_at_call(crate.world.calls, crate.drain, number=number)
        crate.settle_down()
        assert crate.item(root).state is State.COMPLETED
        assert {item.id: [*range(1, item.seq + 1)] for item in crate.world.table.downloads()} == rows_of(crate)
        if not is_killed:
            assert number > 10
            break


def rows_of(crate: Crate) -> dict[str, list[int]]:
    """The numbers of each download's entries in the history."""
    numbers: dict[str, list[int]] = {}
    for row in sorted(crate.world.history.rows.values(), key=lambda row: row.seq):
        numbers.setdefault(row.download_id, []).append(row.seq)
    return numbers


def test_what_a_crash_left_open_is_settled_when_the_message_comes_again() -> None:
    crate = Crate.of(limit=1, knobs=ONE_BY_ONE)
    album = crate.album(tracks=1)
    crate.deliver()
    [child] = crate.children(album)
    killed_at(crate.world.calls, "store.write", lambda: crate.work(child.id))
    assert crate.item(child).state is State.COMPLETED
    assert crate.item(album).open == {1}
    crate.work(child.id)
    assert crate.item(album).state is State.COMPLETED


def test_an_end_that_a_crash_left_out_is_made_when_the_message_comes_again() -> None:
    crate = Crate.of(limit=1, knobs=ONE_BY_ONE)
    album = crate.album(tracks=1)
    crate.deliver()
    [child] = crate.children(album)
    killed_at(crate.world.calls, "store.write", lambda: crate.work(child.id), after=True)
    assert (crate.item(album).open, crate.item(album).state) == (NONE, State.IN_PROGRESS)
    crate.work(child.id)
    assert crate.item(album).state is State.COMPLETED


def test_a_hold_that_a_crash_left_out_is_made_when_the_message_comes_again() -> None:
    crate = Crate.of(limit=1, knobs=ONE_BY_ONE)
    album = crate.album(tracks=1)
    crate.world.provider.fail("audio", tracks_of(crate, album)[0], ErrorType.TIMEOUT)
    crate.deliver()
    [child] = crate.children(album)
    killed_at(crate.world.calls, "store.write", lambda: crate.work(child.id))
    assert (crate.item(child).state, crate.item(album).held) == (State.RETRY_WAITING, NONE)
    crate.work(child.id)
    assert crate.item(album).held == {1}


def test_a_message_of_a_child_whose_album_is_gone_is_done(crate: Crate) -> None:
    child = a_child(state=State.COMPLETED)
    crate.put(child)
    assert crate.work(child.id) == Done()
    assert crate.item(child) == child
