"""The command line against the running stack."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cratekeeper_local.provider.child import Provider
from tests.support.people import ENDED, Person, Town
from tests.support.stack import PROGRAM, LocalStack
from tests.support.waiting import until

ALBUM_OF_3 = "GLcMOkJHqRmyflbHvhSjLU"
MISSING = "0" * 22
Environ = dict[str, str]


def of(person: Person, stack: LocalStack, home: Path) -> Environ:
    """The environment of somebody's terminal."""
    key = person.http.headers["Authorization"].removeprefix("Bearer ")
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "CRATEKEEPER_URL": stack.ready["api_url"],
        "CRATEKEEPER_KEY": key,
    }


@pytest.fixture
def environ(stack: LocalStack, alice: Person, tmp_path: Path) -> Environ:
    return of(alice, stack, tmp_path)


@pytest.fixture
def operator(stack: LocalStack, town: Town, tmp_path: Path) -> Iterator[Environ]:
    """An administrator's terminal; the queue is open again afterwards."""
    with town.person("admin") as person:
        yield of(person, stack, tmp_path)
        person.http.post("/v1/admin/queue/resume").raise_for_status()


def ran(environ: Environ, *words: str, typed: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [PROGRAM, *words], env=environ, capture_output=True, text=True, timeout=120, check=False, input=typed
    )


def told(environ: Environ, *words: str, typed: str = "", code: int = 0) -> dict[str, Any]:
    """The JSON document of a command that ends with `code`."""
    done = ran(environ, *words, "--json", typed=typed)
    assert done.returncode == code, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_request_waits_for_the_album(environ: Environ) -> None:
    done = ran(environ, "request", "album", ALBUM_OF_3, "--force", "--wait", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["status"] == "COMPLETED"


def test_a_failed_download_is_a_failed_command(environ: Environ) -> None:
    done = ran(environ, "request", "track", MISSING, "--wait")
    assert done.returncode == 1
    assert "not_found" in done.stdout + done.stderr


def test_ctrl_c_detaches_and_says_how_to_come_back(environ: Environ, alice: Person, provider: Provider) -> None:
    provider.fault("/track/*/audio", "slow", times=-1, rate_bytes_s=500)
    words = [str(PROGRAM), "request", "album", ALBUM_OF_3, "--force", "--wait"]
    with subprocess.Popen(words, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        until(lambda: alice.http.get("/v1/downloads").json()["items"])
        time.sleep(1)  # until it has heard of it, too
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=30)
    assert child.returncode == 130
    assert "cratekeeper watch" in said
    (album,) = alice.http.get("/v1/downloads").json()["items"]
    assert album["status"] not in ENDED  # it goes on without whoever watched it
    alice.http.post(f"/v1/downloads/{album['id']}/cancel").raise_for_status()


@pytest.mark.parametrize("words", [("limits",), ("queue",), ("downloads",)])
def test_every_list_speaks_json(environ: Environ, words: tuple[str, ...]) -> None:
    done = ran(environ, *words, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)


def test_what_is_found_can_be_requested(environ: Environ) -> None:
    artist = told(environ, "search", "--type", "artist", "sample and hold")["items"][0]
    albums = {album["id"] for album in told(environ, "discography", artist["id"])["albums"]}
    asked = told(environ, "request", "discography", artist["id"], "--wait")
    answered = {each["album_id"] for each in [*asked["queued"], *asked["skipped"]]}
    assert ALBUM_OF_3 in albums == answered
    assert {each["status"] for each in asked.get("downloads", [])} <= {"COMPLETED"}


def test_a_batch_keeps_its_order_and_a_repetition_creates_nothing(operator: Environ, environ: Environ) -> None:
    told(operator, "queue", "pause", "--reason", "a test")
    wanted = f"{ALBUM_OF_3}\ntrack {MISSING}\n{ALBUM_OF_3}\n"
    batch = ("request", "batch", "-", "--force", "--idempotency-key", "twice")
    first = told(environ, *batch, typed=wanted)
    assert [(row["index"], row["status"]) for row in first["results"]] == [(0, "queued"), (1, "queued"), (2, "skipped")]
    assert told(environ, *batch, typed=wanted) == first
    album, track = (row["download_id"] for row in first["results"][:2])
    blockers = told(environ, "explain", album)["blockers"]
    assert "queue_paused" in {each["code"] for each in blockers}
    assert told(environ, "cancel", album, track)["successful"] == 2


def test_a_download_is_steered_from_the_terminal(operator: Environ, environ: Environ) -> None:
    told(operator, "queue", "pause", "--until", "1h")
    known = told(environ, "request", "track", MISSING)["id"]
    assert told(environ, "priority", "3", known)["priority"] == 3
    assert ran(environ, "priority", "1", known).returncode == 4
    assert told(environ, "pause", known)["status"] == "PAUSED"
    assert told(environ, "resume", known)["status"] == "PENDING"
    assert told(environ, "cancel", known, "nobody", code=8)["errors"] == [{"id": "nobody", "code": "not_found"}]
    assert ran(environ, "cancel", known).returncode == 6
    assert told(environ, "retry", known)["status"] == "PENDING"
    types = [each["event_type"] for each in told(environ, "events", known)["items"]]
    assert types[0] == "REQUEST_CREATED"
    assert ran(operator, "admin", "delete", known).returncode == 2
    assert told(operator, "admin", "delete", known, "--yes")["status"] == "deleted"
    assert ran(environ, "show", known).returncode == 5


def test_operators_see_and_limit_the_queue(operator: Environ, environ: Environ) -> None:
    before = told(operator, "queue")["max_concurrent"]
    assert told(operator, "queue", "limit", "7")["max_concurrent"] == 7
    assert told(operator, "queue", "limit", str(before))["max_concurrent"] == before
    assert set(told(operator, "admin", "stats")) == {"queue", "capacity", "processing"}
    assert len(told(operator, "admin", "activity", "--hours", "3")["hourly"]) == 3
    told(operator, "queue", "pause")
    assert told(operator, "admin", "process")["processed"] == []
    assert ran(environ, "admin", "stats").returncode == 4


def test_failures_are_retried_together(operator: Environ, environ: Environ) -> None:
    known = json.loads(ran(environ, "request", "track", MISSING, "--wait", "--json").stdout)["id"]
    assert known in ran(operator, "admin", "downloads", "--status", "failed", "--ids", "--all").stdout
    assert told(operator, "admin", "retry-failed", "--kind", "track")["requeued"] >= 1
    assert ran(environ, "watch", known).returncode == 1


def test_tab_completes_the_ids_of_active_downloads(operator: Environ, environ: Environ) -> None:
    told(operator, "queue", "pause")
    known = told(environ, "request", "track", MISSING)["id"]
    asked = {"_CRATEKEEPER_COMPLETE": "complete_bash", "COMP_WORDS": "cratekeeper cancel ", "COMP_CWORD": "2"}
    completed = ran({**environ, **asked})
    assert (completed.stdout.split(), completed.stderr) == ([known], "")
    told(environ, "cancel", known)
