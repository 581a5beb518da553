"""The watchdog: what it finds, what it queues, and what it tells of it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from cratekeeper.domain.actions import Action
from cratekeeper.domain.catalog import Availability
from cratekeeper.domain.errors import RunLost
from cratekeeper.domain.events import EventType, HistoryEntry
from cratekeeper.domain.lanes import Lane
from cratekeeper.domain.models import Download, Kind, Source
from cratekeeper.domain.reconcile import ExpectedObject
from cratekeeper.domain.states import State
from cratekeeper.services.runner import More
from tests.support.crate import ADMIN, Crate
from tests.support.upkeep import Upkeep, kept


@pytest.fixture
def crate() -> Crate:
    return Crate.of()


@pytest.fixture
def upkeep(crate: Crate) -> Upkeep:
    return kept(crate)


def repairs(crate: Crate) -> list[Download]:
    return [item for item in crate.world.table.downloads() if item.source is Source.WATCHDOG]


def scans(crate: Crate) -> list[HistoryEntry]:
    return [row for row in crate.world.history.rows.values() if row.download_id.startswith("job:")]


@pytest.mark.case("W-01")
def test_an_empty_catalog_lacks_nothing(crate: Crate, upkeep: Upkeep) -> None:
    report = upkeep.scan()
    assert (report["items_queued"], report["items_skipped"], sum(report["counts"].values())) == (0, 0, 0)
    assert repairs(crate) == []


@pytest.mark.case("W-02")
def test_each_track_without_an_object_gets_a_repair(crate: Crate, upkeep: Upkeep) -> None:
    rows = [upkeep.know(f"track {number}") for number in range(3)]
    report = upkeep.scan()
    assert sorted(report["missing_track_audio"]) == sorted(row.content_id for row in rows)
    assert report["items_queued"] == 3
    found = repairs(crate)
    assert {item.content_id for item in found} == {row.content_id for row in rows}
    assert {(item.state, item.lane, item.source, item.parent_id) for item in found} == {
        (State.PENDING, Lane.HIGH, Source.WATCHDOG, None)
    }


@pytest.mark.case("W-03")
def test_what_is_being_repaired_is_not_queued_again(crate: Crate, upkeep: Upkeep) -> None:
    for number in range(3):
        upkeep.know(f"track {number}")
    upkeep.scan()
    report = upkeep.scan()
    assert (report["items_queued"], report["items_skipped"]) == (0, 3)
    assert len(repairs(crate)) == 3


@pytest.mark.case("W-04")
def test_pictures_are_looked_for_like_tracks(crate: Crate, upkeep: Upkeep) -> None:
    lost = [Kind.TRACK] * 2 + [Kind.ALBUM_IMAGE] + [Kind.ARTIST_IMAGE] * 3
    for number, kind in enumerate(lost):
        upkeep.know(f"content {number}", kind)
        upkeep.store(f"stored {number}", kind)
    report = upkeep.scan()
    assert [len(report[f"missing_{name}"]) for name in ("track_audio", "album_images", "artist_images")] == [2, 1, 3]
    assert sorted(item.kind for item in repairs(crate)) == sorted(lost)
    assert report["objects_scanned"] == 6


@pytest.mark.case("W-05")
def test_a_scan_tells_of_its_begin_its_repairs_and_its_end(crate: Crate, upkeep: Upkeep) -> None:
    upkeep.know("track")
    upkeep.scan()
    begun, ended = scans(crate)
    assert begun.event.type is EventType.WATCHDOG_SCAN_STARTED
    assert ended.event.type is EventType.WATCHDOG_SCAN_COMPLETED
    assert ended.event.details["missing"] == ended.event.details["items_queued"] == 1
    assert ended.event.details["items_skipped"] == 0
    (repair,) = repairs(crate)
    assert crate.history(repair) == [EventType.WATCHDOG_QUEUED]


def test_a_clean_library_is_only_listed(crate: Crate, upkeep: Upkeep) -> None:
    for number in range(25):
        upkeep.store(f"track {number}")
    calls = crate.world.calls.counting()
    report = upkeep.scan()
    assert report["objects_scanned"] == report["rows_scanned"] == 25
    assert {site for site in calls if site.startswith(("media.", "catalog.", "store."))} == set()
    assert upkeep.inventory.listed == calls["inventory.list_page"] == len(upkeep.watchdog.shards)


def test_a_cut_object_is_replaced_and_a_whole_one_left(crate: Crate, upkeep: Upkeep) -> None:
    whole = crate.track("whole")
    cut = crate.track("cut")
    crate.drain()
    media = crate.item(cut).media
    assert media
    stored = crate.world.media.objects[media.key].body
    crate.world.media.place(media.key, stored[: len(stored) // 2], media.content_type)
    report = upkeep.scan()
    assert (report["truncated"], report["items_queued"]) == ([media.key], 1)
    crate.drain()
    assert crate.world.media.objects[media.key].body == stored
    (repair,) = repairs(crate)
    assert (repair.state, repair.content_id) == (State.COMPLETED, cut.content_id)
    assert crate.item(whole).state is State.COMPLETED
    assert upkeep.scan()["truncated"] == []


def test_a_lost_object_comes_back(crate: Crate, upkeep: Upkeep) -> None:
    album = crate.album(tracks=2, pictures=1)
    crate.drain()
    before = dict(crate.world.media.objects)
    crate.world.media.objects.clear()
    assert upkeep.scan()["items_queued"] == 3
    crate.drain()
    assert crate.world.media.objects == before
    assert crate.item(album).state is State.COMPLETED
    assert upkeep.scan()["items_queued"] == 0


def test_a_repair_counts_against_nobody(crate: Crate, upkeep: Upkeep) -> None:
    upkeep.know("track")
    upkeep.scan()
    assert crate.world.table.usages == {}
    (repair,) = repairs(crate)
    crate.steer.act(repair.id, Action.CANCEL, caller=ADMIN)
    assert crate.world.table.usages == {}
    crate.steer.retry(repair.id, caller=ADMIN)
    assert crate.item(repair).state is State.PENDING
    assert crate.world.table.usages == {}


def test_what_is_lost_may_be_asked_for_again_at_once(crate: Crate, upkeep: Upkeep) -> None:
    row = upkeep.know("track")
    upkeep.scan()
    assert crate.world.catalog.rows[row.kind, row.content_id].availability is Availability.MISSING


def test_a_failed_repair_is_tried_again_by_the_next_scan(crate: Crate, upkeep: Upkeep) -> None:
    upkeep.know("track that the provider has not")
    upkeep.scan()
    crate.settle_down()
    assert [item.state for item in repairs(crate)] == [State.FAILED]
    assert upkeep.scan()["items_queued"] == 1


def test_a_dry_run_reports_and_changes_nothing(crate: Crate, upkeep: Upkeep) -> None:
    row = upkeep.know("track")
    report = upkeep.scan(dry_run=True)
    assert (report["missing_track_audio"], report["items_queued"], report["dry_run"]) == ([row.content_id], 0, True)
    assert repairs(crate) == []
    assert crate.world.catalog.rows[row.kind, row.content_id] == row


@pytest.mark.parametrize(
    "key",
    [
        "audio/4u7EnebtmKWzUH433cf5Qv.mp3",
        "images/0000000000000000000000000000000000000000.jpg",
        "audio/x",
        "audio/4u7EnebtmKWzUH433cf5Qv.mp3/more",
    ],
)
def test_an_object_of_nobody_is_reported_and_kept(crate: Crate, upkeep: Upkeep, key: str) -> None:
    upkeep.store("track")
    crate.world.media.place(key, b"whose?", "audio/mpeg")
    report = upkeep.scan()
    assert report["orphaned"] == [key]
    assert key in crate.world.media.objects
    assert report["items_queued"] == 0


def test_what_was_recorded_meanwhile_is_no_flaw(crate: Crate, upkeep: Upkeep) -> None:
    # The rows are read a little late: they lack a track that was just stored, and show one that was replaced.
    new, changed = upkeep.store("just stored"), upkeep.store("replaced by a longer one")
    assert changed.media
    upkeep.expected.shown = [ExpectedObject(changed.media.key, 5, changed.kind, changed.content_id)]
    report = upkeep.scan()
    assert sum(report["counts"].values()) == 0
    assert new.media
    assert new.media.key in crate.world.media.objects


def test_what_was_forgotten_meanwhile_is_not_repaired(crate: Crate, upkeep: Upkeep) -> None:
    row = upkeep.know("track")
    upkeep.expected.shown = upkeep.expected.rows()
    del crate.world.catalog.rows[row.kind, row.content_id]
    assert upkeep.scan()["items_queued"] == 0


def test_what_never_came_is_tried_again(crate: Crate, upkeep: Upkeep) -> None:
    track = crate.world.provider.add_track("late")
    crate.world.catalog.give_up(Kind.TRACK, track.id)
    report = upkeep.scan()
    assert (report["missing_track_audio"], report["items_queued"]) == ([track.id], 1)
    crate.drain()
    assert crate.world.catalog.rows[Kind.TRACK, track.id].availability is Availability.AVAILABLE


def test_a_report_names_so_many_and_counts_all(upkeep: Upkeep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cratekeeper.services.watchdog.LISTED", 2)
    for number in range(5):
        upkeep.know(f"track {number}")
    report = upkeep.scan(dry_run=True)
    assert (len(report["missing_track_audio"]), report["counts"]["missing_track_audio"]) == (2, 5)


def test_a_scan_goes_on_where_the_time_ended(crate: Crate, upkeep: Upkeep) -> None:
    lost = [upkeep.know(f"lost {number}") for number in range(7)]
    for number in range(40):
        upkeep.store(f"track {number}")
    upkeep.inventory.page = 1
    task, parts = upkeep.task(), 0
    task.deadline = crate.world.clock.now()
    found = upkeep.watchdog.run(task)
    while isinstance(found, More):
        parts += 1
        again = upkeep.task()
        again.lease = task.lease
        again.lease = type(again.lease)(run=task.run, until=again.lease.until, owner="me", progress=found.progress)
        again.deadline = crate.world.clock.now()
        crate.world.clock.advance(1)
        found = upkeep.watchdog.run(again)
    assert parts >= 7
    assert (found["objects_scanned"], found["rows_scanned"], found["items_queued"]) == (40, 47, 7)
    assert sorted(found["missing_track_audio"]) == sorted(row.content_id for row in lost)
    assert len(scans(crate)) == 2


def test_a_shard_of_several_pages_is_joined_as_one(crate: Crate, upkeep: Upkeep) -> None:
    for number in range(9):
        crate.world.media.place(f"audio/0{number}.mp3", b"whose?", "audio/mpeg")
    upkeep.inventory.page = 2
    report = upkeep.scan()
    assert (report["objects_scanned"], report["counts"]["orphaned"]) == (9, 9)
    assert upkeep.inventory.listed == len(upkeep.watchdog.shards) + 4


def test_a_scan_whose_run_is_lost_stops(crate: Crate, upkeep: Upkeep) -> None:
    for number in range(9):
        upkeep.store(f"track {number}")
    upkeep.inventory.page = 1
    task = upkeep.task()
    task.is_lost = True
    with pytest.raises(RunLost):
        upkeep.watchdog.run(task)
    assert [entry.event.type for entry in scans(crate)] == [EventType.WATCHDOG_SCAN_STARTED]


def test_who_triggered_a_scan_is_who_acted(crate: Crate, upkeep: Upkeep) -> None:
    upkeep.know("track")
    upkeep.watchdog.run(upkeep.task(by="root"))
    assert {entry.event.actor for entry in scans(crate)} == {"root"}
    (repair,) = repairs(crate)
    assert repair.event is not None
    assert (repair.event.actor, repair.requested_by) == ("root", "system")


def test_a_scan_takes_the_time_that_it_worked(crate: Crate, upkeep: Upkeep) -> None:
    upkeep.store("track")

    def slowly(_: str, call: Callable[[], Any]) -> Any:
        crate.world.clock.advance(0.5)
        return call()

    crate.world.calls.around = slowly
    report = upkeep.scan()
    assert report["scan_duration_ms"] >= 500
    assert timedelta(milliseconds=report["scan_duration_ms"]) < timedelta(minutes=5)


def test_a_repair_whose_answer_was_lost_is_queued_once(crate: Crate, upkeep: Upkeep) -> None:
    upkeep.know("track")
    crate.world.calls.losing("store.commit")
    assert upkeep.scan()["items_queued"] == 1
    assert len(repairs(crate)) == 1


def test_a_repair_waits_for_the_dispatcher_if_release_fails(crate: Crate, upkeep: Upkeep) -> None:
    upkeep.know("track")
    crate.world.calls.failing("permits.take")
    assert upkeep.scan()["items_queued"] == 1
    assert "release_failed" in crate.world.log.actions()
