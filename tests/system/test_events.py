"""Every recorded event is taken by the function it is named for, and the command line shows what became of it."""

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from cratekeeper.domain.jobs import JOBS
from cratekeeper_local.invoking import invoke
from tests.support.events import EVENTS, EventFile, all_events
from tests.support.stack import PROGRAM, LocalStack
from tests.support.waiting import until


@pytest.mark.parametrize("event", all_events(), ids=str)
def test_the_function_takes_the_event(stack: LocalStack, event: EventFile) -> None:
    outcome = invoke(stack.aws, stack.resources[f"{event.function.capitalize()}Function"], event.content)
    assert not outcome.failed, outcome


def shown(stack: LocalStack, event: str) -> Any:
    """What `cratekeeper local invoke` prints of a function's answer to an event."""
    function, path = event.partition("_")[0], str(EVENTS / f"{event}.json")
    words = [str(PROGRAM), "local", "invoke", function, "-e", path, "--data-dir", str(stack.data.root)]
    ended = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def body(answer: Any) -> Any:
    assert answer["statusCode"] == 200, answer
    return json.loads(answer["body"])


def runs(answer: Any) -> list[tuple[str, str]]:
    """Empty while another run of the job is under way."""
    return [(run["job"], run["status"]) for run in answer["runs"]]


ANSWERS: dict[str, tuple[Callable[[Any], object], object]] = {
    "admin_jobs": (lambda answer: {job["id"] for job in body(answer)["items"]}, JOBS.keys()),
    "dispatcher_tick": (set, {"visited", "granted", "cleaned"}),
    "jobs_audit_retention": (runs, [("audit_retention", "completed")]),
    "processor_unknown_id": (list, ["batchItemFailures"]),
    "projector_transitions": (lambda answer: answer["entries"], 2),
    "requests_limits": (lambda answer: "requests_today" in body(answer)["user"], True),
    "search_list_popular": (lambda answer: "items" in body(answer), True),
    "watchdog_scan": (runs, [("integrity_watchdog", "completed")]),
}
"""An event for each function: what is looked at in the answer, and how it is."""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("event", ANSWERS)
def test_a_function_can_be_invoked_from_the_command_line(stack: LocalStack, event: str) -> None:
    told, expected = ANSWERS[event]
    assert until(lambda: told(shown(stack, event)), within_s=120) == expected


def test_no_function_is_left_out_of_these() -> None:
    assert {event.partition("_")[0] for event in ANSWERS} == {event.function for event in all_events()}
