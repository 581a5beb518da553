"""The command line against the running stack."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.people import Person
from tests.support.stack import PROGRAM, LocalStack

ALBUM_OF_3 = "GLcMOkJHqRmyflbHvhSjLU"
MISSING = "0" * 22


@pytest.fixture
def environ(stack: LocalStack, alice: Person, tmp_path: Path) -> dict[str, str]:
    key = alice.http.headers["Authorization"].removeprefix("Bearer ")
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "CRATEKEEPER_URL": stack.ready["api_url"],
        "CRATEKEEPER_KEY": key,
    }


def ran(environ: dict[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([PROGRAM, *words], env=environ, capture_output=True, text=True, timeout=120, check=False)


def test_request_waits_for_the_album(environ: dict[str, str]) -> None:
    done = ran(environ, "request", "album", ALBUM_OF_3, "--force", "--wait", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["status"] == "COMPLETED"


def test_a_failed_download_is_a_failed_command(environ: dict[str, str]) -> None:
    done = ran(environ, "request", "track", MISSING, "--wait")
    assert done.returncode == 1
    assert "not_found" in done.stdout + done.stderr


def test_ctrl_c_detaches_and_says_how_to_come_back(environ: dict[str, str]) -> None:
    words = [str(PROGRAM), "request", "album", ALBUM_OF_3, "--force", "--wait"]
    with subprocess.Popen(words, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        time.sleep(3)
        if child.poll() is None:
            child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=30)
    assert child.returncode in {0, 130}
    assert child.returncode == 0 or "cratekeeper watch" in said


@pytest.mark.parametrize("words", [("limits",), ("queue",), ("downloads",)])
def test_every_list_speaks_json(environ: dict[str, str], words: tuple[str, ...]) -> None:
    done = ran(environ, *words, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)
