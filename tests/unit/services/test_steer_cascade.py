"""Families too large for one transaction, deletion, and uploads that are left behind."""

from dataclasses import replace

import pytest

from cratekeeper.domain.actions import Action
from cratekeeper.domain.errors import InvalidState, NotFound, Unavailable
from cratekeeper.domain.events import EventType
from cratekeeper.domain.ids import child_id, plan_key
from cratekeeper.domain.lanes import Lane, Rank, Waiting
from cratekeeper.domain.models import NONE, Cascade, Download, Tally, Upload
from cratekeeper.domain.states import TERMINAL, State, Verb
from cratekeeper.services.process import Done
from tests.support.builders import ROOT, a_child, a_chunk, a_download, a_permit, a_running, an_album, at
from tests.support.crash import killed_at, killed_at_call, meanwhile
from tests.support.crate import ADMIN, ALICE, Crate

TRACKS = 120
UPLOAD = Upload(key="audio/x.wav", upload_id="u1")


def act(crate: Crate, action: Action, item: Download | str, *, lane: Lane | None = None) -> Download:
    return crate.steer.act(item if isinstance(item, str) else item.id, action, caller=ALICE, lane=lane)


def states(crate: Crate, album: Download | str) -> set[State]:
    return {child.state for child in crate.children(crate.item(album))}


@pytest.fixture
def large(crate: Crate) -> Download:
    """An album of 120 that waits for its children, one of which runs."""
    album = crate.album(tracks=TRACKS)
    crate.deliver()
    killed_at(crate.world.calls, "provider.audio", crate.deliver)
    return crate.item(album)


def test_a_large_album_is_cancelled_whole(crate: Crate, large: Download) -> None:
    cancelled = act(crate, Action.CANCEL, large)
    assert (cancelled.state, cancelled.cascade, cancelled.final) == (State.CANCELLED, None, Tally(cancelled=TRACKS))
    assert (cancelled.open, cancelled.open_chunks) == (NONE, NONE)
    assert states(crate, large) == {State.CANCELLED}
    crate.drain()
    assert (crate.world.table.locks, crate.world.control.permits) == ({}, {})
    act(crate, Action.RETRY, large)
    assert crate.item(large).open_chunks == {1}
    crate.settle_down()
    assert (crate.item(large).state, crate.item(large).final) == (State.COMPLETED, Tally(completed=TRACKS))


def test_a_large_album_is_paused_and_goes_on(crate: Crate, large: Download) -> None:
    paused = act(crate, Action.PAUSE, large)
    assert (paused.state, paused.paused_from, len(paused.held)) == (State.PAUSED, State.IN_PROGRESS, 98)
    assert states(crate, large) == {State.PAUSED}
    resumed = act(crate, Action.RESUME, large)
    assert (resumed.state, resumed.round, resumed.held) == (State.PENDING, 1, NONE)
    assert resumed.waiting == Waiting(Lane.NORMAL, Rank.ROOT)
    crate.settle_down()
    assert crate.item(large).state is State.COMPLETED
    history = crate.history(large)
    assert history.count(EventType.DOWNLOAD_PAUSED) == history.count(EventType.DOWNLOAD_RESUMED) == 1


def test_a_large_album_changes_its_priority(crate: Crate, large: Download) -> None:
    moved = act(crate, Action.PRIORITY, large, lane=Lane.LOW)
    assert (moved.lane, moved.cascade, moved.waiting) == (Lane.LOW, None, Waiting(Lane.LOW, Rank.CHILDREN))
    assert {child.lane for child in crate.children(large)} == {Lane.LOW}
    crate.settle_down()
    assert crate.item(large).state is State.COMPLETED


@pytest.mark.parametrize("is_child", [False, True])
def test_who_was_rung_during_a_cascade_is_rung_again_at_its_end(crate: Crate, large: Download, is_child: bool) -> None:
    """Its message came for nothing meanwhile, and its permit is still its own."""
    if not is_child:
        crate.put(replace(crate.item(large), state=State.PENDING, round=1, waiting=Waiting(Lane.NORMAL, Rank.ROOT)))
    waits = next(each for each in crate.children(large) if each.is_claimable(crate.world.clock.now()))
    item = waits if is_child else crate.item(large)
    crate.permit(permits={item.id: a_permit(epoch=item.epoch, round=item.round)})
    killed_at(crate.world.calls, "store.commit", lambda: act(crate, Action.PRIORITY, large, lane=Lane.LOW), number=2)
    assert crate.work(item.id) == Done()
    rings = len(crate.rung())
    crate.steer.carry_on(large.id)
    assert crate.item(item).lane is Lane.LOW
    assert item.id in crate.rung()[rings:]


@pytest.mark.parametrize("state", [State.PENDING, State.PAUSED])
def test_a_large_album_that_does_not_run_changes_its_priority(crate: Crate, large: Download, state: State) -> None:
    act(crate, Action.PAUSE, large)
    if state is State.PENDING:
        act(crate, Action.RESUME, large)
    moved = act(crate, Action.PRIORITY, large, lane=Lane.LOW)
    assert moved.state is state
    assert moved.waiting == (Waiting(Lane.LOW, Rank.ROOT) if state is State.PENDING else None)


@pytest.mark.parametrize("action", [Action.CANCEL, Action.PAUSE])
def test_a_cascade_whose_actor_died_at_any_call_is_carried_on(action: Action) -> None:
    for number in range(1, 40):
        crate = Crate.of()
        album = crate.album(tracks=TRACKS)
        crate.deliver()
        if not killed_at_call(crate.world.calls, lambda: act(crate, action, album), number=number):  # noqa: B023
            break
        crate.world.clock.advance(61)
        crate.dispatch.tick()
        if crate.item(album).state is not State.IN_PROGRESS:
            ends = {State.CANCELLED} if action is Action.CANCEL else {State.PAUSED}
            assert ({crate.item(album).state}, states(crate, album)) == (ends, ends)
        else:
            assert crate.item(album).cascade is None  # it died before the mark
    else:
        pytest.fail("the cascade makes more calls than were tried")
    assert number > 5


def test_the_next_action_carries_an_unfinished_cascade_on(crate: Crate, large: Download) -> None:
    killed_at(crate.world.calls, "store.commit", lambda: act(crate, Action.PAUSE, large), number=2)
    assert crate.item(large).cascade is not None
    assert act(crate, Action.CANCEL, large).state is State.CANCELLED
    assert states(crate, large) == {State.CANCELLED}


def test_while_a_cascade_runs_nothing_of_the_family_is_claimed_or_finished(crate: Crate, large: Download) -> None:
    killed_at(crate.world.calls, "store.commit", lambda: act(crate, Action.CANCEL, large), number=2)
    before = crate.world.provider.asked.copy()
    crate.drain()
    assert crate.world.provider.asked == before
    assert crate.item(large).state is State.IN_PROGRESS
    with pytest.raises(InvalidState):
        act(crate, Action.RESUME, large)  # which first carries the cascade on
    assert crate.item(large).state is State.CANCELLED


def test_a_child_that_moves_on_meanwhile_is_looked_at_again(crate: Crate, large: Download) -> None:
    child = crate.item(child_id(large.id, 120))
    changed = replace(child, state=State.RETRY_WAITING, next_retry_at=at(9000), epoch=1)

    def move() -> None:
        meanwhile(crate.world.calls, "store.commit", lambda: crate.put(changed))

    meanwhile(crate.world.calls, "store.commit", move)
    assert act(crate, Action.CANCEL, large).state is State.CANCELLED
    assert crate.item(child).state is State.CANCELLED


def test_a_cascade_that_meets_others_again_and_again_is_left_to_the_dispatcher(
    crate: Crate, large: Download, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed_at(crate.world.calls, "store.commit", lambda: act(crate, Action.CANCEL, large), number=2)
    monkeypatch.setattr("cratekeeper.services.steer.TRIES", 1)
    child = crate.item(child_id(large.id, 1))
    meanwhile(crate.world.calls, "store.commit", lambda: crate.put(replace(child, epoch=child.epoch + 1)))
    crate.steer.carry_on(large.id)
    assert crate.world.log.actions()[-1] == "cascade_unfinished"
    crate.steer.carry_on(large.id)
    assert crate.item(large).state is State.CANCELLED


def test_without_a_cascade_there_is_nothing_to_carry_on(crate: Crate) -> None:
    item = crate.track()
    crate.steer.carry_on(item.id)
    crate.steer.carry_on("01JD0000000000000000000099")
    assert crate.item(item) == item


def test_an_emptied_chunk_is_closed_by_a_childs_cancellation(crate: Crate) -> None:
    crate.put(
        an_album(99, open=NONE, open_chunks=frozenset({1}), waiting=None),
        a_chunk(1, open=frozenset({99})),
        *(a_child(number, state=State.COMPLETED) for number in range(1, 99)),
        a_child(99),
    )
    act(crate, Action.CANCEL, child_id(ROOT, 99))
    assert (crate.item(ROOT).state, crate.item(ROOT).partial) == (State.COMPLETED, True)


def test_a_child_of_a_further_chunk_reopens_chunk_and_album(crate: Crate) -> None:
    crate.put(
        an_album(99, state=State.FAILED, open=NONE, waiting=None, due_at=None, partial=True),
        a_chunk(1, failed=frozenset({99})),
        a_child(99, state=State.FAILED),
    )
    act(crate, Action.RETRY, child_id(ROOT, 99))
    assert (crate.item(ROOT).state, crate.item(ROOT).open_chunks) == (State.PENDING, frozenset({1}))


def test_a_child_of_a_closed_chunk_of_a_running_album_opens_it_again(crate: Crate) -> None:
    crate.put(
        an_album(99, open=frozenset({1}), waiting=None),
        a_chunk(1, failed=frozenset({99})),
        a_running(child_id(ROOT, 1)),
        a_child(99, state=State.FAILED),
    )
    act(crate, Action.RETRY, child_id(ROOT, 99))
    assert (crate.item(ROOT).state, crate.item(ROOT).open_chunks) == (State.IN_PROGRESS, frozenset({1}))


def test_a_child_whose_chunk_is_gone_is_not_found(crate: Crate) -> None:
    crate.put(an_album(99), a_child(99))
    with pytest.raises(NotFound):
        act(crate, Action.CANCEL, child_id(ROOT, 99))


def test_a_child_without_its_album_is_not_found(crate: Crate) -> None:
    crate.put(a_child(1))
    with pytest.raises(NotFound):
        act(crate, Action.CANCEL, child_id(ROOT, 1))


# Deletion


@pytest.mark.parametrize("tracks", [2, TRACKS])
def test_a_deleted_album_is_gone_with_everything_but_its_history(crate: Crate, tracks: int) -> None:
    album = crate.album(tracks=tracks)
    crate.deliver()
    crate.steer.delete(album.id, caller=ADMIN)
    assert crate.world.table.parts.get(album.id, {}) == {}
    assert (crate.world.table.locks, crate.world.store.usage("alice").active) == ({}, frozenset())
    assert crate.history(album)[-2:] == [EventType.DOWNLOAD_CANCELLED, EventType.DOWNLOAD_DELETED]
    with pytest.raises(NotFound):
        crate.steer.delete(album.id, caller=ADMIN)


def test_plans_that_never_came_to_count_are_deleted_too(crate: Crate) -> None:
    """One of each claim that died between its plan and its first children."""
    album = crate.album(tracks=TRACKS)
    for _ in range(2):
        killed_at(crate.world.calls, "store.commit", lambda: crate.work(album.id), number=2, after=True)
        crate.world.clock.advance(61)
    assert {name for name in crate.world.table.parts[album.id] if name.startswith("P#")} >= {
        plan_key(album.id, epoch, 0).part for epoch in (1, 2)
    }
    crate.steer.delete(album.id, caller=ADMIN)
    assert crate.world.table.parts.get(album.id, {}) == {}


@pytest.mark.parametrize("state", sorted(TERMINAL))
def test_what_has_ended_is_deleted_at_once(crate: Crate, state: State) -> None:
    crate.put(a_download(state=state, waiting=None))
    crate.steer.delete(ROOT, caller=ADMIN)
    assert crate.history(ROOT) == [EventType.DOWNLOAD_DELETED]


def test_a_child_alone_cannot_be_deleted(crate: Crate) -> None:
    crate.put(an_album(1), a_child(1))
    with pytest.raises(InvalidState, match=f"delete {ROOT}"):
        crate.steer.delete(child_id(ROOT, 1), caller=ADMIN)


def test_a_deletion_whose_actor_died_is_carried_on_and_hidden_until_then() -> None:
    for number in range(1, 40):
        crate = Crate.of()
        album = crate.album(tracks=3)
        crate.settle_down()
        if not killed_at_call(crate.world.calls, lambda: crate.steer.delete(album.id, caller=ADMIN), number=number):  # noqa: B023
            break
        if crate.world.table.parts[album.id].get("D") and crate.item(album).cascade:
            with pytest.raises(NotFound):
                act(crate, Action.RETRY, album)
            crate.world.clock.advance(61)
            crate.dispatch.tick()
            assert crate.world.table.parts.get(album.id, {}) == {}
    assert number > 3


def test_a_deletion_that_meets_another_write_looks_again(crate: Crate) -> None:
    crate.put(a_download(state=State.FAILED, waiting=None))
    meanwhile(
        crate.world.calls, "store.write", lambda: crate.put(a_download(state=State.FAILED, waiting=None, round=1))
    )
    crate.steer.delete(ROOT, caller=ADMIN)
    assert crate.world.table.parts.get(ROOT, {}) == {}


def test_a_deletion_that_cannot_keep_up_says_so(crate: Crate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cratekeeper.services.steer.TRIES", 1)
    with pytest.raises(Unavailable, match="try again"):
        crate.steer.delete(crate.track().id, caller=ADMIN)


# Uploads


def begun(crate: Crate) -> Upload:
    """A multipart upload as the bucket knows it."""
    return replace(UPLOAD, upload_id=crate.world.media.begin(UPLOAD.key, content_type="audio/wav"))


@pytest.mark.case("F-08")
@pytest.mark.parametrize("is_child", [False, True])
def test_the_upload_of_a_cancelled_transfer_is_aborted_by_the_dispatcher(crate: Crate, is_child: bool) -> None:
    upload = begun(crate)
    if is_child:
        crate.put(an_album(2), a_child(1, upload=upload), a_child(2, state=State.COMPLETED))
    else:
        crate.put(a_download(upload=upload))
    act(crate, Action.CANCEL, ROOT)
    assert crate.world.media.open_uploads
    for _ in range(3):
        crate.world.clock.advance(61)
        crate.dispatch.tick()
    assert not crate.world.media.open_uploads
    assert crate.item(ROOT).due_at is None
    assert crate.item(child_id(ROOT, 1) if is_child else ROOT).upload is None


@pytest.mark.case("F-08")
def test_the_upload_of_an_active_transfer_is_kept(crate: Crate) -> None:
    upload = begun(crate)
    crate.put(an_album(2, due_at=at(0)), a_child(1, upload=upload), a_child(2))
    crate.world.clock.advance(61)
    crate.dispatch.tick()
    assert crate.world.media.open_uploads
    act(crate, Action.PAUSE, child_id(ROOT, 1))
    crate.world.clock.advance(61)
    crate.dispatch.tick()
    assert crate.item(child_id(ROOT, 1)).upload == upload


@pytest.mark.case("F-08")
def test_the_upload_of_one_cancelled_child_is_aborted_while_its_album_runs(crate: Crate) -> None:
    crate.put(an_album(2), a_child(1, upload=begun(crate)), a_child(2))
    act(crate, Action.CANCEL, child_id(ROOT, 1))
    crate.world.clock.advance(61)
    crate.dispatch.tick()
    assert not crate.world.media.open_uploads


def test_an_upload_of_what_is_retried_meanwhile_begins_anew(crate: Crate) -> None:
    crate.put(a_download(state=State.CANCELLED, waiting=None, due_at=at(0), upload=begun(crate)))
    meanwhile(crate.world.calls, "media.abort", lambda: crate.put(a_download(upload=UPLOAD, round=1)))
    crate.dispatch.tick()
    assert crate.item(ROOT).upload == UPLOAD


def test_a_cascade_says_who_asked_for_it(crate: Crate, large: Download) -> None:
    killed_at(crate.world.calls, "store.commit", lambda: act(crate, Action.CANCEL, large), number=2)
    expected = Cascade(verb=Verb.CANCEL, event=EventType.DOWNLOAD_CANCELLED, actor="alice")
    assert crate.item(large).cascade == expected
    crate.world.clock.advance(61)
    crate.dispatch.tick()
    child = crate.item(child_id(large.id, 120))
    assert child.event
    assert (child.event.actor, child.event.type) == ("alice", EventType.DOWNLOAD_CANCELLED)


def gone(crate: Crate, root: str) -> None:
    """As a deletion by somebody else leaves it."""
    crate.world.table.parts.pop(root)


@pytest.mark.parametrize("tracks", [0, 2])
def test_what_is_deleted_while_it_is_steered_is_not_found(crate: Crate, tracks: int) -> None:
    item = crate.album(tracks=tracks) if tracks else crate.track()
    if tracks:
        crate.deliver()
    meanwhile(crate.world.calls, "store.family", lambda: gone(crate, item.id))
    with pytest.raises(NotFound):
        act(crate, Action.PAUSE, item)


def test_a_mark_whose_answer_was_lost_is_our_own(crate: Crate, large: Download) -> None:
    crate.world.calls.losing("store.commit")
    assert act(crate, Action.CANCEL, large).state is State.CANCELLED


def test_a_deletion_first_carries_on_what_was_begun(crate: Crate, large: Download) -> None:
    killed_at(crate.world.calls, "store.commit", lambda: act(crate, Action.PAUSE, large), number=2)
    crate.steer.delete(large.id, caller=ADMIN)
    assert crate.world.table.parts.get(large.id, {}) == {}


def test_an_album_whose_children_all_run_has_none_to_offer(crate: Crate) -> None:
    crate.put(an_album(1, waiting=None), a_running(child_id(ROOT, 1)))
    crate.world.table.control = replace(crate.world.control, hungry={Lane.HIGH: frozenset({"other"})})
    assert act(crate, Action.PRIORITY, ROOT, lane=Lane.LOW).waiting is None
    assert crate.hungry() == {Lane.HIGH: {"other"}}


def test_a_large_album_with_few_children_left_is_retried_at_once(crate: Crate) -> None:
    crate.put(
        an_album(99, state=State.FAILED, open=NONE, waiting=None, due_at=None, partial=True),
        a_chunk(1, cancelled=frozenset({99})),
        *(a_child(number, state=State.COMPLETED) for number in range(1, 99)),
        a_child(99, state=State.CANCELLED),
    )
    assert act(crate, Action.RETRY, ROOT).open_chunks == {1}
    assert crate.item(child_id(ROOT, 99)).state is State.PENDING
