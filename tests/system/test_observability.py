"""Metrics of a real run: whatever dashboards and alarms show of ours, the code has told; and dead letters."""

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cratekeeper_local.aws import Aws
from cratekeeper_local.invoking import invoke
from cratekeeper_local.provider.child import Provider
from cratekeeper_local.provider.shelf import DEMO_ALBUM_ID
from tests.facts.observability import OURS, Shown, of_kind, shown
from tests.support.people import Person, Town
from tests.support.stack import LocalStack, workers_of
from tests.support.waiting import until

NAMESPACE = "Cratekeeper/cratekeeper"
ALBUM_OF_3 = "GLcMOkJHqRmyflbHvhSjLU"
Key = tuple[str, tuple[tuple[str, str], ...]]


def told(aws: Aws) -> set[Key]:
    pages = aws.alarms.get_paginator("list_metrics").paginate(Namespace=NAMESPACE)
    return {
        (metric["MetricName"], tuple(sorted((each["Name"], each["Value"]) for each in metric["Dimensions"])))
        for page in pages
        for metric in page["Metrics"]
    }


def key_of(found: Shown) -> Key:
    return found.name, tuple(sorted(found.dimensions))


@pytest.fixture(scope="module")
def busy(stack: LocalStack, provider: Provider) -> Iterator[set[Key]]:
    """What was told in a run in which everything happens that is measured."""
    provider.reset()
    town = Town(stack)
    with town.person() as alice, town.person("admin") as root:
        make_busy(alice, root, provider)
        lose_a_worker(stack, alice, provider)
        aws, wanted = stack.aws, {key_of(found) for found in shown() if found.namespace == OURS}
        end = time.monotonic() + 90
        while not wanted <= (found := told(aws)) and time.monotonic() < end:
            time.sleep(1)
        provider.reset()
        yield found


def make_busy(alice: Person, root: Person, provider: Provider) -> None:
    for job in ("integrity_watchdog", "stale_in_progress"):
        assert root.http.post(f"/v1/admin/jobs/{job}/trigger").status_code == 202
    assert alice.wait(alice.request(DEMO_ALBUM_ID, force=True).json()["id"])["status"] == "COMPLETED"
    provider.fault("/track/*/audio", "status", times=1, code=500)
    alice.wait(alice.request(ALBUM_OF_3, force=True).json()["id"])
    provider.fault("/track/*/audio", "status", code=404)
    track = provider.client.get(f"/album/{DEMO_ALBUM_ID}/tracks").json()[0]["id"]
    assert alice.wait(alice.request(track, kind="track", force=True).json()["id"])["status"] == "FAILED"
    root.http.post("/v1/admin/queue/pause")
    cancelled = alice.request(track, kind="track", force=True).json()["id"]
    alice.http.post(f"/v1/downloads/{cancelled}/cancel")
    root.http.post("/v1/admin/queue/resume")
    assert alice.http.get("/v1/downloads/unknown").status_code == 404
    provider.fault("/search*", "status", code=500)
    until(lambda: alice.http.get("/v1/search", params={"q": "x"}).status_code >= 500)


def lose_a_worker(stack: LocalStack, alice: Person, provider: Provider) -> None:
    """Killed in the middle of a track, which another worker fetches once the lease has lapsed."""
    provider.fault("/track/*/audio", "slow", times=-1, rate_bytes_s=500)
    track = provider.client.get(f"/album/{DEMO_ALBUM_ID}/tracks").json()[1]["id"]
    download = alice.request(track, kind="track", force=True).json()["id"]
    until(lambda: alice.look(download)["status"] == "IN_PROGRESS")
    for worker in workers_of(stack):
        with suppress(ProcessLookupError):  # one that had nothing to do and was ended meanwhile
            os.kill(worker, signal.SIGKILL)
    provider.reset()
    assert alice.wait(download)["status"] == "COMPLETED"
    assert alice.look(download)["attempts"] == 2


@pytest.mark.timeout(240)
def test_all_of_ours_on_dashboards_and_in_alarms_was_told(busy: set[Key]) -> None:
    wanted = {key_of(found) for found in shown() if found.namespace == OURS}
    assert wanted - busy == set()


@pytest.mark.parametrize("name", of_kind("Alarm"))
def test_every_alarm_is_there(stack: LocalStack, name: str) -> None:
    (alarm,) = stack.aws.alarms.describe_alarms(AlarmNames=[f"cratekeeper-{name}"])["MetricAlarms"]
    assert alarm["MetricName"] == of_kind("Alarm")[name]["MetricName"]


@pytest.mark.parametrize(("statistic", "name"), [("Sum", "Requests"), ("p99", "Duration"), ("Average", "FailureRate")])
def test_a_statistic_has_a_value(busy: set[Key], stack: LocalStack, statistic: str, name: str) -> None:
    dimensions = next(named for metric, named in busy if metric == name)
    query: Any = {
        "Id": "q",
        "MetricStat": {
            "Metric": {
                "Namespace": NAMESPACE,
                "MetricName": name,
                "Dimensions": [{"Name": each, "Value": value} for each, value in dimensions],
            },
            "Period": 60,
            "Stat": statistic,
        },
    }
    now = datetime.now(UTC)
    found = stack.aws.alarms.get_metric_data(
        MetricDataQueries=[query], StartTime=now - timedelta(hours=1), EndTime=now + timedelta(minutes=1)
    )
    assert found["MetricDataResults"][0]["Values"]


# --- Dead letters --------------------------------------------------------------------


def move_back(aws: Aws, dead: str, lane: str) -> int:
    """What `aws sqs start-message-move-task` does; how many messages were moved."""
    moved = 0
    while messages := aws.queues.receive_message(QueueUrl=dead, MaxNumberOfMessages=10).get("Messages", []):
        for message in messages:
            aws.queues.send_message(QueueUrl=lane, MessageBody=message["Body"])
            aws.queues.delete_message(QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"])
            moved += 1
    return moved


def test_dead_letters_ring_an_alarm_and_moving_them_back_is_harmless(
    stack: LocalStack, alice: Person, provider: Provider
) -> None:
    """I23: a redriven ring finds its download ended, running, or waiting; it does no work twice."""
    aws, dead, lane = stack.aws, stack.resources["NormalDeadLetterQueue"], stack.resources["NormalQueue"]
    track = provider.client.get(f"/album/{ALBUM_OF_3}/tracks").json()[0]["id"]
    done = alice.wait(alice.request(track, kind="track", force=True).json()["id"])
    events, fetched = alice.history(done["id"]), provider.stats().audio_requests
    in_flight = _length(aws, lane)  # of a worker that was killed, until its visibility ends
    for body in (json.dumps({"id": done["id"]}), "no ring of ours"):
        aws.queues.send_message(QueueUrl=dead, MessageBody=body)
    until(lambda: _state(aws, "cratekeeper-NormalDeadLetters") == "ALARM", within_s=60)
    assert move_back(aws, dead, lane) == 2
    until(lambda: _length(aws, lane) <= in_flight and _length(aws, dead) == 0, within_s=60)
    assert alice.look(done["id"]) == done
    assert (provider.stats().audio_requests, alice.events(done["id"])) == (fetched, events)


def test_a_dead_letter_is_not_the_only_record_of_its_download(stack: LocalStack, town: Town) -> None:
    """I23: the ring is lost to the dead letters, and the dispatcher finds the download by its table."""
    aws, name = stack.aws, stack.resources["DispatcherFunction"]
    with town.person() as bob, town.person("admin") as root:
        root.http.post("/v1/admin/queue/pause")
        waiting = bob.request(ALBUM_OF_3, force=True).json()["id"]
        root.http.post("/v1/admin/queue/resume")
        aws.queues.purge_queue(QueueUrl=stack.resources["NormalQueue"])
        assert not invoke(aws, name, {}).failed
        assert bob.wait(waiting)["status"] == "COMPLETED"


def _state(aws: Aws, name: str) -> str:
    return aws.alarms.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"]


def _length(aws: Aws, url: str) -> int:
    names: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = aws.queues.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(map(int, found.values()))
