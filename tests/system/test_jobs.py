"""Background jobs on a running stack: begun by the template's rules, at work under the roles of their functions."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import pytest

from cratekeeper.domain.jobs import BY_SCHEDULE, JOBS
from cratekeeper_local.aws import Aws
from cratekeeper_local.provider.child import Provider
from cratekeeper_local.provider.shelf import DEMO_ALBUM_ID
from tests.support.people import Person, Town
from tests.support.stack import LocalStack
from tests.support.waiting import until

pytestmark = pytest.mark.timeout(300)

EVERY_MINUTE = "rate(1 minute)"
LEASE_S = 10
"""As in QUICK: what is younger may be somebody's who has not written it down yet."""
PARTS_IN_S = 4_000_000
"""Bytes a second at which a part of 8 MiB comes soon, and few more do."""

Rules = dict[str, Any]


@pytest.fixture
def root(town: Town) -> Iterator[Person]:
    """An administrator."""
    with town.person("admin") as person:
        yield person


def history(root: Person, job: str) -> list[dict[str, Any]]:
    """The ended runs of a job, newest first."""
    answer = root.http.get(f"/v1/admin/jobs/{job}/history")
    answer.raise_for_status()
    return [run for run in answer.json()["items"] if run["finished_at"]]


# --- Schedules -------------------------------------------------------------------------


def rules_of(aws: Aws) -> Rules:
    """The rule that begins a job, by the job's id."""
    found = {}
    for rule in aws.events.list_rules()["Rules"]:
        for target in aws.events.list_targets_by_rule(Rule=rule.get("Name", ""))["Targets"]:
            if job := json.loads(target.get("Input", "{}")).get("job"):
                found[job] = rule
    return found


def reschedule(aws: Aws, rule: Any, expression: str) -> None:
    aws.events.put_rule(Name=rule["Name"], ScheduleExpression=expression, State=rule["State"])


@contextmanager
def hurried(aws: Aws) -> Iterator[set[str]]:
    """Have the rules of all jobs, which are given, ring at the shortest rate that there is; afterwards as before.

    The emulator counts from a rule's creation, so on a stack that is older than that it rings within ten seconds.
    """
    rules = rules_of(aws)
    for rule in rules.values():
        reschedule(aws, rule, EVERY_MINUTE)
    try:
        yield set(rules)
    finally:
        for rule in rules.values():
            reschedule(aws, rule, rule["ScheduleExpression"])


def test_every_job_runs_when_its_rule_rings(stack: LocalStack, root: Person) -> None:
    # An operator's invocation with a rule's event counts as scheduled, too.
    known = {run["run_id"] for job in JOBS for run in history(root, job)}

    def scheduled(job: str) -> list[str]:
        runs = [run for run in history(root, job) if run["run_id"] not in known]
        return [run["status"] for run in runs if run["triggered_by"] == BY_SCHEDULE]

    with hurried(stack.aws) as jobs:
        assert jobs == JOBS.keys()
        until(lambda: all(map(scheduled, JOBS)), within_s=120)
    assert {job: scheduled(job)[0] for job in JOBS} == dict.fromkeys(JOBS, "completed")


# --- Abandoned uploads -----------------------------------------------------------------


def uploads(stack: LocalStack) -> set[str]:
    """The keys of the multipart uploads that are open."""
    listed = stack.aws.objects.list_multipart_uploads(Bucket=stack.resources["MediaBucket"])
    return {each.get("Key", "") for each in listed.get("Uploads", [])}


def lose_upload(stack: LocalStack, key: str) -> None:
    """An upload as a worker leaves it that dies before it has written down that it began one."""
    bucket, objects = stack.resources["MediaBucket"], stack.aws.objects
    begun = objects.create_multipart_upload(Bucket=bucket, Key=key, ContentType="audio/mpeg")
    objects.upload_part(Bucket=bucket, Key=key, UploadId=begun["UploadId"], PartNumber=1, Body=b"x" * 1000)


def loose_tracks(provider: Provider) -> Iterator[str]:
    """Tracks in MP3, a file of which may be of any length: of FLAC the header tells it."""
    for track in provider.client.get(f"/album/{DEMO_ALBUM_ID}/tracks").json():
        first = provider.client.get(f"/track/{track['id']}/audio", headers={"Range": "bytes=0-0"})
        if first.headers["Content-Type"] == "audio/mpeg":
            yield track["id"]


def unending(provider: Provider, person: Person, tracks: list[str]) -> dict[str, str]:
    """Downloads of tracks whose bytes have no end, by content."""
    provider.fault("/track/*/audio", "endless", times=-1, rate_bytes_s=PARTS_IN_S)
    asked = [person.request(track, kind="track", force=True) for track in tracks]
    return {each.json()["content_id"]: each.json()["id"] for each in asked}


def aborted_by_the_job(root: Person) -> list[str]:
    begun = root.http.post("/v1/admin/jobs/abandoned_uploads/trigger")
    assert begun.status_code == 202, begun.text
    runs = until(lambda: [run for run in history(root, "abandoned_uploads") if run["run_id"] == begun.json()["run_id"]])
    assert runs[0]["status"] == "completed", runs
    keys: list[str] = runs[0]["result"]["keys"]
    return keys


@pytest.mark.case("F-08")
def test_uploads_that_nobody_goes_on_with_are_aborted_and_no_others(
    stack: LocalStack, provider: Provider, alice: Person, root: Person
) -> None:
    lost, lost_at = "audio/lost.mp3", time.monotonic()
    lose_upload(stack, lost)
    cancelled, paused = islice(loose_tracks(provider), 2)
    downloads = unending(provider, alice, [cancelled, paused])
    known = until(lambda: len(found := uploads(stack) - {lost}) == 2 and found)
    alice.http.post(f"/v1/downloads/{downloads[cancelled]}/cancel").raise_for_status()
    alice.http.post(f"/v1/downloads/{downloads[paused]}/pause").raise_for_status()
    (kept,) = (key for key in known if paused in key)
    until(lambda: uploads(stack) == {lost, kept})  # by the dispatcher: no run of the job comes into it
    until(lambda: time.monotonic() > lost_at + LEASE_S + 1)
    assert aborted_by_the_job(root) == [lost]
    assert uploads(stack) == {kept}
    alice.http.post(f"/v1/downloads/{downloads[paused]}/cancel").raise_for_status()
