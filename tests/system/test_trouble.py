"""Trouble: a provider that is down, slow or busy; workers and the stack killed."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from cratekeeper_local.provider.child import Provider, running
from tests.support.people import Person, Town
from tests.support.stack import LocalStack, local_stack, workers_of
from tests.support.waiting import until
from tests.system.conftest import QUICK

ALBUM_OF_3 = "GLcMOkJHqRmyflbHvhSjLU"
ALBUM_OF_30 = "Gzx2UCVoctAvq12xheXNBs"
SINGLE = "3ZI4h1lKGr8zIHXnEAOR3C"


@pytest.mark.case("F-01")
def test_what_the_provider_refuses_is_tried_again(alice: Person, provider: Provider) -> None:
    provider.fault("/track/*/audio", "status", times=2, code=500)
    album = alice.wait(alice.request(SINGLE, force=True).json()["id"])
    assert album["status"] == "COMPLETED"
    (track,) = [each for each in alice.children(album["id"]) if each["attempts"] > 1]
    assert (track["retry_count"], track["error_type"], track["error_message"]) == (2, None, None)
    refused = ["DOWNLOAD_STARTED", "RETRY_SCHEDULED"]
    assert alice.history(track["id"]) == [*refused, *refused, "DOWNLOAD_STARTED", "DOWNLOAD_COMPLETED"]


@pytest.mark.case("X-09")
def test_a_busy_provider_costs_no_retry(alice: Person, provider: Provider) -> None:
    provider.fault("/track/*/audio", "status", times=3, code=429, retry_after=1)
    album = alice.wait(alice.request(ALBUM_OF_3, force=True).json()["id"])
    assert album["status"] == "COMPLETED"
    assert {child["retry_count"] for child in alice.children(album["id"])} == {0}


@pytest.fixture
def slow(shelf: Path) -> Iterator[Provider]:
    """A provider whose tracks take seconds."""
    with running(cache_dir=shelf, rate=8000) as started:
        yield started


@pytest.fixture
def fragile(tmp_path: Path, slow: Provider) -> Iterator[LocalStack]:
    """A stack that is there to be killed."""
    with local_stack(tmp_path, "--provider-url", slow.url, *QUICK) as started:
        yield started


@pytest.mark.case("K-01", "K-02", "K-03", "A-04")
@pytest.mark.timeout(300)  # two starts of a stack, and 32 downloads that take their time
def test_killed_workers_and_a_killed_stack_lose_nothing(fragile: LocalStack, slow: Provider) -> None:
    with Town(fragile).person() as alice:
        download_id = alice.request(ALBUM_OF_30).json()["id"]
        until(lambda: alice.look(download_id)["progress"]["in_progress"] == 3)
        workers = until(lambda: workers_of(fragile))
        os.kill(workers[0], signal.SIGKILL)
        until(lambda: alice.look(download_id)["progress"]["completed"] >= 6)
        headers = alice.http.headers
    fragile.kill()
    fragile.restart()
    with fragile.http(None) as client:
        client.headers.update(headers)
        again = Person(alice.name, client)
        album = again.wait(download_id, within_s=180)
        children = again.children(download_id)
        told = {child["id"]: again.history(child["id"]) for child in children}
    assert (album["status"], album["progress"]["completed"]) == ("COMPLETED", 32)
    assert max(slow.stats().audio_requests.values()) <= 2
    assert any("LEASE_RECOVERED" in events for events in told.values())
    assert all(events[0] == "DOWNLOAD_STARTED" for events in told.values())
    assert all(len(told[child["id"]]) == child["attempts"] + 1 for child in children)


@pytest.mark.case("N-01")
def test_never_more_than_the_limit_at_the_provider(fragile: LocalStack, slow: Provider) -> None:
    with Town(fragile).person() as alice:
        alice.wait(alice.request(ALBUM_OF_3).json()["id"])
    assert slow.stats().audio_max <= 3
