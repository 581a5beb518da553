"""The local stack's memory: killed with SIGKILL, told to end too early, started again on what it saved."""

import signal
from pathlib import Path

import httpx
import pytest

from cratekeeper_local import keys
from cratekeeper_local.provider.shelf import DEMO_ALBUM_ID
from cratekeeper_local.snapshots import Shelf
from tests.support.stack import LocalStack, local_stack, processes_on
from tests.support.waiting import until

pytestmark = pytest.mark.timeout(300)


@pytest.mark.case("K-01")
def test_killed_in_the_middle_it_comes_back_and_finishes(tmp_path: Path) -> None:
    with local_stack(tmp_path, "--set", "LeaseSeconds=5") as stack:
        first_keys, first_endpoint = {name: stack.ready[name] for name in keys.PEOPLE}, stack.ready["aws_endpoint_url"]
        with stack.http() as user:
            made = user.post("/v1/downloads", json={"kind": "album", "content_id": DEMO_ALBUM_ID})
            assert made.status_code == 202, made.text
            until(lambda: completed(user, made) > 0)
        stack.kill()
        until(lambda: not processes_on(tmp_path), 10)
        damage_newest(stack)
        stack.restart()
        assert "is left out" in stack.said()
        assert {name: stack.ready[name] for name in keys.PEOPLE} == first_keys
        assert stack.ready["aws_endpoint_url"] == first_endpoint
        with stack.http() as user:
            until(lambda: user.get(made.headers["location"]).json()["status"] == "COMPLETED", 90)
            assert completed(user, made) == 14
            until(lambda: history(user, made)[-1:] == ["DOWNLOAD_COMPLETED"])
            assert sorted(history(user, made)) == sorted(set(history(user, made)))
        assert stack.stop() == 0
        assert not stack.data.ready.exists()
        assert processes_on(tmp_path) == []


def completed(user: httpx.Client, made: httpx.Response) -> int:
    count: int = user.get(made.headers["location"]).json()["progress"]["completed"]
    return count


def history(user: httpx.Client, made: httpx.Response) -> list[str]:
    items = user.get(f"{made.headers['location']}/events").json()["items"]
    return [entry["event_type"] for entry in items]


def damage_newest(stack: LocalStack) -> None:
    newest, before = Shelf(stack.data.snapshots).newest_first()
    (newest / "dynamodb.json").write_text("{")
    assert (before / "dynamodb.json").is_file()


def test_a_first_start_that_was_killed_halfway_is_begun_afresh(tmp_path: Path) -> None:
    stack = LocalStack(tmp_path)
    stack.process = stack.begin()
    until(lambda: any(stack.data.objects.rglob("*.zip")))  # the template comes next
    stack.kill()
    until(lambda: not processes_on(tmp_path), 10)
    assert Shelf(stack.data.snapshots).newest_first() == []
    with local_stack(tmp_path) as again, again.http() as user:
        assert "begun afresh" in again.said()
        assert user.get("/v1/limits").status_code == 200


def test_a_launcher_that_is_told_to_end_while_it_starts_leaves_nothing(tmp_path: Path) -> None:
    stack = LocalStack(tmp_path)
    process = stack.begin()
    until((stack.data.logs / "emulator.log").is_file)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert processes_on(tmp_path) == []
