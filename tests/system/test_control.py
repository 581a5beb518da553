"""Control of a running stack: limits at run time, lanes, pauses, and cancellations that race with completions."""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from cratekeeper_local.provider.child import Provider, running
from tests.support.people import Person, Town
from tests.support.stack import LocalStack, local_stack
from tests.support.waiting import until
from tests.system.conftest import QUICK

ALBUM_OF_120 = "GuTi9fknSrJhH63OzI2ztx"
ALBUM_OF_30 = "Gzx2UCVoctAvq12xheXNBs"
ALBUM_OF_3 = "GLcMOkJHqRmyflbHvhSjLU"
RACERS = 8


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    """A provider that counts for these tests alone."""
    with running(cache_dir=tmp_path_factory.mktemp("shelf")) as started:
        yield started


@pytest.fixture(scope="module")
def steered(tmp_path_factory: pytest.TempPathFactory, own: Provider) -> Iterator[LocalStack]:
    """A stack whose limit and pause these tests change."""
    with local_stack(tmp_path_factory.mktemp("steered"), "--provider-url", own.url, *QUICK) as started:
        yield started


@pytest.fixture
def root(steered: LocalStack, own: Provider) -> Iterator[Person]:
    """An administrator; the queue is open and its limit the default again afterwards."""
    own.reset()
    with Town(steered).person("admin") as person:
        yield person
        own.reset()
        person.http.post("/v1/admin/queue/resume").raise_for_status()
        person.http.patch("/v1/admin/queue", json={"max_concurrent": 3}).raise_for_status()


def tracks_of(own: Provider, album: str) -> list[str]:
    """The ids of an album's tracks, as the provider tells them."""
    answer = httpx.get(f"{own.url}/album/{album}/tracks", trust_env=False)
    answer.raise_for_status()
    return [track["id"] for track in answer.json()]


def create(person: Person, tracks: list[tuple[str, int]]) -> list[str]:
    """Ask for tracks with priorities in one batch; their download ids in order."""
    items = [{"kind": "track", "content_id": each, "priority": lane, "force": True} for each, lane in tracks]
    answer = person.http.post("/v1/downloads/batch", json={"items": items})
    assert answer.status_code == 202, answer.text
    results = answer.json()["results"]
    assert {result["status"] for result in results} == {"queued"}
    return [result["download_id"] for result in results]


def wait_for(person: Person, downloads: list[str], *, within_s: float = 120) -> list[dict[str, Any]]:
    """All of them, ended."""
    deadline = time.monotonic() + within_s
    return [person.wait(each, within_s=deadline - time.monotonic()) for each in downloads]


@pytest.mark.case("N-01", "N-02", "S-03")
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_as_many_run_at_once_as_the_limit_says(root: Person, own: Provider, limit: int) -> None:
    tracks = tracks_of(own, ALBUM_OF_120)[: 4 * limit]
    own.fault("/track/*/audio", "slow", times=-1, rate_bytes_s=20_000)
    answer = root.http.patch("/v1/admin/queue", json={"max_concurrent": limit})
    assert (answer.status_code, answer.json()["max_concurrent"]) == (200, limit)
    assert root.http.get("/v1/queue").json()["max_concurrent"] == limit
    ended = wait_for(root, create(root, [(each, 2) for each in tracks]))
    assert {each["status"] for each in ended} == {"COMPLETED"}
    assert own.stats().audio_max == limit


@pytest.mark.case("S-03")
@pytest.mark.parametrize("limit", [0, -1, 1001, "three", None, 1.5])
def test_a_limit_that_cannot_be_is_refused(root: Person, limit: object) -> None:
    answer = root.http.patch("/v1/admin/queue", json={"max_concurrent": limit})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert root.http.get("/v1/queue").json()["max_concurrent"] == 3


@pytest.mark.case("Q-01", "Q-06", "X-06")
@pytest.mark.timeout(300)  # up to ninety downloads, one after the other
def test_lanes_go_strictly_one_after_the_other(root: Person, own: Provider, *, is_long: bool) -> None:
    in_each = 30 if is_long else 8
    tracks = tracks_of(own, ALBUM_OF_120)[: 3 * in_each]
    root.http.patch("/v1/admin/queue", json={"max_concurrent": 1}).raise_for_status()
    root.http.post("/v1/admin/queue/pause", json={"reason": "to line them up"}).raise_for_status()
    downloads = create(root, [(each, 3 - number % 3) for number, each in enumerate(tracks)])
    queue = root.http.get("/v1/queue").json()
    assert queue["by_priority"] == {"1": in_each, "2": in_each, "3": in_each}
    assert (queue["paused"], queue["paused_reason"], queue["active"]) == (True, "to line them up", 0)
    assert {root.look(each)["status"] for each in downloads[:5]} == {"PENDING"}
    root.http.post("/v1/admin/queue/resume").raise_for_status()
    ended = wait_for(root, downloads, within_s=240)
    started = sorted(ended, key=lambda each: each["started_at"])
    assert [each["id"] for each in started] == [
        each["id"] for each in sorted(ended, key=lambda e: (e["priority"], e["id"]))
    ]


@pytest.mark.case("X-07")
def test_what_runs_when_the_queue_is_paused_finishes_and_nothing_starts(root: Person, own: Provider) -> None:
    own.fault("/track/*/audio", "slow", times=-1, rate_bytes_s=5_000)
    root.http.patch("/v1/admin/queue", json={"max_concurrent": 2}).raise_for_status()
    downloads = create(root, [(each, 2) for each in tracks_of(own, ALBUM_OF_120)[:5]])
    until(lambda: Counter(root.look(each)["status"] for each in downloads)["IN_PROGRESS"] == 2)
    root.http.post("/v1/admin/queue/pause").raise_for_status()
    own.reset()
    until(lambda: Counter(root.look(each)["status"] for each in downloads) == {"COMPLETED": 2, "PENDING": 3})
    time.sleep(3)  # a dispatcher tick and more
    assert Counter(root.look(each)["status"] for each in downloads) == {"COMPLETED": 2, "PENDING": 3}
    (blocker, *_) = root.http.get(f"/v1/downloads/{downloads[4]}/explain").json()["blockers"]
    assert blocker["code"] == "queue_paused"
    root.http.post("/v1/admin/queue/resume").raise_for_status()
    assert {each["status"] for each in wait_for(root, downloads)} == {"COMPLETED"}


def race(person: Person, track: str, pause_s: float) -> tuple[int, str, str]:
    """Ask for a track, cancel it a moment later; what was answered, and where it stands then and later."""
    download = person.request(track, kind="track", force=True).json()["id"]
    time.sleep(pause_s)
    answer = person.http.post(f"/v1/downloads/{download}/cancel")
    then = person.look(download)["status"]
    return answer.status_code, then, person.wait(download)["status"]


@pytest.mark.case("X-04", "L-09")
@pytest.mark.timeout(400)  # up to 200 races of three requests each, on machines that run other things beside
def test_a_cancellation_wins_or_loses_against_a_completion_and_never_both(
    root: Person, own: Provider, *, is_long: bool
) -> None:
    turns = 25 if is_long else 6
    root.http.patch("/v1/admin/queue", json={"max_concurrent": RACERS}).raise_for_status()
    tracks = tracks_of(own, ALBUM_OF_120)[:RACERS]
    begun = time.monotonic()
    wait_for(root, create(root, [(each, 2) for each in tracks]))
    longest_s = time.monotonic() - begun  # as all of them take here and now: the last turns are likely to lose

    def races(number: int) -> list[tuple[int, str, str]]:
        return [race(root, tracks[number], longest_s * turn / (turns - 1)) for turn in range(turns)]

    with ThreadPoolExecutor(RACERS) as threads:
        results = [result for some in threads.map(races, range(RACERS)) for result in some]
    assert len(results) == turns * RACERS
    assert set(results) <= {(200, "CANCELLED", "CANCELLED"), (409, "COMPLETED", "COMPLETED")}
    assert len(set(results)) == 2, Counter(results)  # both ends were met, so the race was one
    until(lambda: root.http.get("/v1/queue").json()["active"] == 0)
    assert root.http.get("/v1/limits").json()["user"]["in_queue"] == 0


def test_a_cancelled_album_leaves_nothing_behind(root: Person, own: Provider) -> None:
    own.fault("/track/*/audio", "slow", times=-1, rate_bytes_s=5_000)
    album = root.request(ALBUM_OF_30, force=True).json()["id"]
    until(lambda: root.look(album)["progress"]["in_progress"] == 3)
    answer = root.http.post(f"/v1/downloads/{album}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (200, "CANCELLED")
    assert {child["status"] for child in root.children(album)} <= {"CANCELLED", "COMPLETED"}
    until(lambda: own.stats().audio_now == 0, within_s=15)  # the workers stop at their heartbeat
    assert root.http.get("/v1/queue").json()["active"] == 0
    assert root.look(album)["status"] == "CANCELLED"
    own.reset()
    assert root.http.post(f"/v1/downloads/{album}/retry").json()["status"] == "PENDING"
    assert root.wait(album)["status"] == "COMPLETED"


@pytest.mark.case("K-01", "X-06")
def test_what_waits_in_a_paused_queue_waits_through_a_restart(steered: LocalStack, root: Person, own: Provider) -> None:
    root.http.post("/v1/admin/queue/pause", json={"reason": "maintenance"}).raise_for_status()
    downloads = create(root, [(each, 2) for each in tracks_of(own, ALBUM_OF_3)])
    steered.stop()
    steered.start()
    root.http.base_url = steered.ready["api_url"]
    assert root.http.get("/v1/queue").json()["paused_reason"] == "maintenance"
    time.sleep(3)
    assert {root.look(each)["status"] for each in downloads} == {"PENDING"}
    root.http.post("/v1/admin/queue/resume").raise_for_status()
    assert {each["status"] for each in wait_for(root, downloads)} == {"COMPLETED"}


def test_a_pause_ends_by_itself_when_it_was_told_to(root: Person) -> None:
    resume_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 5))
    root.http.post("/v1/admin/queue/pause", json={"resume_at": resume_at}).raise_for_status()
    assert root.http.get("/v1/queue").json()["paused"]
    until(lambda: not root.http.get("/v1/queue").json()["paused"], within_s=15)
