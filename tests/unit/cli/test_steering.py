"""`cancel`, `pause`, `resume`, `retry`, `priority`: one, many, and what goes wrong."""

import httpx
import pytest

from tests.unit.cli.fake_server import ROOT, FakeServer, Json, a_download, a_problem
from tests.unit.cli.program import Program

MANY = "/v1/downloads/batch-action"
VERBS = [["cancel"], ["pause"], ["resume"], ["retry"], ["priority", "3"]]
OTHER = "01JD8Z4M2B6C8D0E3F5G7H9J1K"


def an_outcome(*, done: dict[str, str], refused: dict[str, str]) -> Json:
    return {
        "total": len(done) + len(refused),
        "successful": len(done),
        "failed": len(refused),
        "results": [{"id": one, "status": status} for one, status in done.items()],
        "errors": [{"id": one, "code": code} for one, code in refused.items()],
    }


@pytest.mark.parametrize("verb", VERBS)
def test_one_goes_to_its_own_route(cli: Program, server: FakeServer, verb: list[str]) -> None:
    server.answers[f"POST /v1/downloads/{ROOT}/{verb[0]}"] = a_download(status="PAUSED", content_name="Night")
    ended = cli(*verb, ROOT)
    assert (ended.code, ended.stdout) == (0, "PAUSED  Night\n")
    body = {"priority": 3} if verb[0] == "priority" else {}
    assert server.sent() == [(f"/v1/downloads/{ROOT}/{verb[0]}", body)]


@pytest.mark.parametrize("verb", VERBS)
def test_json_of_one_is_the_download(cli: Program, server: FakeServer, verb: list[str]) -> None:
    document = a_download(status="CANCELLED")
    server.answers[f"POST /v1/downloads/{ROOT}/{verb[0]}"] = document
    assert cli(*verb, ROOT, "--json").json == document


@pytest.mark.parametrize("verb", VERBS)
def test_many_go_together(cli: Program, server: FakeServer, verb: list[str]) -> None:
    server.answers[f"POST {MANY}"] = an_outcome(done={ROOT: "PENDING", OTHER: "PAUSED"}, refused={})
    ended = cli(*verb, ROOT, OTHER)
    assert (ended.code, ended.stderr) == (0, "")
    assert [line.split() for line in ended.stdout.splitlines()] == [
        ["ID", "OUTCOME"],
        [ROOT, "PENDING"],
        [OTHER, "PAUSED"],
    ]
    more = {"priority": 3} if verb[0] == "priority" else {}
    assert server.sent() == [(MANY, {"ids": [ROOT, OTHER], "action": verb[0], **more})]


def test_what_was_refused_is_named_and_is_the_exit_code(cli: Program, server: FakeServer) -> None:
    server.answers[f"POST {MANY}"] = an_outcome(done={OTHER: "CANCELLED"}, refused={ROOT: "invalid_state"})
    ended = cli("cancel", ROOT, OTHER)
    assert (ended.code, ended.stderr) == (8, "1 of 2 not done\n")
    assert f"{ROOT}  not done: invalid_state\n{OTHER}  CANCELLED\n" in ended.stdout
    assert cli("cancel", ROOT, OTHER, "--json").json == server.answers[f"POST {MANY}"]


def test_ids_come_from_standard_input_as_well_and_each_once(cli: Program, server: FakeServer) -> None:
    server.answers[f"POST {MANY}"] = an_outcome(done={ROOT: "PENDING", OTHER: "PENDING"}, refused={})
    assert cli("retry", OTHER, "-", OTHER, typed=f"{ROOT}\n{OTHER}\n").code == 0
    assert server.sent()[0][1]["ids"] == [OTHER, ROOT]


@pytest.mark.parametrize("typed", ["", " \n\n"])
def test_no_ids_are_wrong_usage(cli: Program, server: FakeServer, typed: str) -> None:
    ended = cli("cancel", "-", typed=typed)
    assert (ended.code, ended.stderr, server.seen) == (2, "error: standard input holds no ids\n", [])


@pytest.mark.parametrize("typed", [["cancel"], ["cancel", "a/b"], ["priority", "4", ROOT], ["priority", "x", ROOT]])
def test_wrong_usage_is_told_without_a_request(cli: Program, server: FakeServer, typed: list[str]) -> None:
    assert (cli(*typed).code, server.seen) == (2, [])


def test_a_refusal_of_one_is_told_in_full(cli: Program, server: FakeServer) -> None:
    server.refusals = [a_problem(409, "invalid_state", "it is COMPLETED and cannot be cancelled")]
    ended = cli("cancel", ROOT)
    assert ended.code == 6
    assert ended.stderr == "error: it is COMPLETED and cannot be cancelled (invalid_state, request id req-1)\n"


@pytest.mark.parametrize(("count", "calls"), [(100, 1), (101, 2), (250, 3)])
def test_more_than_a_hundred_go_in_portions(cli: Program, server: FakeServer, count: int, calls: int) -> None:
    ids = [f"D{number}" for number in range(count)]
    server.answers[f"POST {MANY}"] = an_outcome(done=dict.fromkeys(ids, "PENDING"), refused={})
    assert cli("resume", *ids).code == 0
    portions = [body["ids"] for _, body in server.sent()]
    assert len(portions) == calls
    assert [one for portion in portions if isinstance(portion, list) for one in portion] == ids


def test_portions_after_a_failure_are_told_as_not_done(cli: Program, server: FakeServer) -> None:
    ids = [f"D{number}" for number in range(150)]
    server.answers[f"POST {MANY}"] = an_outcome(done=dict.fromkeys(ids[:100], "PAUSED"), refused={})
    server.troubles[MANY] = [None, a_problem(503, "unavailable", "not now")]
    ended = cli("pause", *ids)
    assert (ended.code, "error: not now" in ended.stderr, "50 of 150 not done" in ended.stderr) == (8, True, True)
    assert "D99   PAUSED\nD100  not done: unavailable" in ended.stdout


def test_a_failure_of_the_first_portion_is_the_failure_of_all(cli: Program, server: FakeServer) -> None:
    server.troubles[MANY] = [a_problem(503, "unavailable", "not now")]
    ended = cli("pause", ROOT, OTHER)
    assert (ended.code, ended.stdout) == (1, "")


def test_an_id_without_an_answer_counts_as_not_done(cli: Program, server: FakeServer) -> None:
    server.answers[f"POST {MANY}"] = {"results": [{"id": ROOT}], "errors": "none"}
    ended = cli("pause", ROOT, OTHER)
    assert (ended.code, f"{OTHER}  not done: no_answer" in ended.stdout) == (8, True)


@pytest.mark.parametrize("lost", [httpx.ReadError("reset"), httpx.ReadTimeout("late")])
def test_a_change_is_not_repeated_over_a_lost_line(cli: Program, server: FakeServer, lost: Exception) -> None:
    server.refusals = [lost]
    ended = cli("cancel", ROOT)
    assert (ended.code, len(server.seen)) == (3, 1)
    assert "it may have been done all the same" in ended.stderr
    assert "Idempotency-Key" not in server.seen[0].headers


@pytest.mark.parametrize(
    ("verb", "way"),
    [("cancel", "cratekeeper retry"), ("pause", "cratekeeper resume"), ("retry", "cratekeeper watch")],
)
def test_the_way_on_is_named(cli: Program, server: FakeServer, verb: str, way: str) -> None:
    server.answers[f"POST /v1/downloads/{ROOT}/{verb}"] = a_download()
    assert f"{way} {ROOT}\n" in cli(verb, ROOT).stderr
