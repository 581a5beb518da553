"""Runs of jobs: one at a time, never forgotten."""

from collections.abc import Mapping
from typing import Any

import pytest

from cratekeeper.domain.errors import Invalid, JobRunning, NotFound, RunLost, Unavailable
from cratekeeper.domain.jobs import BY_SCHEDULE, JOBS, STOPPED, WATCHDOG, Hook, Run, RunStatus
from cratekeeper.services.runner import More, Order, Runner, Task
from tests.support.builders import at
from tests.support.crate import ADMIN, Crate
from tests.support.upkeep import INVOCATION_S, Upkeep, kept

RETENTION = "audit_retention"
POPULAR = "popular_content"


@pytest.fixture
def upkeep() -> Upkeep:
    return kept(Crate.of())


def doing(upkeep: Upkeep, work: Any, job_id: str = RETENTION) -> Runner:
    """A process in which one job does this."""
    return upkeep.runner({job_id: lambda: work})


def run(runner: Runner, order: Order | None = None) -> list[Run]:
    return runner.run(order or Order(job_id=RETENTION), deadline=at(INVOCATION_S))


def last(upkeep: Upkeep, job_id: str = RETENTION) -> Run:
    found = upkeep.jobs.one(job_id).last_run
    assert found
    return found


def test_a_run_is_written_down_with_its_result(upkeep: Upkeep) -> None:
    def work(_: Task) -> Mapping[str, int]:
        upkeep.crate.world.clock.advance(5)
        return {"did": 3}

    (ran,) = run(doing(upkeep, work))
    assert last(upkeep) == ran
    assert (ran.status, ran.result, ran.triggered_by) == (RunStatus.COMPLETED, {"did": 3}, BY_SCHEDULE)
    assert ran.finished_at == at(5)
    assert upkeep.records.leases == {}


@pytest.mark.case("J-01")
def test_a_job_is_triggered_by_name_and_one_at_a_time(upkeep: Upkeep) -> None:
    begun = upkeep.jobs.trigger(WATCHDOG, {"dry_run": True}, by=ADMIN)
    assert upkeep.starter.started == [(WATCHDOG, begun.id)]
    assert upkeep.jobs.one(WATCHDOG).is_running
    with pytest.raises(JobRunning):
        upkeep.jobs.trigger(WATCHDOG, {}, by=ADMIN)
    with pytest.raises(NotFound):
        upkeep.jobs.trigger("no_such_job", {}, by=ADMIN)
    (ran,) = run(upkeep.watchdog_runner, Order(job_id=WATCHDOG, run_id=begun.id))
    assert (ran.id, ran.status, ran.triggered_by) == (begun.id, RunStatus.COMPLETED, ADMIN.user_id)
    assert ran.result
    assert ran.result["dry_run"] is True
    assert upkeep.jobs.trigger(WATCHDOG, {}, by=ADMIN).id != begun.id


@pytest.mark.parametrize("params", [{"dry_run": 1}, {"dry_run": "yes"}, {"other": True}, {"days": 3}])
def test_a_parameter_that_the_job_does_not_know_is_refused(upkeep: Upkeep, params: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        upkeep.jobs.trigger(WATCHDOG, params, by=ADMIN)
    assert upkeep.starter.started == []


@pytest.mark.case("J-02")
def test_the_history_shows_the_newest_and_why_one_failed(upkeep: Upkeep) -> None:
    answers: list[Any] = [{"n": 0}, {"n": 1}, {"n": 2}, Unavailable("the table was busy"), {"n": 4}]

    def work(_: Task) -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    for _ in range(5):
        run(doing(upkeep, work))
        upkeep.crate.world.clock.advance(60)
    newest = upkeep.jobs.history(RETENTION, limit=3)
    assert [each.result for each in newest] == [{"n": 4}, None, {"n": 2}]
    assert [each.error_message for each in newest] == [None, "the table was busy", None]
    assert newest[1].status is RunStatus.FAILED


@pytest.mark.case("J-03")
def test_a_run_that_was_stopped_shows_as_failed_and_can_be_triggered(upkeep: Upkeep) -> None:
    def killed(_: Task) -> Mapping[str, int]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(doing(upkeep, killed))
    assert last(upkeep).status is RunStatus.RUNNING
    with pytest.raises(JobRunning):
        upkeep.jobs.trigger(RETENTION, {}, by=ADMIN)
    upkeep.crate.world.clock.advance(61)
    stopped = last(upkeep)
    assert (stopped.status, stopped.error_message) == (RunStatus.FAILED, STOPPED)
    begun = upkeep.jobs.trigger(RETENTION, {}, by=ADMIN)
    assert [each.id for each in upkeep.jobs.history(RETENTION, limit=9)] == [begun.id, stopped.id]
    assert upkeep.jobs.history(RETENTION, limit=9)[1] == stopped


@pytest.mark.case("J-03")
def test_after_a_restart_every_run_has_stopped(upkeep: Upkeep) -> None:
    begun = upkeep.jobs.trigger(WATCHDOG, {}, by=ADMIN)
    (stopped,) = run(upkeep.runner(), Order(all_have_stopped=True))
    assert (stopped.id, stopped.status) == (begun.id, RunStatus.FAILED)
    assert upkeep.jobs.trigger(WATCHDOG, {}, by=ADMIN).id != begun.id


def test_a_stopped_run_is_written_down_by_the_next_schedule_of_any_job(upkeep: Upkeep) -> None:
    upkeep.jobs.trigger(WATCHDOG, {}, by=ADMIN)
    upkeep.crate.world.clock.advance(301)
    found = run(doing(upkeep, lambda _: {}))
    assert [(each.job_id, each.status) for each in found] == [
        (WATCHDOG, RunStatus.FAILED),
        (RETENTION, RunStatus.COMPLETED),
    ]
    assert upkeep.records.leases == {}
    assert "job_run" in upkeep.crate.world.log.actions()


def test_a_bug_is_written_down_and_flies_on(upkeep: Upkeep) -> None:
    def work(_: Task) -> Mapping[str, int]:
        raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError):
        run(doing(upkeep, work))
    assert last(upkeep).error_message == "ZeroDivisionError: a bug"


def test_a_job_that_runs_is_not_begun_by_its_schedule(upkeep: Upkeep) -> None:
    upkeep.jobs.trigger(RETENTION, {}, by=ADMIN)
    assert run(doing(upkeep, lambda _: {})) == []


def test_a_heartbeat_keeps_a_long_run(upkeep: Upkeep) -> None:
    def work(task: Task) -> Mapping[str, bool]:
        upkeep.crate.world.clock.advance(500)
        return {"goes_on": task.goes_on()}

    (ran,) = run(doing(upkeep, work))
    assert ran.result == {"goes_on": True}


def test_a_heartbeat_whose_answer_is_lost_keeps_the_run(upkeep: Upkeep) -> None:

    def work(task: Task) -> Mapping[str, bool]:
        is_heard = iter([False])

        def lose(site: str, call: Any) -> Any:
            done = call()
            if site == "jobs.swap" and not next(is_heard, True):
                raise Unavailable("no answer")
            return done

        upkeep.crate.world.calls.around = lose
        upkeep.crate.world.clock.advance(45)
        return {"goes_on": task.goes_on()}

    (ran,) = run(doing(upkeep, work))
    assert ran.status is RunStatus.COMPLETED


def test_a_run_that_lost_its_lease_changes_nothing(upkeep: Upkeep) -> None:
    def work(task: Task) -> Mapping[str, bool]:
        upkeep.records.leases.clear()
        upkeep.crate.world.clock.advance(30)
        return {"goes_on": task.goes_on()}

    assert run(doing(upkeep, work)) == []
    assert upkeep.jobs.history(RETENTION, limit=9) == []


def test_a_run_that_is_lost_at_its_end_is_not_written_down(upkeep: Upkeep) -> None:
    def work(_: Task) -> Mapping[str, bool]:
        upkeep.records.leases.clear()
        return {}

    assert run(doing(upkeep, work)) == []
    assert upkeep.jobs.history(RETENTION, limit=9) == []


def test_a_run_goes_on_in_the_next_process(upkeep: Upkeep) -> None:
    def work(task: Task) -> Any:
        done = (task.progress or {"done": 0})["done"] + 1
        return More({"done": done}) if done < 3 else {"done": done}

    runner = doing(upkeep, work)
    (begun,) = run(runner)
    assert begun.status is RunStatus.RUNNING
    assert upkeep.starter.started == [(RETENTION, begun.id)]
    (again,) = run(runner, Order(job_id=RETENTION, run_id=begun.id))
    (ended,) = run(runner, Order(job_id=RETENTION, run_id=begun.id))
    assert (again.status, ended.status, ended.result) == (RunStatus.RUNNING, RunStatus.COMPLETED, {"done": 3})
    assert run(runner, Order(job_id=RETENTION, run_id=begun.id)) == []


def test_a_run_that_cannot_hand_over_any_more_is_lost(upkeep: Upkeep) -> None:
    def work(_: Task) -> More:
        upkeep.records.leases.clear()
        return More({})

    assert run(doing(upkeep, work)) == []
    assert upkeep.starter.started == []


def test_an_order_that_comes_twice_begins_one_run(upkeep: Upkeep) -> None:
    begun = upkeep.jobs.trigger(RETENTION, {}, by=ADMIN)
    seen: list[list[Run]] = []

    def work(_: Task) -> Mapping[str, int]:
        seen.append(run(doing(upkeep, work), Order(job_id=RETENTION, run_id=begun.id)))
        return {}

    assert len(run(doing(upkeep, work), Order(job_id=RETENTION, run_id=begun.id))) == 1
    assert seen == [[]]


def test_a_trigger_that_starts_nothing_leaves_a_failed_run(upkeep: Upkeep) -> None:
    upkeep.crate.world.calls.failing("starter.start")
    with pytest.raises(Unavailable):
        upkeep.jobs.trigger(RETENTION, {}, by=ADMIN)
    assert last(upkeep).status is RunStatus.FAILED
    assert upkeep.jobs.trigger(RETENTION, {}, by=ADMIN).status is RunStatus.RUNNING


def test_a_hook_begins_its_jobs_wherever_they_run(upkeep: Upkeep) -> None:
    found = run(doing(upkeep, lambda _: {}, "usage_reconcile"), Order(hook=Hook.ON_STARTUP))
    assert {(each.job_id, each.status) for each in found} == {
        (WATCHDOG, RunStatus.RUNNING),
        ("usage_reconcile", RunStatus.COMPLETED),
    }
    (asked,) = upkeep.starter.started
    assert asked[0] == WATCHDOG
    assert len(run(upkeep.watchdog_runner, Order(job_id=WATCHDOG, run_id=asked[1]))) == 1
    assert last(upkeep, WATCHDOG).triggered_by == "OnStartup"


def test_a_hook_does_not_begin_a_job_again_and_again(upkeep: Upkeep) -> None:
    runner = doing(upkeep, lambda _: {}, POPULAR)
    assert len(run(runner, Order(hook=Hook.ON_CATALOG_CHANGE))) == 1
    assert run(runner, Order(hook=Hook.ON_CATALOG_CHANGE)) == []
    upkeep.crate.world.clock.advance(JOBS[POPULAR].hook_gap.total_seconds())
    assert len(run(runner, Order(hook=Hook.ON_CATALOG_CHANGE))) == 1


def test_a_hook_that_cannot_hand_over_leaves_the_run_to_be_marked(upkeep: Upkeep) -> None:
    upkeep.crate.world.calls.losing("jobs.swap")
    assert len(run(doing(upkeep, lambda _: {}, "usage_reconcile"), Order(hook=Hook.ON_STARTUP))) == 2


def test_a_job_that_is_unknown_has_no_run(upkeep: Upkeep) -> None:
    with pytest.raises(NotFound):
        run(upkeep.runner(), Order(job_id="no_such_job"))


def test_jobs_are_listed_with_their_next_run(upkeep: Upkeep) -> None:
    run(doing(upkeep, lambda _: {}))
    upkeep.jobs.trigger(RETENTION, {}, by=ADMIN)
    views = {view.job.id: view for view in upkeep.jobs.all()}
    assert list(views) == list(JOBS)
    assert views[RETENTION].next_run_at == at(86_400)
    assert views[WATCHDOG].next_run_at is None
    assert [view.job.id for view in views.values() if view.is_running] == [RETENTION]


def test_a_lost_run_says_so() -> None:
    assert "01JD" in str(RunLost("01JD"))


@pytest.mark.parametrize("site", ["jobs.swap", "jobs.read"])
def test_a_fault_of_the_table_begins_nothing(upkeep: Upkeep, site: str) -> None:
    upkeep.crate.world.calls.failing(site)
    with pytest.raises(Unavailable):
        upkeep.jobs.trigger(RETENTION, {}, by=ADMIN)
    assert upkeep.starter.started == []


def test_a_run_that_ends_while_it_is_reaped_is_left_to_its_end(upkeep: Upkeep) -> None:
    begun = upkeep.jobs.trigger(WATCHDOG, {}, by=ADMIN)
    lease = upkeep.records.leases[WATCHDOG]

    def end(site: str, call: Any) -> Any:
        if site == "jobs.swap":
            upkeep.records.leases.pop(WATCHDOG, None)
        return call()

    upkeep.crate.world.calls.around = end
    assert run(upkeep.runner(), Order(all_have_stopped=True)) == []
    assert lease.run == begun


def test_a_hook_whose_run_is_gone_before_it_is_handed_on_starts_nothing(upkeep: Upkeep) -> None:
    swaps = 0

    def lose(site: str, call: Any) -> Any:
        nonlocal swaps
        swaps += site == "jobs.swap"
        if site == "jobs.swap" and swaps == 2:
            upkeep.records.leases.clear()
        return call()

    upkeep.crate.world.calls.around = lose
    run(doing(upkeep, lambda _: {}, "usage_reconcile"), Order(hook=Hook.ON_STARTUP))
    assert upkeep.starter.started == []
