"""The registry of jobs and the rules that begin them: one is the other's mirror."""

import json

from cratekeeper.api.orders import HOOKS
from cratekeeper.bootstrap import upkeep
from cratekeeper.domain.jobs import JOBS, WATCHDOG, hooked
from cratekeeper.domain.schedules import parse
from tests.facts import template


def test_every_scheduled_job_has_its_rule_and_nothing_else() -> None:
    rules = {
        json.loads(event["Input"])["job"]: (folder, event["Schedule"])
        for folder in ("watchdog", "jobs")
        for event in template.function_of(folder).events("Schedule").values()
    }
    declared = {job.id: ("jobs", job.schedule) for job in JOBS.values() if job.schedule}
    assert rules == declared | {WATCHDOG: ("watchdog", {"Ref": "WatchdogSchedule"})}
    assert template.parameters()["WatchdogSchedule"]["Default"] == JOBS[WATCHDOG].schedule


def test_every_schedule_can_be_read() -> None:
    assert [parse(job.schedule) for job in JOBS.values() if job.schedule]


def test_every_event_that_is_a_hook_reaches_the_jobs_and_begins_one() -> None:
    patterns = template.function_of("jobs").events("EventBridgeRule").values()
    reached = {name for each in patterns for name in each["Pattern"]["detail-type"]}
    assert reached == HOOKS.keys()
    assert [hook for hook in HOOKS.values() if not hooked(hook)] == []


def test_every_job_but_the_watchdog_is_run_by_the_jobs_function() -> None:
    assert {*upkeep.JOB_WORKS} == JOBS.keys() - {WATCHDOG}
