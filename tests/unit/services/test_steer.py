"""Cancel, pause, resume, retry and priority of single downloads and of albums that fit one transaction."""

from dataclasses import replace

import pytest

from cratekeeper.domain.access import Caller, Role
from cratekeeper.domain.actions import Action
from cratekeeper.domain.errors import AlreadyQueued, Forbidden, InvalidState, LimitReached, NotFound, Unavailable
from cratekeeper.domain.events import EventType
from cratekeeper.domain.failures import ErrorType
from cratekeeper.domain.ids import child_id
from cratekeeper.domain.lanes import Lane, Rank, Waiting
from cratekeeper.domain.limits import UserLimits
from cratekeeper.domain.models import NONE, Download, Tally
from cratekeeper.domain.states import TERMINAL, State
from cratekeeper.services.process import Done
from tests.support.builders import (
    NOW,
    ROOT,
    Values,
    a_child,
    a_download,
    a_media,
    a_permit,
    a_running,
    an_album,
    at,
    root_id,
)
from tests.support.crash import answering, killed_at, meanwhile
from tests.support.crate import ADMIN, ALICE, BOB, Crate, Knobs

ACTIONS = [Action.CANCEL, Action.PAUSE, Action.RESUME, Action.RETRY]
ACTIVE: dict[State, Values] = {
    State.PENDING: {},
    State.RETRY_WAITING: {"next_retry_at": at(90), "due_at": at(90), "waiting": None},
    State.IN_PROGRESS: {"epoch": 1, "owner": "w", "lease_until": at(60), "waiting": None},
}


def act(
    crate: Crate, action: Action, item: Download | str, *, caller: Caller = ALICE, lane: Lane | None = None
) -> Download:
    return crate.steer.act(item if isinstance(item, str) else item.id, action, caller=caller, lane=lane)


def asked_for_audio(crate: Crate) -> int:
    return sum(count for (method, _), count in crate.world.provider.asked.items() if method == "audio")


def running_album(crate: Crate, tracks: int = 3) -> Download:
    """An album that waits for its children, with the first one running."""
    album = crate.album(tracks=tracks)
    crate.deliver()
    killed_at(crate.world.calls, "provider.audio", crate.deliver)
    return crate.item(album)


@pytest.mark.case("X-01")
@pytest.mark.parametrize("state", ACTIVE)
def test_what_is_active_can_be_paused(crate: Crate, state: State) -> None:
    crate.put(a_download(state=state, **ACTIVE[state]))
    paused = act(crate, Action.PAUSE, ROOT)
    assert (paused.state, paused.paused_from) == (State.PAUSED, state)
    assert (paused.lease_until, paused.next_retry_at, paused.waiting, paused.due_at) == (None, None, None, None)
    assert crate.history(ROOT)[-1] is EventType.DOWNLOAD_PAUSED


@pytest.mark.case("X-01", "X-03", "X-04", "T-12", "T-17")
@pytest.mark.parametrize(
    ("action", "state"),
    [
        *((Action.PAUSE, state) for state in [State.PAUSED, *sorted(TERMINAL)]),
        *((Action.RESUME, state) for state in State if state is not State.PAUSED),
        *((Action.CANCEL, state) for state in sorted(TERMINAL)),
        *((Action.RETRY, state) for state in State if state not in {State.FAILED, State.CANCELLED}),
    ],
)
def test_an_action_that_the_state_does_not_allow_changes_nothing(crate: Crate, action: Action, state: State) -> None:
    item = a_download(state=state, **ACTIVE.get(state, {}))
    crate.put(item)
    with pytest.raises(InvalidState, match=state.value):
        act(crate, action, ROOT)
    assert crate.item(ROOT) == item


@pytest.mark.case("X-02")
def test_what_is_paused_is_not_run_by_time_or_message(crate: Crate) -> None:
    item = crate.track()
    act(crate, Action.PAUSE, item)
    crate.world.clock.advance(7200)
    crate.dispatch.tick()
    assert crate.work(item.id) == Done()
    crate.drain()
    assert crate.item(item).state is State.PAUSED
    assert crate.held() == set()


@pytest.mark.case("X-03")
def test_what_is_resumed_waits_for_its_worker(crate: Crate) -> None:
    item = crate.track()
    act(crate, Action.PAUSE, item)
    resumed = act(crate, Action.RESUME, item)
    assert (resumed.state, resumed.paused_from, resumed.round) == (State.PENDING, None, 1)
    assert resumed.waiting == Waiting(Lane.NORMAL, Rank.ROOT)
    crate.drain()
    assert crate.item(item).state is State.COMPLETED
    assert crate.history(item)[:4] == [
        EventType.REQUEST_CREATED,
        EventType.DOWNLOAD_PAUSED,
        EventType.DOWNLOAD_RESUMED,
        EventType.DOWNLOAD_STARTED,
    ]


@pytest.mark.case("X-04", "L-09")
def test_what_is_cancelled_never_runs_and_gives_back_what_it_held(crate: Crate) -> None:
    item = crate.track()
    cancelled = act(crate, Action.CANCEL, item)
    assert (cancelled.state, cancelled.completed_at) == (State.CANCELLED, crate.world.clock.now())
    crate.drain()
    crate.settle_down(ticks=2)
    assert crate.item(item).state is State.CANCELLED
    assert (crate.world.table.locks, crate.world.control.permits) == ({}, {})
    usage = crate.world.store.usage("alice")
    assert (usage.active, usage.requests) == (frozenset(), 1)
    assert asked_for_audio(crate) == 0


@pytest.mark.case("X-05")
def test_a_cancelled_retry_is_not_tried_again(crate: Crate) -> None:
    crate.put(a_download(state=State.RETRY_WAITING, **ACTIVE[State.RETRY_WAITING]))
    act(crate, Action.CANCEL, ROOT)
    crate.world.clock.advance(3600)
    crate.dispatch.tick()
    assert crate.rung() == []
    assert crate.item(ROOT).attempts == 0


def test_cancelling_running_work_frees_its_permit_for_the_next(crate: Crate) -> None:
    crate = Crate.of(limit=1)
    first, second = crate.track("first"), crate.track("second")
    killed_at(crate.world.calls, "provider.audio", crate.deliver)
    act(crate, Action.CANCEL, first)
    assert crate.held() == {second.id}
    assert crate.rung()[-1] == second.id


@pytest.mark.parametrize("action", ACTIONS)
def test_what_belongs_to_another_is_not_found(crate: Crate, action: Action) -> None:
    item = crate.track()
    for unknown in (item.id, root_id(99), child_id(item.id, 1), "nonsense"):
        with pytest.raises(NotFound, match=r"^no such download$"):
            act(crate, action, unknown, caller=BOB)


def test_who_may_edit_the_catalog_acts_on_anybodys(crate: Crate) -> None:
    assert act(crate, Action.PAUSE, crate.track(), caller=ADMIN).event.actor == "root"  # type: ignore[union-attr]


@pytest.mark.case("T-17")
def test_a_failed_track_runs_again_on_its_owners_word(crate: Crate) -> None:
    missing = crate.world.provider.add_track("missing")
    crate.world.provider.sources.pop(missing.id, None)
    item = crate.request(missing.id, kind=a_download().kind)
    crate.drain()
    failed = crate.item(item)
    assert (failed.state, failed.error_type) == (State.FAILED, ErrorType.NOT_FOUND)
    crate.world.provider.add_track("missing")
    retried = act(crate, Action.RETRY, item)
    assert (retried.state, retried.retry_count, retried.round, retried.error_type) == (State.PENDING, 0, 1, None)
    assert crate.world.store.usage("alice").requests == 1
    crate.drain()
    assert crate.item(item).state is State.COMPLETED
    assert EventType.USER_RETRY in crate.history(item)


def test_a_retry_meets_the_lock_of_a_newer_request(crate: Crate) -> None:
    item = crate.track()
    act(crate, Action.CANCEL, item)
    newer = crate.request(item.content_id, kind=item.kind)
    with pytest.raises(AlreadyQueued) as refused:
        act(crate, Action.RETRY, item)
    assert refused.value.download_id == newer.id
    assert crate.item(item).state is State.CANCELLED


def test_a_retry_takes_an_active_slot() -> None:
    crate = Crate.of(knobs=Knobs(limits=UserLimits(max_per_day=10, max_queue=1)))
    item = crate.track("first")
    act(crate, Action.CANCEL, item)
    crate.track("second")
    with pytest.raises(LimitReached) as refused:
        act(crate, Action.RETRY, item)
    assert (refused.value.code, refused.value.limit) == ("queue_limit_reached", 1)
    assert act(crate, Action.RETRY, item, caller=ADMIN).state is State.PENDING


@pytest.mark.case("R-13", "R-14")
def test_an_administrators_retry_is_told_with_the_earlier_error(crate: Crate) -> None:
    crate.put(
        a_download(state=State.FAILED, waiting=None, error_type=ErrorType.TIMEOUT, retry_count=5, completed_at=at(1))
    )
    after = crate.steer.retry(ROOT, caller=ADMIN)
    assert (after.state, after.retry_count, after.error_type, after.completed_at) == (State.PENDING, 0, None, None)
    assert after.event
    assert (after.event.type, after.event.actor, after.event.details) == (
        EventType.ADMIN_RETRY,
        "root",
        {"error_type": "timeout"},
    )


@pytest.mark.case("R-14")
@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("state", [State.PENDING, State.PAUSED, State.COMPLETED])
def test_not_even_force_retries_what_waits_or_is_done(crate: Crate, state: State, force: bool) -> None:
    crate.put(a_download(state=state))
    with pytest.raises(InvalidState, match=state.value):
        crate.steer.retry(ROOT, caller=ADMIN, force=force)


@pytest.mark.parametrize("state", [State.IN_PROGRESS, State.RETRY_WAITING])
def test_force_takes_running_and_waiting_work_back(crate: Crate, state: State) -> None:
    crate.put(a_download(state=state, **ACTIVE[state]))
    crate.permit(ROOT)
    after = crate.steer.retry(ROOT, caller=ADMIN, force=True)
    assert (after.state, after.round, after.lease_until, after.next_retry_at) == (State.PENDING, 1, None, None)
    assert crate.world.control.permits[ROOT][1:] == (after.epoch, 1)


@pytest.mark.case("P-13")
def test_forcing_an_album_makes_no_second_children(crate: Crate) -> None:
    album = running_album(crate, 14)
    crate.steer.retry(album.id, caller=ADMIN, force=True)
    crate.settle_down()
    assert len(crate.children(album)) == 14
    assert crate.item(album).state is State.COMPLETED


@pytest.mark.case("P-14")
def test_the_retry_of_a_partial_album_fetches_only_what_failed(crate: Crate) -> None:
    album = crate.album(tracks=12)
    missing = [track.id for track in crate.world.provider.albums[album.content_id][1]][:2]
    kept = {each: crate.world.provider.sources.pop(each) for each in missing}
    crate.settle_down()
    failed = crate.item(album)
    assert (failed.state, failed.partial, failed.error_message) == (State.FAILED, True, "2 of 12 children failed")
    crate.world.provider.sources |= kept
    before = asked_for_audio(crate)
    after = act(crate, Action.RETRY, album)
    assert (after.state, after.final, after.partial) == (State.PENDING, None, False)
    crate.settle_down()
    done = crate.item(album)
    assert (done.state, done.partial, done.final) == (State.COMPLETED, False, Tally(completed=12))
    assert asked_for_audio(crate) == before + 2
    assert done.bytes_downloaded == sum(child.bytes_downloaded or 0 for child in crate.children(album))


def test_a_cancelled_album_takes_its_children_along_and_never_completes(crate: Crate) -> None:
    album = running_album(crate)
    cancelled = act(crate, Action.CANCEL, album)
    assert cancelled.state is State.CANCELLED
    assert {child.state for child in crate.children(album)} == {State.CANCELLED}
    assert (cancelled.open, cancelled.final, cancelled.partial) == (NONE, Tally(cancelled=3), False)
    crate.drain()
    crate.settle_down(ticks=3)
    assert crate.item(album).state is State.CANCELLED
    assert (crate.world.table.locks, crate.world.control.permits, crate.world.control.hungry) == ({}, {}, {})


def test_a_cancelled_album_keeps_what_had_landed(crate: Crate) -> None:
    media = a_media()
    crate.put(
        an_album(2, open=frozenset({2}), bytes_done=1000),
        a_child(1, state=State.COMPLETED, media=media, bytes_downloaded=1000),
        a_child(2),
    )
    cancelled = act(crate, Action.CANCEL, ROOT)
    assert (cancelled.final, cancelled.partial) == (Tally(completed=1, cancelled=1), True)
    assert cancelled.bytes_downloaded == 1000


def test_an_album_that_was_cancelled_before_its_start_can_be_retried(crate: Crate) -> None:
    album = crate.album(tracks=2)
    act(crate, Action.CANCEL, album)
    act(crate, Action.RETRY, album)
    crate.settle_down()
    assert crate.item(album).state is State.COMPLETED


def test_a_cancelled_album_is_finished_by_a_retry(crate: Crate) -> None:
    album = running_album(crate)
    act(crate, Action.CANCEL, album)
    act(crate, Action.RETRY, album)
    crate.settle_down()
    assert crate.item(album).state is State.COMPLETED
    assert {child.state for child in crate.children(album)} == {State.COMPLETED}


def test_a_paused_album_pauses_its_children_and_goes_on_where_it_was(crate: Crate) -> None:
    album = running_album(crate)
    paused = act(crate, Action.PAUSE, album)
    assert (paused.state, paused.held) == (State.PAUSED, frozenset({1, 2, 3}))
    assert {child.state for child in crate.children(album)} == {State.PAUSED}
    crate.drain()
    crate.world.clock.advance(600)
    crate.dispatch.tick()
    assert crate.item(album).state is State.PAUSED
    resumed = act(crate, Action.RESUME, album)
    assert (resumed.state, resumed.held, resumed.round) == (State.PENDING, NONE, 1)
    assert {child.state for child in crate.children(album)} == {State.PENDING}
    crate.settle_down()
    assert crate.item(album).state is State.COMPLETED
    assert crate.item(album).created_at == album.created_at


def test_one_child_can_be_paused_and_resumed_by_itself(crate: Crate) -> None:
    album = running_album(crate)
    child = child_id(album.id, 3)
    assert act(crate, Action.PAUSE, child).state is State.PAUSED
    assert crate.item(album).held == frozenset({3})
    crate.world.clock.advance(61)
    crate.dispatch.tick()
    crate.drain()
    assert crate.item(album).open == frozenset({3})
    assert act(crate, Action.RESUME, child).round == 1
    crate.settle_down()
    assert crate.item(album).state is State.COMPLETED


def test_the_last_open_child_cancelled_ends_its_album(crate: Crate) -> None:
    crate.put(an_album(2, open=frozenset({2})), a_child(1, state=State.COMPLETED), a_child(2))
    assert act(crate, Action.CANCEL, child_id(ROOT, 2)).state is State.CANCELLED
    album = crate.item(ROOT)
    assert (album.state, album.partial, album.final) == (State.COMPLETED, True, Tally(completed=1, cancelled=1))


def test_an_album_all_of_whose_children_were_cancelled_is_cancelled(crate: Crate) -> None:
    crate.put(an_album(2), a_child(1), a_child(2))
    for ordinal in (1, 2):
        act(crate, Action.CANCEL, child_id(ROOT, ordinal))
    assert crate.item(ROOT).state is State.CANCELLED


@pytest.mark.parametrize("ended", [State.FAILED, State.COMPLETED])
def test_retrying_a_child_reopens_its_album(crate: Crate, ended: State) -> None:
    child = State.FAILED if ended is State.FAILED else State.CANCELLED
    names: Values = {"failed": frozenset({2})} if ended is State.FAILED else {"cancelled": frozenset({2})}
    album = an_album(
        2, state=ended, open=NONE, waiting=None, due_at=None, partial=True, final=Tally(completed=1), **names
    )
    crate.put(album, a_child(1, state=State.COMPLETED), a_child(2, state=child))
    assert act(crate, Action.RETRY, child_id(ROOT, 2)).state is State.PENDING
    reopened = crate.item(ROOT)
    assert (reopened.state, reopened.open, reopened.failed | reopened.cancelled) == (
        State.PENDING,
        frozenset({2}),
        NONE,
    )
    assert (reopened.final, reopened.partial, reopened.round) == (None, False, 1)
    assert crate.world.store.usage("alice").active == {ROOT}


def test_a_child_of_a_running_album_is_retried_beside_its_siblings(crate: Crate) -> None:
    album = an_album(2, open=frozenset({1}), failed=frozenset({2}), waiting=None)
    crate.put(album, a_running(child_id(ROOT, 1)), a_child(2, state=State.FAILED, error_type=ErrorType.TIMEOUT))
    act(crate, Action.RETRY, child_id(ROOT, 2))
    root = crate.item(ROOT)
    assert (root.open, root.failed, root.round) == (frozenset({1, 2}), NONE, 1)
    assert root.waiting == Waiting(Lane.NORMAL, Rank.CHILDREN)
    assert crate.rung() == [child_id(ROOT, 2)]


@pytest.mark.parametrize(
    ("action", "album", "child"),
    [
        (Action.RESUME, State.PAUSED, State.PAUSED),
        (Action.RETRY, State.PAUSED, State.FAILED),
        (Action.RETRY, State.CANCELLED, State.CANCELLED),
        (Action.RETRY, State.COMPLETED, State.CANCELLED),
    ],
)
def test_a_child_does_not_go_ahead_of_its_album(crate: Crate, action: Action, album: State, child: State) -> None:
    crate.put(an_album(2, state=album, open=NONE, waiting=None), a_child(1, state=child))
    with pytest.raises(InvalidState, match=album.value):
        act(crate, action, child_id(ROOT, 1))


@pytest.mark.case("Q-19")
def test_a_new_priority_goes_before_the_others_of_the_old(crate: Crate) -> None:
    crate = Crate.of(limit=1)
    crate.track("runs")
    others = [crate.track(f"low {n}", lane=Lane.LOW) for n in range(3)]
    before = crate.item(others[2])
    crate.world.clock.advance(1)
    moved = act(crate, Action.PRIORITY, others[2], lane=Lane.NORMAL)
    assert (moved.lane, moved.waiting) == (Lane.NORMAL, Waiting(Lane.NORMAL, Rank.ROOT))
    assert moved.updated_at > before.updated_at
    crate.drain()
    started = [call.started_at for call in map(crate.item, others)]
    assert started[2] == min(filter(None, started))
    assert crate.history(others[2]).count(EventType.PRIORITY_CHANGED) == 1


@pytest.mark.case("Q-20")
def test_the_highest_priority_is_for_those_who_edit_the_catalog(crate: Crate) -> None:
    item = crate.track()
    with pytest.raises(Forbidden):
        act(crate, Action.PRIORITY, item, lane=Lane.HIGH)
    assert act(crate, Action.PRIORITY, item, caller=ADMIN, lane=Lane.HIGH).lane is Lane.HIGH


@pytest.mark.case("Q-20")
@pytest.mark.parametrize("state", sorted(TERMINAL))
def test_what_has_ended_has_no_new_priority(crate: Crate, state: State) -> None:
    crate.put(a_download(state=state))
    with pytest.raises(InvalidState, match=state.value):
        act(crate, Action.PRIORITY, ROOT, lane=Lane.LOW)


def test_the_same_priority_again_is_no_event(crate: Crate) -> None:
    item = crate.track()
    assert act(crate, Action.PRIORITY, item, lane=item.lane) == item


def test_a_new_priority_cascades_to_the_children(crate: Crate) -> None:
    album = running_album(crate)
    moved = act(crate, Action.PRIORITY, album, lane=Lane.LOW)
    assert moved.lane is Lane.LOW
    assert {child.lane for child in crate.children(album)} == {Lane.LOW}
    crate.settle_down()
    assert crate.item(album).state is State.COMPLETED
    assert crate.hungry() == {}


@pytest.mark.parametrize("runs", [False, True])
def test_a_new_priority_dates_a_root_that_waits_and_nothing_that_a_worker_dates(crate: Crate, runs: bool) -> None:
    """Epoch and round do not tell a worker of it: on a clock that lags it would write an older time (I27)."""
    state = State.IN_PROGRESS if runs else State.PENDING
    album = an_album(1, state=state)
    crate.put(album, a_child(1))
    crate.world.clock.advance(5)
    moved = act(crate, Action.PRIORITY, ROOT, lane=Lane.LOW)
    assert moved.updated_at == (album.updated_at if runs else at(5))
    assert crate.item(child_id(ROOT, 1)).updated_at == NOW


def test_a_child_that_starts_again_does_so_in_the_lane_its_album_is_in_by_now(crate: Crate) -> None:
    """One that had ended was not moved with its album; in a lane of its own it would wait behind it for ever."""
    crate.put(
        an_album(2, open=frozenset({2}), cancelled=frozenset({1}), lane=Lane.HIGH),
        a_child(1, state=State.CANCELLED, lane=Lane.LOW),
        a_child(2, lane=Lane.HIGH),
    )
    assert act(crate, Action.RETRY, child_id(ROOT, 1)).lane is Lane.HIGH


def test_a_new_priority_finds_an_album_that_is_listed_again_meanwhile(crate: Crate) -> None:
    crate.put(an_album(1, waiting=None), a_child(1))
    listed = replace(crate.item(ROOT), waiting=Waiting(Lane.NORMAL, Rank.CHILDREN))
    meanwhile(crate.world.calls, "store.commit", lambda: crate.put(listed))
    assert act(crate, Action.PRIORITY, ROOT, lane=Lane.LOW).waiting == Waiting(Lane.LOW, Rank.CHILDREN)


def test_a_new_priority_meets_a_retry_of_a_child_on_its_way(crate: Crate) -> None:
    crate.put(an_album(1, open=NONE, failed=frozenset({1})), a_child(1, state=State.FAILED))
    moved = replace(crate.item(ROOT), lane=Lane.LOW)
    meanwhile(crate.world.calls, "store.commit", lambda: crate.put(moved))
    assert act(crate, Action.RETRY, child_id(ROOT, 1)).lane is Lane.LOW


def test_a_permit_granted_and_claimed_since_the_family_was_read_is_left_alone(crate: Crate) -> None:
    """A steering gives back what is of no use, and knows only as much as it has read."""
    lapsed = a_running(child_id(ROOT, 1), lease_until=at(-1), due_at=None)
    crate.put(an_album(1), lapsed)
    granted = a_permit(epoch=lapsed.epoch)
    meanwhile(crate.world.calls, "permits.read", lambda: crate.permit(lapsed.id, permits={lapsed.id: granted}))
    act(crate, Action.PRIORITY, ROOT, lane=Lane.LOW)
    assert crate.world.control.permits == {lapsed.id: granted}


def test_a_child_has_the_priority_of_its_album(crate: Crate) -> None:
    album = running_album(crate)
    with pytest.raises(InvalidState, match=f"change that of {album.id}"):
        act(crate, Action.PRIORITY, child_id(album.id, 3), lane=Lane.LOW)


def test_a_mark_left_in_the_old_lane_goes_with_the_priority() -> None:
    crate = Crate.of(limit=1)
    crate.track("runs", lane=Lane.LOW)
    marked = crate.track("marked")
    assert crate.hungry() == {Lane.NORMAL: {marked.id}}
    act(crate, Action.PRIORITY, marked, lane=Lane.LOW)
    assert crate.hungry() == {Lane.LOW: {marked.id}}


def test_a_mark_whose_mover_died_is_taken_away_on_sight() -> None:
    crate = Crate.of(limit=1)
    crate.track("runs", lane=Lane.LOW)
    marked = crate.track("marked")
    killed_at(crate.world.calls, "permits.read", lambda: act(crate, Action.PRIORITY, marked, lane=Lane.LOW))
    assert crate.hungry() == {Lane.NORMAL: {marked.id}}
    crate.settle_down()
    assert crate.item(marked).state is State.COMPLETED
    assert crate.hungry() == {}


@pytest.mark.parametrize("action", [Action.CANCEL, Action.PAUSE])
def test_our_own_write_whose_answer_was_lost_is_a_success(crate: Crate, action: Action) -> None:
    item = crate.track()
    before = crate.item(item)

    def twice() -> None:
        crate.steer.act(item.id, action, caller=ALICE)

    meanwhile(crate.world.calls, "store.commit", twice)
    assert act(crate, action, item).state is (State.CANCELLED if action is Action.CANCEL else State.PAUSED)
    assert crate.item(item).seq == before.seq + 1


def test_an_item_that_keeps_moving_is_told_to_try_again(crate: Crate, monkeypatch: pytest.MonkeyPatch) -> None:
    item = crate.track()
    monkeypatch.setattr("cratekeeper.services.steer.TRIES", 1)
    meanwhile(crate.world.calls, "store.commit", lambda: crate.put(replace(crate.item(item), epoch=9)))
    with pytest.raises(Unavailable, match="try again"):
        act(crate, Action.CANCEL, item)


def test_trouble_after_the_write_is_the_dispatchers(crate: Crate) -> None:
    item = crate.track()
    answering(crate.world.calls, "permits.read", lambda *_, **__: Unavailable("away"))
    assert act(crate, Action.CANCEL, item).state is State.CANCELLED
    crate.world.clock.advance(61)
    crate.dispatch.tick()
    assert crate.held() == set()


def test_a_users_role_decides_not_their_name(crate: Crate) -> None:
    viewer = Caller(user_id="carol", role=Role.VIEWER)
    with pytest.raises(NotFound):
        act(crate, Action.PAUSE, crate.track(), caller=viewer)


def test_a_permit_of_an_earlier_round_is_handed_on_at_a_resume(crate: Crate) -> None:
    crate.put(a_download(state=State.PAUSED, paused_from=State.PENDING, waiting=None))
    crate.world.table.control = replace(crate.world.control, permits={ROOT: a_permit()})
    resumed = act(crate, Action.RESUME, ROOT)
    assert crate.world.control.permits[ROOT][1:] == (0, resumed.round)


def test_an_id_that_is_marked_in_two_lanes_runs_in_its_own() -> None:
    crate = Crate.of(limit=1)
    crate.album(tracks=2)
    crate.deliver()
    item = crate.track(caller=ADMIN)
    crate.steer.act(item.id, Action.PRIORITY, caller=ADMIN, lane=Lane.HIGH)
    hungry = {Lane.HIGH: frozenset({item.id}), Lane.NORMAL: frozenset({item.id})}
    crate.world.table.control = replace(crate.world.control, hungry=hungry)
    crate.drain()
    assert crate.item(item).state is State.COMPLETED
    assert crate.hungry() == {}


def test_a_mark_in_a_lane_that_was_left_is_cleaned_by_the_dispatcher() -> None:
    crate = Crate.of(limit=1)
    crate.track("runs")
    item = crate.track("waits")
    marks = {Lane.NORMAL: frozenset({item.id}), Lane.LOW: frozenset({item.id})}
    crate.world.table.control = replace(crate.world.control, hungry=marks)
    crate.dispatch.tick()
    assert crate.hungry() == {Lane.NORMAL: {item.id}}


@pytest.mark.parametrize("action", [Action.CANCEL, Action.PAUSE])
def test_a_family_whose_children_move_faster_than_it_can_be_written_is_marked_first(
    crate: Crate, action: Action
) -> None:
    album = running_album(crate, 6)
    moves = iter(range(2, 7))

    def move() -> None:
        """Another child ends just before each write, as long as nobody has marked the family."""
        number = next(moves, None)
        if number and crate.item(album).cascade is None:
            child = crate.item(child_id(album.id, number))
            crate.put(replace(child, state=State.COMPLETED, epoch=1, media=a_media(), bytes_downloaded=5))
            meanwhile(crate.world.calls, "store.commit", move)

    meanwhile(crate.world.calls, "store.commit", move)
    after = act(crate, action, album)
    assert after.cascade is None
    assert after.state is (State.CANCELLED if action is Action.CANCEL else State.PAUSED)
    assert sum(child.state is State.COMPLETED for child in crate.children(album)) == 3
