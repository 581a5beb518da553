"""`admin jobs …`: the list, one job, its history, and running it now."""

import httpx
import pytest

from tests.unit.cli.fake_server import Clock, FakeServer, Json, a_problem
from tests.unit.cli.program import Program

JOB = "integrity_watchdog"
PATH = f"/v1/admin/jobs/{JOB}"
TRIGGER = f"POST {PATH}/trigger"
RUN = "01JD7Z5A8M0000000000000000"
OTHER = "01JD7Z5A8M0000000000000001"
REPORT: Json = {
    "missing_track_audio": [f"track{number}" for number in range(1000)],
    "missing_album_images": [], "missing_artist_images": [], "truncated": ["audio/cut.mp3"], "orphaned": [],
    "counts": {"missing_track_audio": 1200, "truncated": 1},
    "items_queued": 1200, "items_skipped": 1, "objects_scanned": 5120, "rows_scanned": 6319,
    "scan_duration_ms": 4210, "dry_run": False,
}  # fmt: skip


def a_run(**changes: object) -> Json:
    plain: Json = {
        "run_id": RUN, "job_id": JOB, "started_at": "2026-11-21T03:00:00.000Z",
        "finished_at": "2026-11-21T03:01:05.000Z", "status": "completed", "triggered_by": "schedule",
        "error_message": None, "result": REPORT,
    }  # fmt: skip
    return {**plain, **changes}


def a_job(last_run: Json | None, **changes: object) -> Json:
    plain: Json = {
        "id": JOB, "name": "Integrity watchdog", "description": "Compares.", "schedule": "rate(1 day), OnStartup",
        "on_shutdown": "stop", "status": "idle", "last_run": last_run, "next_run_at": "2026-11-22T03:00:00Z",
    }  # fmt: skip
    return {**plain, **changes}


def running() -> Json:
    return a_job(a_run(status="running", finished_at=None, result=None), status="running")


def words_of(text: str) -> list[str]:
    """The lines without their padding."""
    return [" ".join(line.split()) for line in text.splitlines()]


def test_jobs_are_listed_with_their_last_and_next_run(cli: Program, server: FakeServer) -> None:
    never = a_job(None, id="popular_content", next_run_at=None, schedule="rate(1 hour)")
    found: Json = {"items": [a_job(a_run(status="failed")), never], "next_cursor": None}
    server.documents["/v1/admin/jobs"] = found
    first, second = words_of(cli.having({"TZ": "UTC"})("admin", "jobs").stdout)[1:]
    assert first.startswith(f"{JOB} 11-21 ")
    assert (first.split()[3], second) == ("failed", "popular_content – – – rate(1 hour)")
    assert first.endswith("rate(1 day), OnStartup")
    assert dict(server.seen[0].url.params) == {}  # the route knows none and would refuse them
    assert cli("admin", "jobs", "--json").json == found


@pytest.mark.parametrize("columns", ["50", "70", "100", "160"])
def test_rows_fit(cli: Program, server: FakeServer, columns: str) -> None:
    failed = a_run(status="failed", error_message="no answer " * 50, triggered_by="u" * 60, result=None)
    server.documents |= {
        "/v1/admin/jobs": {"items": [a_job(failed)]},
        f"{PATH}/history": {"items": [failed, a_run()]},
        PATH: a_job(a_run()),
    }
    person = cli.having({"COLUMNS": columns})
    for words in (["jobs"], ["jobs", "history", JOB], ["jobs", "show", JOB]):
        assert max(map(len, person("admin", *words).stdout.splitlines())) <= int(columns)


def test_the_report_of_the_watchdog_is_shown(cli: Program, server: FakeServer) -> None:
    server.documents[PATH] = a_job(a_run())
    ended = cli("admin", "jobs", "show", JOB)
    lines = words_of(ended.stdout)
    assert {
        "Repairs 1,200 queued, 1 on their way already",
        "Compared 5,120 objects with 6,319 rows of the catalog in 4 s",
        "missing tracks 1,200 track0, track1, track2, and 1,197 more",
        "truncated 1 audio/cut.mp3",
        "orphaned 0",
        "A shutdown may stop it",
    } <= set(lines)
    assert (ended.code, cli("admin", "jobs", "show", JOB, "--json").json) == (0, a_job(a_run()))


def test_a_clean_dry_run_says_so(cli: Program, server: FakeServer) -> None:
    server.documents[PATH] = a_job(a_run(result={"missing_track_audio": [], "dry_run": True}))
    lines = words_of(cli("admin", "jobs", "show", JOB).stdout)
    assert ("everything is whole" in lines, "Repairs none: a dry run" in lines) == (True, True)


def test_results_of_other_jobs_are_told_as_they_are(cli: Program, server: FakeServer) -> None:
    result = {"slots_freed": 1200, "is_new": True, "keys": ["a", "b", "c", "d"], "none": [], "before": None, "x": 1.5}
    server.documents[PATH] = a_job(a_run(result=result))
    lines = set(words_of(cli("admin", "jobs", "show", JOB).stdout))
    assert {"Slots freed 1,200", "Is new yes", "Keys a, b, c, and 1 more", "None none", "Before –", "X 1.5"} <= lines
    server.documents[PATH] = a_job(None)
    assert cli("admin", "jobs", "show", JOB).stdout.endswith("it has never run\n")


def test_the_history_has_the_whole_error(cli: Program, server: FakeServer) -> None:
    failed = a_run(status="failed", error_message="x" * 300, result=None, triggered_by="root")
    runs = [failed, a_run(), a_run(result={"removed": 1200, "retention_days": None}), a_run(result=None)]
    server.documents[f"{PATH}/history"] = {"items": runs, "next_cursor": None}
    lines = words_of(cli("admin", "jobs", "history", JOB, "--limit", "3").stdout)[1:]
    assert lines[0].endswith(f"1 min 05 s failed root {'x' * 300}")
    assert lines[1].endswith("schedule 1,200 missing tracks, 1 truncated; repairs queued: 1,200")
    assert lines[2].endswith("schedule removed 1,200")
    assert dict(server.seen[0].url.params) == {"limit": "3"}
    server.documents[f"{PATH}/history"] = {"items": []}
    assert cli("admin", "jobs", "history", JOB).stdout == "it has never run\n"


@pytest.mark.parametrize(
    ("options", "params"),
    [
        ([], {}),
        (["--dry-run"], {"dry_run": True}),
        (["--param", "dry_run=false", "--param", "days=7"], {"dry_run": False, "days": 7}),
    ],
)
def test_a_run_begins_with_its_parameters(
    cli: Program, server: FakeServer, options: list[str], params: dict[str, object]
) -> None:
    server.answers[TRIGGER] = {"run_id": RUN}
    ended = cli("admin", "jobs", "run", JOB, *options)
    assert (ended.code, ended.stdout) == (0, f"{RUN}\n")
    assert server.sent() == [(f"{PATH}/trigger", {"params": params})]
    assert cli("admin", "jobs", "run", JOB, "--json").json == {"run_id": RUN}


@pytest.mark.parametrize(
    ("refusal", "code", "hint"),
    [
        (a_problem(404, "not_found", "no such job"), 5, "list the jobs with: cratekeeper admin jobs"),
        (a_problem(409, "job_running", "it runs"), 6, "one run of a job at a time"),
        (a_problem(400, "invalid_request", "no such parameter"), 2, ""),
        (a_problem(403, "forbidden", "server_admin is missing"), 4, "use a key that may"),
    ],
)
def test_refusals_are_told_and_nothing_is_waited_for(
    cli: Program, server: FakeServer, refusal: httpx.Response, code: int, hint: str
) -> None:
    server.troubles[f"{PATH}/trigger"] = [refusal]
    ended = cli("admin", "jobs", "run", JOB, "--wait")
    assert (ended.code, ended.stdout, len(server.seen)) == (code, "", 1)
    assert hint in ended.stderr


@pytest.mark.parametrize(("status", "code"), [("completed", 0), ("failed", 1)])
def test_wait_ends_as_the_run_does(cli: Program, server: FakeServer, clock: Clock, status: str, code: int) -> None:
    ended = a_run(status=status, error_message=None if status == "completed" else "no table")
    server.answers[TRIGGER] = {"run_id": RUN}
    server.timelines[JOB] = [(0, running()), (65, a_job(ended))]
    done = cli("admin", "jobs", "run", JOB, "--wait")
    assert (done.code, "Error no table" in words_of(done.stdout)) == (code, code == 1)
    assert done.stderr.count("integrity_watchdog runs, ") == 2
    assert 65 <= clock.now_s < 68
    assert cli("admin", "jobs", "run", JOB, "--wait", "--json").json == ended


def test_a_terminal_has_one_line_that_counts(cli: Program, server: FakeServer) -> None:
    server.answers[TRIGGER] = {"run_id": RUN}
    server.timelines[JOB] = [(0, running()), (65, a_job(a_run()))]
    on_a_terminal = cli.having({"FORCE_COLOR": "1", "TERM": "xterm"})
    done = on_a_terminal("admin", "jobs", "run", JOB, "--wait", "--json")
    assert (done.code, done.json, "integrity_watchdog runs" in done.stderr) == (0, a_run(), True)


def test_wait_finds_a_run_that_others_followed(cli: Program, server: FakeServer) -> None:
    server.answers[TRIGGER] = {"run_id": RUN}
    server.documents |= {PATH: a_job(a_run(run_id=OTHER)), f"{PATH}/history": {"items": [a_run(status="failed")]}}
    assert cli("admin", "jobs", "run", JOB, "--wait").code == 1
    server.documents[f"{PATH}/history"] = {"items": []}
    lost = cli("admin", "jobs", "run", JOB, "--wait", "--json")
    assert (lost.code, lost.json["code"]) == (1, "run_unknown")


def test_wait_outlives_a_broken_line(cli: Program, server: FakeServer) -> None:
    server.answers[TRIGGER] = {"run_id": RUN}
    server.timelines[JOB] = [(0, running()), (20, a_job(a_run()))]
    server.outage_s = (3, 12)
    done = cli("admin", "jobs", "run", JOB, "--wait")
    assert (done.code, "trying again in 1 s" in done.stderr, "answers again" in done.stderr) == (0, True, True)
    server.troubles[PATH] = [a_problem(403, "forbidden", "no more")]
    assert cli("admin", "jobs", "run", JOB, "--wait").code == 4


def test_ctrl_c_leaves_the_run_alone(cli: Program, server: FakeServer, clock: Clock) -> None:
    server.answers[TRIGGER] = {"run_id": RUN}
    server.timelines[JOB] = [(0, running())]
    clock.interrupt_at_s = 3
    ended = cli("admin", "jobs", "run", JOB, "--wait", "--json")
    assert (ended.code, ended.json["run_id"]) == (130, RUN)
    assert ended.stderr.endswith(f"the run goes on; see how it ends with: cratekeeper admin jobs show {JOB}\n")


@pytest.mark.parametrize(
    "typed",
    [
        ["run"], ["run", "a/b"], ["run", JOB, "--param", "days"], ["run", JOB, "--param", "days=x"],
        ["run", JOB, "--dry-run", "--param", "dry_run=true"], ["history", JOB, "--limit", "201"], ["show", "../x"],
    ],
)  # fmt: skip
def test_wrong_usage_is_told_without_a_request(cli: Program, server: FakeServer, typed: list[str]) -> None:
    assert (cli("admin", "jobs", *typed).code, server.seen) == (2, [])
