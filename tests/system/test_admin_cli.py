"""What operators do at a terminal, against the running stack."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.people import Town
from tests.support.stack import LocalStack
from tests.support.waiting import until
from tests.system.test_cli import MISSING, Environ, of, ran, told

USER = "auth0|carol@x"


@pytest.fixture
def root(stack: LocalStack, town: Town, tmp_path: Path) -> Iterator[Environ]:
    with town.person("admin") as person:
        yield of(person, stack, tmp_path)


def test_a_user_comes_gets_keys_and_loses_one(root: Environ) -> None:
    assert told(root, "admin", "users", "create", USER, "--max-per-day", "5")["keys"] == []
    assert ran(root, "admin", "users", "create", USER).returncode == 6
    assert told(root, "admin", "users", "change", USER, "--max-queue", "unlimited")["max_queue"] == -1
    assert told(root, "admin", "users", "change", USER, "--max-per-day", "default")["max_per_day"] is None
    kept = ran(root, "admin", "keys", "create", USER).stdout.strip()
    lost = told(root, "admin", "keys", "create", USER)
    assert ran(root, "admin", "keys", "revoke", USER, "--yes", "--", lost["key_id"]).returncode == 0
    assert lost["key_id"] not in {each["key_id"] for each in told(root, "admin", "keys", "list", USER)["keys"]}
    assert told({**root, "CRATEKEEPER_KEY": kept}, "limits")["user"]["max_queue"] == -1
    assert ran({**root, "CRATEKEEPER_KEY": lost["key"]}, "limits").returncode == 4
    assert USER in ran(root, "admin", "users", "--ids", "--all").stdout.split()
    entries = until(lambda: told(root, "admin", "audit", "--event", "key_revoked", "--since", "1h", "--all")["items"])
    assert lost["key_id"] in {each["details"]["key_id"] for each in entries}


def test_jobs_are_run_and_waited_for(root: Environ) -> None:
    assert ran(root, "admin", "jobs", "run", "nothing").returncode == 5
    assert ran(root, "admin", "jobs", "run", "abandoned_uploads", "--dry-run").returncode == 2
    run = told(root, "admin", "jobs", "run", "abandoned_uploads", "--wait")
    assert (run["status"], told(root, "admin", "jobs", "show", "abandoned_uploads")["last_run"]) == ("completed", run)
    assert run in told(root, "admin", "jobs", "history", "abandoned_uploads")["items"]
    dry = ("admin", "jobs", "run", "integrity_watchdog", "--dry-run", "--wait")
    # Until the scan that the start of the stack began has ended, another is refused.
    scan = until(lambda: (done := ran(root, *dry)).returncode != 6 and done)
    assert (scan.returncode, "none: a dry run" in scan.stdout) == (0, True), scan.stderr


def test_the_audit_of_a_download_and_of_a_user(root: Environ) -> None:
    known = told(root, "request", "track", MISSING)["id"]
    assert ran(root, "watch", known).returncode == 1
    of_it = ("admin", "audit", "download", known, "--order", "oldest", "--limit", "1")
    first = until(lambda: told(root, *of_it)["items"])[0]
    assert (first["event_type"], first["download_id"]) == ("REQUEST_CREATED", known)
    mine = told(root, "admin", "audit", "user", first["user_id"], "--event", "request_created")["items"]
    assert [each["id"] for each in mine] == [first["id"]]
    assert ran(root, "admin", "audit", "download", "01JD8Z3V5K7Q9S1T2W4X6Y8Z0A").returncode == 5
