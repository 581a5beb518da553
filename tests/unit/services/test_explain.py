"""Why a download is not running now: told from the rules that refuse it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from cratekeeper.domain.actions import Action
from cratekeeper.domain.errors import NotFound
from cratekeeper.domain.events import EventType
from cratekeeper.domain.failures import ErrorType
from cratekeeper.domain.ids import child_id
from cratekeeper.domain.lanes import Lane
from cratekeeper.domain.limits import AlbumCapacity
from cratekeeper.domain.models import Cascade, Download, Kind
from cratekeeper.domain.states import TERMINAL, State, Verb
from cratekeeper.services.explain import Blocker
from tests.support.builders import NOW, ROOT, Values, a_child, a_chunk, a_download, a_running, an_album, at, root_id
from tests.support.crate import ADMIN, ALICE, BOB, Crate, Knobs


def told(crate: Crate, item: Download | str = ROOT) -> list[Blocker]:
    return crate.explain.run(item if isinstance(item, str) else item.id, caller=ALICE)


def codes(crate: Crate, item: Download | str = ROOT) -> list[str]:
    return [blocker.code for blocker in told(crate, item)]


@pytest.mark.parametrize(
    "item", [a_running(), an_album(), *(a_download(state=state, waiting=None) for state in sorted(TERMINAL))]
)
def test_what_runs_or_has_ended_has_no_blocker(crate: Crate, item: Download) -> None:
    crate.put(item)
    assert told(crate) == []


def test_what_has_its_permit_is_about_to_start(crate: Crate) -> None:
    assert codes(crate, crate.track()) == ["starting"]


def test_a_pause_names_who_paused(crate: Crate) -> None:
    item = crate.track()
    crate.steer.act(item.id, Action.PAUSE, caller=ADMIN)
    assert told(crate, item) == [Blocker("paused", "paused by root; resume it")]


def test_a_retry_says_when_and_why(crate: Crate) -> None:
    crate.put(
        a_download(
            state=State.RETRY_WAITING, next_retry_at=at(90), retry_count=2, error_type=ErrorType.TIMEOUT, waiting=None
        )
    )
    (blocker,) = told(crate)
    assert (blocker.code, blocker.ends_at) == ("retry_due", at(90))
    assert blocker.detail == "retry 2 of 5 is due then; the last attempt failed with timeout"
    crate.world.clock.advance(90)
    assert told(crate) == []


def test_without_a_permit_its_holders_are_named_and_the_place_is_told() -> None:
    crate = Crate.of(limit=1)
    first, *_, last = [crate.track(f"track {number}") for number in range(4)]
    assert told(crate, last) == [
        Blocker("no_permit", f"1 of 1 permits are held by {first.id}"),
        Blocker("waiting_behind", "waiting behind 3"),
    ]


def test_of_many_holders_some_are_named() -> None:
    crate = Crate.of(limit=7)
    crate.permit(*(root_id(number) for number in range(1, 8)), limit=7)
    crate.put(a_download(root_id(9), waiting=None))
    (blocker,) = told(crate, root_id(9))
    assert blocker.detail == "7 of 7 permits are held by 7 others"


def test_the_downloads_of_others_are_not_named() -> None:
    crate = Crate.of(limit=2)
    crate.track("bobs", caller=BOB)
    mine, waits = crate.track("mine"), crate.track("waits")
    assert told(crate, waits)[0].detail == f"2 of 2 permits are held by {mine.id}, 1 others"
    assert len(crate.explain.run(waits.id, caller=ADMIN)[0].detail) > len(
        f"2 of 2 permits are held by {mine.id}, 1 others"
    )


def test_a_child_waits_behind_its_open_siblings() -> None:
    crate = Crate.of(limit=1)
    album = crate.album(tracks=4)
    crate.deliver()
    assert told(crate, child_id(album.id, 4))[1] == Blocker("waiting_behind", "waiting behind 3")


def test_a_child_of_a_further_chunk_waits_behind_those_of_its_chunk(crate: Crate) -> None:
    crate.put(an_album(100), a_chunk(1, open=frozenset({99, 100})), a_child(100))
    crate.permit(*(root_id(number) for number in range(2, 5)))
    assert told(crate, child_id(ROOT, 100))[1].detail == "waiting behind 1"


def test_a_child_whose_chunk_is_gone_waits_behind_nobody(crate: Crate) -> None:
    crate.put(an_album(100), a_child(100))
    crate.permit(*(root_id(number) for number in range(2, 5)))
    assert codes(crate, child_id(ROOT, 100)) == ["no_permit"]


def test_a_higher_priority_goes_first(crate: Crate) -> None:
    crate.put(a_download(waiting=None))
    crate.world.table.control = replace(crate.world.control, hungry={Lane.HIGH: frozenset({root_id(7)})})
    assert told(crate) == [Blocker("higher_priority_first", "work of a higher priority waits for a permit")]


@pytest.mark.parametrize("limit", [3, None])
def test_a_paused_queue_says_by_whom_why_and_until_when(limit: int | None) -> None:
    crate = Crate.of(limit=limit)
    crate.put(a_download(waiting=None))
    crate.world.table.control = replace(
        crate.world.control, paused=True, paused_by="root", paused_reason="maintenance", resume_at=at(600)
    )
    assert told(crate) == [Blocker("queue_paused", "the queue is paused by root: maintenance", at(600))]


def test_a_pause_without_a_reason(crate: Crate) -> None:
    crate.put(a_download(waiting=None))
    crate.world.table.control = replace(crate.world.control, paused=True)
    assert told(crate)[0].detail == "the queue is paused by an operator"


def test_a_limit_of_zero(crate: Crate) -> None:
    crate.put(a_download(waiting=None))
    crate.world.table.control = replace(crate.world.control, limit=0)
    assert codes(crate) == ["limit_zero", "no_permit"]


def test_without_a_provider_nothing_starts() -> None:
    crate = Crate.of(knobs=Knobs(is_configured=False))
    crate.put(a_download())
    assert told(crate) == [Blocker("provider_not_configured", "no downloader service is configured: set ProviderUrl")]
    crate.dispatch.tick()
    crate.work(ROOT)
    assert (crate.rung(), crate.item(ROOT).attempts, crate.held()) == ([], 0, set())


@pytest.mark.parametrize(
    ("capacity", "until"),
    [
        (AlbumCapacity(max_per_hour=0, max_per_day=None), NOW + timedelta(hours=1)),
        (AlbumCapacity(max_per_hour=None, max_per_day=0), (NOW + timedelta(days=1)).replace(hour=0)),
    ],
)
def test_album_capacity_is_told_before_and_after_the_album_is_parked(capacity: AlbumCapacity, until: object) -> None:
    crate = Crate.of(knobs=Knobs(capacity=capacity))
    album = a_download(kind=Kind.ALBUM, waiting=None)
    crate.put(album)
    assert [(blocker.code, blocker.ends_at) for blocker in told(crate)] == [("capacity_reached", until)]
    crate.work(ROOT)
    assert [(blocker.code, blocker.ends_at) for blocker in told(crate)] == [("capacity_reached", until)]


def test_an_album_with_room_has_no_blocker(crate: Crate) -> None:
    crate.put(a_download(kind=Kind.ALBUM, waiting=None))
    assert told(crate) == []


def test_a_family_in_change_says_so(crate: Crate) -> None:
    cascade = Cascade(verb=Verb.PAUSE, event=EventType.DOWNLOAD_PAUSED, actor="alice")
    crate.put(an_album(cascade=cascade), a_child(1))
    assert told(crate) == [Blocker("changing", "the pause of its album is under way")]
    of_album = f"the pause of its album {ROOT} is under way"
    assert told(crate, child_id(ROOT, 1)) == [Blocker("album_not_ready", of_album)]


def test_a_child_of_an_album_that_is_paused_says_so(crate: Crate) -> None:
    crate.put(an_album(state=State.PAUSED), a_child(1))
    assert told(crate, child_id(ROOT, 1)) == [Blocker("album_not_ready", f"its album {ROOT} is PAUSED")]


@pytest.mark.parametrize(("closed", "when"), [({}, "for it"), ({"paused": True}, "once the queue opens")])
def test_who_has_a_permit_is_told_when_it_starts(crate: Crate, closed: Values, when: str) -> None:
    crate.put(a_download())
    crate.permit(ROOT, **closed)
    assert told(crate)[-1] == Blocker("starting", f"it has a permit, and a worker is rung {when}")


def test_a_child_whose_album_is_gone(crate: Crate) -> None:
    crate.put(a_child(1))
    assert told(crate, child_id(ROOT, 1)) == []


def test_what_is_unknown_foreign_or_being_deleted_is_not_found(crate: Crate) -> None:
    item = crate.track()
    for unknown in ("nonsense", root_id(9)):
        with pytest.raises(NotFound):
            told(crate, unknown)
    with pytest.raises(NotFound):
        crate.explain.run(item.id, caller=BOB)
    crate.put(replace(crate.item(item), cascade=Cascade(verb=Verb.DELETE, event=EventType.DOWNLOAD_DELETED, actor="x")))
    with pytest.raises(NotFound):
        told(crate, item)
