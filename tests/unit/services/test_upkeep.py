"""The small background jobs, and the reconciliation of what is told twice."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from cratekeeper.domain.models import Download, Kind, Upload, Usage
from cratekeeper.domain.states import State
from cratekeeper.domain.writes import Lock
from cratekeeper.services.runner import More
from tests.support.builders import (
    ROOT,
    a_child,
    a_download,
    a_permit,
    a_running,
    an_album,
    an_entry,
    an_event,
    at,
    root_id,
)
from tests.support.crate import Crate
from tests.support.upkeep import Upkeep, kept

DAY_S = 86_400
NOTHING = {"slots_freed": 0, "slots_taken": 0, "locks_freed": 0, "locks_taken": 0, "permits_dropped": 0}


@pytest.fixture
def crate() -> Crate:
    return Crate.of()


@pytest.fixture
def upkeep(crate: Crate) -> Upkeep:
    return kept(crate)


def result(upkeep: Upkeep, job_id: str) -> Mapping[str, Any]:
    found = upkeep.works[job_id]()(upkeep.task(job_id))
    assert not isinstance(found, More)
    return found


# --- Stale work ----------------------------------------------------------------------


@pytest.mark.parametrize(("age_s", "stale"), [(3600, 0), (3601, 1)])
@pytest.mark.case("A-10")
def test_work_that_runs_for_too_long_is_counted_and_warned_of(
    crate: Crate, upkeep: Upkeep, age_s: int, stale: int
) -> None:
    crate.put(a_running(started_at=at(-age_s)), a_download(root_id(2), created_at=at(-DAY_S)))
    crate.permit(ROOT)
    assert result(upkeep, "stale_in_progress")["stale_in_progress"] == stale
    assert crate.world.log.actions().count("stale_in_progress") == stale
    assert crate.item(ROOT).state is State.IN_PROGRESS


# --- Old history ---------------------------------------------------------------------


@pytest.mark.case("A-03")
def test_what_is_older_than_the_retention_goes(crate: Crate) -> None:
    upkeep = kept(crate, retention_days=5)
    entries = [an_entry(day + 1, event=an_event(at=at(day * DAY_S))) for day in range(10)]
    crate.world.history.put(entries)
    crate.world.clock.advance(10 * DAY_S)
    assert result(upkeep, "audit_retention")["removed"] == 5
    assert sorted(row.seq for row in crate.world.history.rows.values()) == [6, 7, 8, 9, 10]
    assert result(upkeep, "audit_retention")["removed"] == 0


def test_a_history_that_is_kept_for_ever_is_left(crate: Crate) -> None:
    upkeep = kept(crate, retention_days=None)
    crate.world.history.put([an_entry(event=an_event(at=at(-200 * DAY_S)))])
    assert result(upkeep, "audit_retention") == {"removed": 0, "retention_days": None}
    assert len(crate.world.history.rows) == 1


def test_removing_goes_on_where_the_time_ended(crate: Crate) -> None:
    upkeep = kept(crate, retention_days=5)
    crate.world.history.put([
        an_entry(1, event=an_event(at=at(-200 * DAY_S))),
        an_entry(2, event=an_event(at=at(-9 * DAY_S))),
    ])
    task = upkeep.task("audit_retention")
    task.deadline = crate.world.clock.now()
    found = upkeep.works["audit_retention"]()(task)
    assert isinstance(found, More)
    task = upkeep.task("audit_retention")
    task.lease = replace(task.lease, progress=found.progress)
    found = upkeep.works["audit_retention"]()(task)
    assert not isinstance(found, More)
    assert found["removed"] == 2


# --- Abandoned uploads ---------------------------------------------------------------


def begun(crate: Crate, name: str) -> Upload:
    key = f"audio/{name}.wav"
    return Upload(key=key, upload_id=crate.world.media.begin(key, content_type="audio/wav"))


def test_an_upload_that_nobody_goes_on_with_is_aborted(crate: Crate, upkeep: Upkeep) -> None:
    lost, single, child, ended = (begun(crate, name) for name in ("lost", "single", "child", "ended"))
    crate.put(
        a_running(upload=single),
        an_album(id=root_id(2)),
        a_child(1, root=root_id(2), upload=child),
        a_child(2, root=root_id(2), upload=ended, state=State.CANCELLED),
    )
    crate.world.clock.advance(61)
    young = begun(crate, "young")
    assert result(upkeep, "abandoned_uploads") == {"aborted": 2, "kept": 2, "keys": [lost.key, ended.key]}
    assert {*crate.world.media.open_uploads} == {each.upload_id for each in (single, child, young)}


def test_an_album_that_is_deleted_meanwhile_holds_no_upload(crate: Crate, upkeep: Upkeep) -> None:
    lost = begun(crate, "lost")
    crate.put(an_album())
    crate.world.clock.advance(61)

    def delete(site: str, call: Any) -> Any:
        if site == "store.family":
            crate.world.table.parts.pop(ROOT, None)
        return call()

    crate.world.calls.around = delete
    assert result(upkeep, "abandoned_uploads")["keys"] == [lost.key]


def test_where_nothing_is_open_no_download_is_looked_at(crate: Crate, upkeep: Upkeep) -> None:
    crate.track()
    calls = crate.world.calls.counting()
    assert result(upkeep, "abandoned_uploads")["aborted"] == 0
    assert [site for site in calls if site.startswith("store.")] == []


# --- What is told twice --------------------------------------------------------------


def drift(upkeep: Upkeep) -> dict[str, int]:
    found = dict(result(upkeep, "usage_reconcile"))
    del found["checked"]
    return found


def test_a_system_without_drift_is_left_as_it_is(crate: Crate, upkeep: Upkeep) -> None:
    crate.track("one")
    crate.album(tracks=2)
    crate.drain()
    crate.track("two")
    before = (dict(crate.world.table.usages), dict(crate.world.table.locks), crate.world.control)
    assert drift(upkeep) == NOTHING
    assert (crate.world.table.usages, crate.world.table.locks, crate.world.control) == before
    assert "usage_drift" not in crate.world.log.actions()


def test_what_has_ended_frees_its_slot_lock_and_permit(crate: Crate, upkeep: Upkeep) -> None:
    ended, gone = a_download(ROOT, state=State.COMPLETED), root_id(9)
    crate.put(ended)
    crate.world.table.usages["alice"] = Usage(user_id="alice", active=frozenset({ROOT, gone}))
    crate.world.table.locks[ended.kind, ended.content_id] = Lock(ROOT)
    crate.world.table.locks[Kind.ALBUM, "of nobody"] = Lock(gone)
    crate.permit(ROOT, gone)
    assert drift(upkeep) == NOTHING | {"slots_freed": 2, "locks_freed": 2, "permits_dropped": 2}
    assert crate.world.usage("alice").active == frozenset()
    assert crate.world.table.locks == {}
    assert crate.held() == set()
    assert "usage_drift" in crate.world.log.actions()
    assert drift(upkeep) == NOTHING


def test_an_active_download_gets_its_slot_and_lock_back(crate: Crate, upkeep: Upkeep) -> None:
    item = a_download()
    crate.put(item, a_download(root_id(2), requested_by="system", content_id="of a repair"))
    assert drift(upkeep) == NOTHING | {"slots_taken": 1, "locks_taken": 2}
    assert crate.world.usage("alice").active == {ROOT}
    assert crate.world.usage("alice").requests == 0
    assert crate.world.table.locks[item.kind, item.content_id] == Lock(ROOT)
    assert crate.world.usage("system").active == frozenset()


def test_a_download_that_moves_meanwhile_is_left_to_whoever_moves_it(crate: Crate, upkeep: Upkeep) -> None:
    ended = a_download(ROOT, state=State.FAILED)
    crate.put(ended)
    crate.world.table.usages["alice"] = Usage(user_id="alice", active=frozenset({ROOT}))
    is_retried = False

    def retry(site: str, call: Any) -> Any:
        nonlocal is_retried
        if site == "store.commit" and not is_retried:
            is_retried = True
            crate.put(replace(ended, state=State.PENDING, round=1))
        return call()

    crate.world.calls.around = retry
    found = drift(upkeep)
    assert found["slots_freed"] == 0
    assert crate.world.usage("alice").active == {ROOT}


def test_a_permit_of_work_under_way_stays(crate: Crate, upkeep: Upkeep) -> None:
    crate.put(a_running())
    crate.permit(permits={ROOT: a_permit()})
    crate.world.table.usages["alice"] = Usage(user_id="alice", active=frozenset({ROOT}))
    assert drift(upkeep)["permits_dropped"] == 0
    assert crate.held() == {ROOT}


def test_more_roots_than_one_read_are_all_looked_at(crate: Crate, upkeep: Upkeep) -> None:
    items: list[Download] = [a_download(root_id(number), content_id=f"{number}") for number in range(1, 251)]
    crate.put(*items)
    assert drift(upkeep)["slots_taken"] == 250
    assert len(crate.world.usage("alice").active) == 250
    crate.put(*(replace(item, state=State.CANCELLED) for item in items))
    assert drift(upkeep) == NOTHING | {"slots_freed": 250, "locks_freed": 250}
