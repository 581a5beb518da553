"""The demo provider as a program: how it starts, serves and stops."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import av
import httpx
import pytest

from cratekeeper_local.provider.__main__ import main
from cratekeeper_local.provider.child import Provider, ProviderFailed, running
from cratekeeper_local.provider.shelf import DEMO_ALBUM_ID
from tests.support.waiting import until

COMMAND = [sys.executable, "-m", "cratekeeper_local.provider"]


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with running() as child:
        yield child


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def is_open(port: int) -> bool:
    with socket.socket() as trying:
        return trying.connect_ex(("127.0.0.1", port)) == 0


def etags(provider: Provider) -> dict[str, str]:
    """Each object of the demo album with its validator."""
    client = provider.client
    album = client.get(f"/album/{DEMO_ALBUM_ID}").json()
    artist = client.get(f"/artist/{album['artists_ids'][0]}").json()
    paths = [f"/track/{track}/audio" for disc in album["discs"] for track in disc["tracks"]]
    paths += [f"/image/{image['id']}" for image in (*album["covers"], *artist["portraits"])]
    return {path: client.head(path).headers["etag"] for path in paths}


def test_the_demo_album_plays(provider: Provider) -> None:
    for track in provider.client.get(f"/album/{DEMO_ALBUM_ID}/tracks").json():
        body = provider.client.get(f"/track/{track['id']}/audio").content
        with av.open(BytesIO(body), "r") as container:
            samples = sum(frame.samples for frame in container.decode(audio=0))
        # Lossy formats end on their own frame, at most two of 1024 samples later.
        assert 0 <= samples / 44_100 - track["duration"] / 1000 < 0.05


def test_every_run_serves_the_same_fourteen_objects(provider: Provider, tmp_path: Path) -> None:
    expected = etags(provider)
    assert len(expected) == len(set(expected.values())) == 14
    with running(cache_dir=tmp_path) as fresh:
        assert etags(fresh) == expected
    with running(cache_dir=tmp_path) as from_disk:
        assert etags(from_disk) == expected


def test_counts_and_faults_can_be_set_back(provider: Provider) -> None:
    provider.fault("/health", "status", times=-1, code=503, retry_after=7)
    assert provider.client.get("/health").headers["retry-after"] == "7"
    assert provider.stats().requests["/health"] == 1
    provider.reset()
    assert provider.stats().requests == {}
    assert provider.client.get("/health").status_code == 200


def test_a_fault_that_is_none_is_refused(provider: Provider) -> None:
    with pytest.raises(ValueError, match=r"params\.speed: Extra inputs"):
        provider.fault("/health", "slow", speed=3)


def test_options_reach_the_program() -> None:
    with running(library="tiny", busy=True, rate=1_000, latency=0.0) as child:
        assert child.client.get(f"/album/{DEMO_ALBUM_ID}").status_code == 404


def test_it_stops_on_sigterm_in_the_middle_of_anything() -> None:
    with running(library="tiny") as child:
        child.fault("/health", "hang", times=-1)
        with pytest.raises(httpx.ReadTimeout):
            child.client.get("/health", timeout=0.1)
        with socket.create_connection(("127.0.0.1", int(child.url.rpartition(":")[2]))):
            child.process.send_signal(signal.SIGTERM)
            assert child.process.wait(5) == 0


def test_it_stops_when_its_parent_is_killed() -> None:
    parent_code = (
        "import os, signal\n"
        "from cratekeeper_local.provider.child import running\n"
        "with running(library='tiny') as child:\n"
        "    print(child.url, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    parent = subprocess.run([sys.executable, "-c", parent_code], capture_output=True, check=False, text=True)
    assert parent.returncode == -signal.SIGKILL
    port = int(parent.stdout.rpartition(":")[2])
    until(lambda: not is_open(port), 5)


def test_a_taken_port_is_one_line_and_exit_code_2(taken_port: int) -> None:
    ended = subprocess.run([*COMMAND, "--port", str(taken_port)], capture_output=True, check=False, text=True)
    expected = f"demo provider cannot start: 127.0.0.1:{taken_port}: Address already in use\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", expected)


def test_a_child_that_cannot_start_says_why(taken_port: int) -> None:
    with pytest.raises(ProviderFailed, match="Address already in use"), running(taken_port):
        pass


@pytest.fixture
def ended_stdin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    reading, writing = os.pipe()
    os.close(writing)
    with os.fdopen(reading) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield


@pytest.mark.usefixtures("ended_stdin")
def test_it_tells_where_it_listens(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ready = tmp_path / "ready.json"
    ready.write_text("of an earlier run", "utf-8")
    assert main(["--port", "0", "--until-stdin-closes", "--ready-file", str(ready)]) == 0
    url = json.loads(ready.read_text("utf-8"))["url"]
    assert capsys.readouterr().out == f"demo provider listening on {url} (library: small)\n"
    assert list(tmp_path.iterdir()) == [ready]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--library", "nothing.json"], "demo provider cannot start: nothing.json: No such file or directory\n"),
        (["--cache-dir", "/dev/null/x"], "demo provider cannot start: /dev/null/x: Not a directory\n"),
    ],
)
def test_what_it_cannot_use_is_one_line(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--port", "0", *arguments]) == 2
    assert capsys.readouterr().err == complaint


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "the following arguments are required: --port"),
        (["--port", "65536"], "argument --port: a port is 0 to 65535"),
        (["--port", "0", "--rate", "0"], "argument --rate: a whole number of bytes above 0"),
        (["--port", "0", "--latency", "nan"], "argument --latency: seconds from 0 to 3600"),
        (["--port", "0", "--latency", "soon"], "argument --latency: seconds from 0 to 3600"),
    ],
)
def test_a_bad_option_is_named(arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert capsys.readouterr().err.endswith(f"error: {complaint}\n")
