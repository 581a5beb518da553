"""`request batch` and `request discography`: what is sent, in which order, how it ends."""

import json
from pathlib import Path

import httpx
import pytest

from tests.unit.cli.fake_server import ALBUM, ROOT, FakeServer, Json, a_download, a_problem, a_progress, an_album
from tests.unit.cli.program import Program

BATCH = "/v1/downloads/batch"
DISCOGRAPHY = "/v1/downloads/discography"
TRACK = "7tFiyTwD0nx5a1eklYtX2J"
ARTIST = "3TVXtAsR1Inumwj472S9r4"
OTHER = "01JD8Z4M2B6C8D0E3F5G7H9J1K"


def results(*rows: tuple[str, str | None, str | None]) -> Json:
    return {
        "results": [
            {"index": index, "status": status, "download_id": known, **({"reason": reason} if reason else {})}
            for index, (status, known, reason) in enumerate(rows)
        ]
    }


def wished(count: int) -> str:
    return "".join(f"{number:022}\n" for number in range(count))


def test_lines_are_ids_kinds_and_objects(cli: Program, server: FakeServer, tmp_path: Path) -> None:
    file = tmp_path / "wanted.txt"
    file.write_text(f'\ufeff# mine\n{ALBUM}\n\n  track {TRACK}\n{{"content_id": "{TRACK}", "kind": "track"}}\n')
    server.answers[f"POST {BATCH}"] = results(("queued", ROOT, None), ("queued", OTHER, None), ("skipped", None, "x"))
    assert cli("request", "batch", str(file), "--priority", "3").code == 0
    track = {"kind": "track", "content_id": TRACK}
    items = [{"kind": "album", "content_id": ALBUM}, track, track]
    assert server.sent() == [(BATCH, {"items": items, "priority": 3})]


def test_kind_and_force_hold_where_a_line_says_nothing_else(cli: Program, server: FakeServer) -> None:
    server.answers[f"POST {BATCH}"] = results(("queued", ROOT, None))
    cli(
        "request", "batch", "-", "--kind", "Track", "--force", typed=f'{TRACK}\n{{"content_id": "x", "force": false}}\n'
    )
    assert server.sent()[0][1] == {
        "items": [
            {"kind": "track", "force": True, "content_id": TRACK},
            {"kind": "track", "force": False, "content_id": "x"},
        ]
    }


def test_results_are_in_the_order_of_the_lines(cli: Program, server: FakeServer) -> None:
    answer = results(
        ("queued", ROOT, None), ("skipped", None, "already_in_catalog"), ("skipped", OTHER, "already_queued")
    )
    server.answers[f"POST {BATCH}"] = answer
    ended = cli("request", "batch", "-", typed=f"{ALBUM}\n{TRACK}\n{ARTIST}\n")
    assert (ended.code, ended.stderr) == (0, "1 queued, 1 already_in_catalog, 1 already_queued\n")
    assert [line.split() for line in ended.stdout.splitlines()[1:]] == [
        ["1", ALBUM, "queued", ROOT],
        ["2", TRACK, "already_in_catalog"],
        ["3", ARTIST, "already_queued", OTHER],
    ]
    assert cli("request", "batch", "-", "--json", typed=f"{ALBUM}\n").json == answer


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 2 is no JSON object"),
        ("[" * 5, "line 2 is neither"),
        ("disc abc", "line 2 is neither"),
        ("track a b", "line 2 is neither"),
        ("{" * 100_000, "line 2 is no JSON object"),
    ],
)
def test_a_wrong_line_is_named_and_nothing_is_sent(cli: Program, server: FakeServer, line: str, said: str) -> None:
    ended = cli("request", "batch", "-", typed=f"{ALBUM}\n{line}\n")
    assert (ended.code, server.seen) == (2, [])
    assert ended.stderr.startswith(f"error: {said}")


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "No such file"), (b"\xff\xfe", "is no UTF-8 text"), (b"# nothing\n\n", "holds no requests")],
)
def test_a_file_that_cannot_be_used_is_told(
    cli: Program, server: FakeServer, tmp_path: Path, content: bytes | None, said: str
) -> None:
    file = tmp_path / "wanted.txt"
    if content is not None:
        file.write_bytes(content)
    ended = cli("request", "batch", str(file))
    assert (ended.code, server.seen) == (2, [])
    assert said in ended.stderr


def test_a_limit_that_left_some_out_is_the_exit_code(cli: Program, server: FakeServer) -> None:
    server.answers[f"POST {BATCH}"] = results(("queued", ROOT, None), ("skipped", None, "daily_limit_reached"))
    ended = cli("request", "batch", "-", typed=wished(2))
    assert (ended.code, "cratekeeper limits" in ended.stderr) == (7, True)


def test_more_than_a_hundred_go_in_portions_under_keys_of_their_own(cli: Program, server: FakeServer) -> None:
    server.answers[f"POST {BATCH}"] = results(*[("queued", ROOT, None)] * 100)
    ended = cli("request", "batch", "-", "--idempotency-key", "monday", "--json", typed=wished(200))
    rows = ended.json["results"]
    assert isinstance(rows, list)
    assert [row["index"] for row in rows] == list(range(200))
    assert [request.headers["Idempotency-Key"] for request in server.seen] == ["monday", "monday.1"]


def test_portions_after_a_refusal_are_told_as_refused(cli: Program, server: FakeServer) -> None:
    server.answers[f"POST {BATCH}"] = results(*[("queued", ROOT, None)] * 100)
    server.troubles[BATCH] = [None, a_problem(400, "invalid_request", "items.3.content_id: short")]
    ended = cli("request", "batch", "-", typed=wished(130))
    assert (ended.code, "100 queued, 30 refused" in ended.stderr) == (8, True)
    assert "error: items.3.content_id: short" in ended.stderr


def test_a_refusal_of_all_is_told_as_any_other(cli: Program, server: FakeServer) -> None:
    server.troubles[BATCH] = [a_problem(400, "invalid_request", "items.0.content_id: short")]
    assert cli("request", "batch", "-", typed="short\n").code == 2


def test_a_discography_says_what_is_queued_and_why_the_rest_is_not(cli: Program, server: FakeServer) -> None:
    answer: Json = {
        "queued": [{"album_id": ALBUM, "download_id": ROOT}],
        "skipped": [{"album_id": TRACK, "reason": "already_in_catalog"}],
        "albums_queued": 1,
        "albums_skipped": 1,
    }
    server.answers[f"POST {DISCOGRAPHY}"] = answer
    ended = cli("request", "discography", ARTIST, "--name", "Her")
    assert (ended.code, ended.stderr) == (0, "1 queued, 1 already_in_catalog\n")
    assert [line.split() for line in ended.stdout.splitlines()[1:]] == [
        [ALBUM, "queued", ROOT],
        [TRACK, "already_in_catalog"],
    ]
    assert server.sent() == [(DISCOGRAPHY, {"artist_id": ARTIST, "artist_name": "Her"})]
    assert cli("request", "discography", ARTIST, "--json").json == answer


@pytest.mark.parametrize(("reason", "code"), [("already_queued", 0), ("queue_limit_reached", 7)])
def test_a_limit_leaves_albums_out(cli: Program, server: FakeServer, reason: str, code: int) -> None:
    server.answers[f"POST {DISCOGRAPHY}"] = {"queued": [], "skipped": [{"album_id": ALBUM, "reason": reason}]}
    assert cli("request", "discography", ARTIST, "--wait").code == code


def test_an_artist_without_albums(cli: Program, server: FakeServer) -> None:
    server.answers[f"POST {DISCOGRAPHY}"] = {"queued": [], "skipped": []}
    assert cli("request", "discography", ARTIST).stdout == "no albums\n"


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        ("COMPLETED", "COMPLETED", 0),
        ("COMPLETED", "CANCELLED", 8),
        ("FAILED", "CANCELLED", 1),
        ("CANCELLED", "FAILED", 1),
    ],
)
def test_wait_ends_with_the_worst_outcome(cli: Program, server: FakeServer, first: str, second: str, code: int) -> None:
    server.answers[f"POST {BATCH}"] = results(
        ("queued", ROOT, None), ("skipped", "X", "already_queued"), ("queued", OTHER, None)
    )
    server.timelines[ROOT] = [(0, a_download(kind="track")), (2, a_download(kind="track", status=first))]
    server.timelines[OTHER] = [(0, a_download(id=OTHER, kind="track", status=second))]
    ended = cli("request", "batch", "-", "--wait", "--json", typed=wished(3))
    last = ended.json["downloads"]
    assert isinstance(last, list)
    assert (ended.code, [one["status"] for one in last]) == (code, [first, second])
    shown = cli("request", "batch", "-", "--wait", typed=wished(3))
    assert (shown.code, f"{OTHER}  {second}" in shown.stdout) == (code, True)


def test_a_limit_is_still_told_after_waiting(cli: Program, server: FakeServer) -> None:
    server.answers[f"POST {BATCH}"] = results(("queued", ROOT, None), ("skipped", None, "queue_limit_reached"))
    server.timelines[ROOT] = [(0, a_download(kind="track", status="COMPLETED"))]
    assert cli("request", "batch", "-", "--wait", typed=wished(2)).code == 7


def test_ctrl_c_leaves_all_of_them(cli: Program, server: FakeServer) -> None:
    server.answers[f"POST {BATCH}"] = results(("queued", ROOT, None), ("queued", OTHER, None))
    server.timelines[ROOT] = [(0, an_album("IN_PROGRESS", a_progress(2)))]
    server.lists[f"/v1/downloads/{ROOT}/children"] = []
    server.clock.interrupt_at_s = 3
    ended = cli("request", "batch", "-", "--wait", typed=wished(2))
    assert ended.code == 130
    assert ended.stderr.endswith("still downloading; come back with: cratekeeper downloads --active\n")


@pytest.mark.parametrize("command", [["album", ALBUM], ["discography", ARTIST], ["batch", "-"]])
@pytest.mark.parametrize("chosen", [None, "mine"])
def test_every_creating_request_keeps_its_key_over_a_broken_line(
    cli: Program, server: FakeServer, command: list[str], chosen: str | None
) -> None:
    server.answers |= {f"POST {BATCH}": results(("queued", ROOT, None)), f"POST {DISCOGRAPHY}": {"queued": []}}
    server.refusals = [httpx.ReadError("reset")]
    option = ["--idempotency-key", chosen] if chosen else []
    assert cli("request", *command, *option, typed=wished(1)).code == 0
    sent = {request.headers["Idempotency-Key"] for request in server.seen}
    assert (len(server.seen), sent) == (2, {chosen or "key-0"})


def test_a_lost_answer_names_the_key_to_ask_again_with(cli: Program, server: FakeServer) -> None:
    server.refusals = [httpx.ReadTimeout("late")]
    ended = cli("request", "album", ALBUM)
    assert (ended.code, len(server.seen)) == (3, 1)
    assert "add: --idempotency-key key-0" in ended.stderr


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "ä", "a\nb"])
def test_a_key_that_can_be_none_is_not_sent(cli: Program, server: FakeServer, key: str) -> None:
    assert (cli("request", "album", ALBUM, "--idempotency-key", key).code, server.seen) == (2, [])


def test_items_are_sent_as_json(cli: Program, server: FakeServer) -> None:
    server.answers[f"POST {BATCH}"] = results(("queued", ROOT, None))
    wish = {"content_id": ALBUM, "content_name": "Nächte"}
    cli("request", "batch", "-", typed=json.dumps(wish))
    assert server.sent()[0][1]["items"] == [{"kind": "album", **wish}]
