from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from cratekeeper.domain.models import NONE, Download, Tally
from cratekeeper.domain.states import State
from cratekeeper.domain.writes import Stored, TakeLock
from cratekeeper.services.settle import ROUNDS
from tests.support.builders import ROOT, Values, a_child, a_chunk, an_album
from tests.support.crash import meanwhile
from tests.support.crate import Crate

C, F, X = State.COMPLETED, State.FAILED, State.CANCELLED


def album_of(crate: Crate, *states: State, **fields: Any) -> list[Download]:
    """An active album, and its children in these states, none of which is settled; returns the children."""
    children = [a_child(ordinal, state=state) for ordinal, state in enumerate(states, 1)]
    album = an_album(len(states), **fields)
    crate.put(album, *children)
    crate.world.table.transact([TakeLock(album.kind, album.content_id, album.id)])
    return children


@pytest.mark.case("P-04")
def test_an_album_waits_for_its_last_open_child(crate: Crate) -> None:
    first, _ = album_of(crate, C, State.PENDING)
    crate.settle.child(first, crate.item(ROOT))
    assert crate.item(ROOT).state is State.IN_PROGRESS
    assert crate.item(ROOT).open == {2}


@pytest.mark.case("P-06", "P-07")
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_last_open_child_ends_the_album_whoever_it_is(crate: Crate, order: tuple[int, int]) -> None:
    children = album_of(crate, C, F)
    for index in order:
        assert crate.item(ROOT).state is State.IN_PROGRESS
        crate.settle.child(children[index], None)
    album = crate.item(ROOT)
    assert (album.state, album.partial, album.error_message) == (F, True, "1 of 2 children failed")
    assert album.final == Tally(completed=1, failed=1)


@pytest.mark.case("D-01")
@pytest.mark.parametrize("state", [C, F, X])
def test_an_albums_end_frees_its_lock(crate: Crate, state: State) -> None:
    for child in album_of(crate, state, state):
        crate.settle.child(child, None)
    assert crate.item(ROOT).state is state
    assert crate.world.table.locks == {}


def test_settling_twice_is_harmless(crate: Crate) -> None:
    child, _ = album_of(crate, C, State.PENDING)
    for _ in range(2):
        crate.settle.child(replace(child, bytes_downloaded=70), None)
    assert crate.item(ROOT).open == {2}
    assert crate.item(ROOT).bytes_done == 70


def test_settling_again_ends_an_album_whose_last_finisher_died(crate: Crate) -> None:
    child, _ = album_of(crate, C, C, open=NONE)
    crate.settle.child(child, None)
    assert crate.item(ROOT).state is C


def test_a_set_write_whose_answer_was_lost_counts_once(crate: Crate) -> None:
    child, _ = album_of(crate, C, State.PENDING)
    crate.world.calls.losing("store.write")
    crate.settle.child(replace(child, bytes_downloaded=70), crate.item(ROOT))
    assert crate.item(ROOT).bytes_done == 70


@pytest.mark.parametrize("site", ["store.write", "store.commit"])
def test_an_album_whose_end_was_written_twice_ended_once(crate: Crate, site: str) -> None:
    [child] = album_of(crate, C)
    crate.world.calls.losing(site)
    crate.settle.child(child, None)
    assert (crate.item(ROOT).state, crate.item(ROOT).seq) == (C, 2)


def test_an_old_view_of_the_set_is_read_again(crate: Crate) -> None:
    """Rule 9: the child still terminal at the same epoch → repeat with the new round."""
    child, _ = album_of(crate, C, State.PENDING, round=1)
    crate.settle.child(child, an_album(2, round=0))
    assert crate.item(ROOT).open == {2}


@pytest.mark.parametrize("meanwhile_", [{"state": State.PENDING}, {"epoch": 9}])
def test_a_child_that_was_retried_is_not_settled(crate: Crate, meanwhile_: Values) -> None:
    """Rule 9: else drop it."""
    child, _ = album_of(crate, C, State.PENDING, round=1)
    crate.put(a_child(1, **{"state": C, **meanwhile_}))
    crate.settle.child(child, an_album(2, round=0))
    assert crate.item(ROOT).open == {1, 2}


def test_a_set_that_changes_too_fast_is_left_to_the_dispatcher(crate: Crate) -> None:
    child, _ = album_of(crate, C, State.PENDING)
    tries = 0

    def newer(called: str, call: Callable[[], Stored]) -> Stored:
        nonlocal tries
        if called == "store.write":
            tries += 1
            crate.put(replace(crate.item(ROOT), round=tries))
        return call()

    crate.world.calls.around = newer
    assert crate.settle.child(child, None) is None
    assert tries == ROUNDS


def test_a_child_whose_album_is_gone_is_left_alone(crate: Crate) -> None:
    assert crate.settle.child(a_child(state=C), None) is None
    assert crate.settle.child(a_child(state=C), an_album()) is None


def test_a_held_child_is_passed_over_until_it_is_settled(crate: Crate) -> None:
    child, _ = album_of(crate, State.RETRY_WAITING, State.PENDING)
    crate.settle.hold(child, None)
    assert crate.item(ROOT).held == {1}
    crate.put(replace(child, state=C))
    crate.settle.child(replace(child, state=C), None)
    assert crate.item(ROOT).held == NONE


def test_an_album_that_a_retry_reopened_does_not_end(crate: Crate) -> None:
    [child] = album_of(crate, C)
    meanwhile(
        crate.world.calls, "store.commit", lambda: crate.put(replace(crate.item(ROOT), open=frozenset({1}), round=1))
    )
    crate.settle.child(child, None)
    assert crate.item(ROOT).state is State.IN_PROGRESS


@pytest.mark.parametrize("album", [an_album(open=frozenset({1})), an_album(open=NONE, open_chunks=frozenset({1}))])
def test_an_album_with_an_open_child_does_not_end(crate: Crate, album: Download) -> None:
    crate.put(album)
    crate.settle.end_if_done(album)
    assert crate.item(ROOT).state is State.IN_PROGRESS


@pytest.mark.parametrize("state", [State.PENDING, C])
def test_only_an_album_that_awaits_children_ends(crate: Crate, state: State) -> None:
    album = an_album(open=NONE, state=state)
    crate.put(album)
    crate.settle.end_if_done(album)
    assert crate.item(ROOT) == album


def test_an_old_view_of_an_album_whose_chunk_is_open_ends_nothing(crate: Crate) -> None:
    album = an_album(100, open=NONE)
    crate.put(album, a_chunk(1, open=frozenset({99})))
    crate.settle.end_if_done(album)
    assert crate.item(ROOT).state is State.IN_PROGRESS


# Families of more than one chunk


def big_album(crate: Crate, **fields: Any) -> Download:
    """An album of 120 whose only open child is the 120th; returns that child, completed."""
    child = a_child(120, state=C, bytes_downloaded=5)
    album = an_album(120, **{"open": NONE, "open_chunks": frozenset({1}), "bytes_done": 90, **fields})
    crate.put(album, a_chunk(1, open=frozenset({120}), failed=frozenset({119})), child)
    return child


def test_the_last_child_of_the_last_chunk_ends_the_album(crate: Crate) -> None:
    crate.settle.child(big_album(crate), None)
    album = crate.item(ROOT)
    assert (album.state, album.partial, album.error_message) == (F, True, "1 of 120 children failed")
    assert (album.bytes_downloaded, album.final) == (95, Tally(completed=119, failed=1))


def test_a_chunk_with_an_open_child_stays_open(crate: Crate) -> None:
    child = big_album(crate)
    crate.put(a_chunk(1, open=frozenset({119, 120})))
    assert crate.settle.child(child, None) is None
    assert crate.item(ROOT).open_chunks == {1}


def test_a_closed_chunk_of_several_does_not_end_the_album(crate: Crate) -> None:
    crate.settle.child(big_album(crate, total=200, open_chunks=frozenset({1, 2})), None)
    assert crate.item(ROOT).state is State.IN_PROGRESS
    assert crate.item(ROOT).open_chunks == {2}


def test_a_chunk_whose_closer_died_is_closed_by_the_next_visit(crate: Crate) -> None:
    child = big_album(crate)
    crate.put(a_chunk(1, failed=frozenset({119}), bytes_done=5))
    crate.settle.child(child, None)
    assert crate.item(ROOT).state is F


def test_a_chunk_that_is_closed_already_needs_no_second_write(crate: Crate) -> None:
    child = big_album(crate, open_chunks=NONE)
    crate.settle.child(child, None)
    assert crate.item(ROOT).state is F


@pytest.mark.parametrize("round_", [0, 1])
def test_a_chunk_is_closed_under_the_albums_round(crate: Crate, round_: int) -> None:
    child = big_album(crate)
    meanwhile(crate.world.calls, "store.commit", lambda: crate.put(replace(crate.item(ROOT), round=round_)))
    crate.settle.child(child, None)
    assert crate.item(ROOT).state is F


def test_a_chunk_that_a_retry_opens_meanwhile_is_not_closed(crate: Crate) -> None:
    """Else nobody would look for the child that was retried, and the album would end without it."""
    child = big_album(crate)
    reopened = a_chunk(1, open=frozenset({99}), round=1)
    meanwhile(crate.world.calls, "store.commit", lambda: crate.put(reopened))
    assert crate.settle.child(child, None) is None
    assert (crate.item(ROOT).state, crate.item(ROOT).open_chunks) == (State.IN_PROGRESS, frozenset({1}))


def test_a_closed_chunk_whose_album_is_gone_is_left_alone(crate: Crate) -> None:
    child = big_album(crate)
    del crate.world.table.parts[ROOT]["D"]
    assert crate.settle.child(child, None) is None


def test_an_album_that_vanishes_while_its_chunk_is_closed_is_left_alone(crate: Crate) -> None:
    child = big_album(crate)
    meanwhile(crate.world.calls, "store.commit", lambda: crate.world.table.parts[ROOT].pop("D"))
    assert crate.settle.child(child, None) is None


def test_a_child_that_was_retried_meanwhile_is_not_settled_as_it_was(crate: Crate) -> None:
    crate.put(an_album(2), a_child(1, round=1))
    assert crate.settle.child(a_child(1, state=F, epoch=1), None) is None
    assert crate.item(ROOT).open == frozenset({1, 2})


def test_a_child_whose_album_is_gone_settles_nothing(crate: Crate) -> None:
    child = a_child(1, state=C)
    crate.put(child)
    assert crate.settle.child(child, None) is None
