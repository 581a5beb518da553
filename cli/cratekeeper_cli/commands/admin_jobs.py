"""`admin jobs …`: the background jobs, how they went, and running one now."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Final

import typer

from cratekeeper_cli import completion, runs
from cratekeeper_cli.answers import Fields, items_of
from cratekeeper_cli.arguments import checked_id
from cratekeeper_cli.awaiting import await_run
from cratekeeper_cli.endpoint import Role
from cratekeeper_cli.errors import BadInput
from cratekeeper_cli.exits import Exit
from cratekeeper_cli.hints import where_to_look
from cratekeeper_cli.tree import NoOptions, Run, Tree

_LIST: Final = "/v1/admin/jobs"
_WATCHDOG: Final = "integrity_watchdog"
_PARAMETER: Final = re.compile(r"([a-z][a-z0-9_]{0,63})=(true|false|-?[0-9]{1,9})")

_JobId = Annotated[
    str, typer.Argument(metavar="JOB", help="A job's id, as `admin jobs` lists it.", autocompletion=completion.jobs())
]


@dataclass(frozen=True, slots=True)
class ShowOptions:
    """Which job."""

    job: _JobId


@dataclass(frozen=True, slots=True)
class HistoryOptions:
    """Which job, and how far back."""

    job: _JobId
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many runs at most.")] = 20


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Which job, how, and whether to wait."""

    job: _JobId
    param: Annotated[
        list[str],
        typer.Option(
            "--param",
            metavar="NAME=VALUE",
            help="A parameter of the job: true, false or a whole number. May be repeated. integrity_watchdog knows "
            "dry_run, popular_content knows days.",
        ),
    ] = field(default_factory=list)
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only report, change nothing; for integrity_watchdog.")] = (
        False
    )
    wait: Annotated[bool, typer.Option("--wait", help="Wait for its end, and show what came of it.")] = False


def add_to(tree: Tree) -> None:
    """Add the commands of this module; the group `admin` must exist."""
    tree.group_with_default(
        "admin jobs", list_jobs, examples=["cratekeeper admin jobs", "cratekeeper admin jobs --json"]
    )
    tree.command("admin jobs show", show, examples=[f"cratekeeper admin jobs show {_WATCHDOG}"])
    tree.command(
        "admin jobs history",
        history,
        examples=[
            f"cratekeeper admin jobs history {_WATCHDOG} --limit 5",
            "cratekeeper admin jobs history usage_reconcile --json",
        ],
    )
    tree.command(
        "admin jobs run",
        run_now,
        examples=[
            f"cratekeeper admin jobs run {_WATCHDOG} --dry-run --wait",
            f"cratekeeper admin jobs run {_WATCHDOG}",
            "cratekeeper admin jobs run popular_content --param days=7 --wait",
        ],
    )


def list_jobs(run: Run, _options: NoOptions) -> Exit:
    """List the background jobs.

    With how the last run of each went, and when the next one is. Needs the permission
    server_admin.
    """
    with run.api(Role.ADMIN) as api:
        found = api.get(_LIST)
    jobs = [Fields(item) for item in items_of(found)]
    run.out.result(found, runs.job_list(jobs, width=run.out.stdout.width) if jobs else "no jobs")
    return Exit.OK


def show(run: Run, options: ShowOptions) -> Exit:
    """Show a background job and its last run.

    Of the watchdog's, the report: what is missing, truncated or orphaned, and the repairs that
    were queued. Needs the permission server_admin. Exit codes: 0, 5 no such job.
    """
    with _job(options.job) as path, run.api(Role.ADMIN) as api:
        found = api.get(path)
    job = Fields(found)
    last = job.inner("last_run")
    shown = ["", *runs.run_details(last)] if last else ["it has never run"]
    run.out.result(found, runs.job_details(job), *shown)
    return Exit.OK


def history(run: Run, options: HistoryOptions) -> Exit:
    """List the newest runs of a background job.

    With the error of each that failed. Needs the permission server_admin. Exit codes: 0, 5 no
    such job.
    """
    with _job(options.job) as path, run.api(Role.ADMIN) as api:
        found = api.get(f"{path}/history", {"limit": options.limit})
    rows = [Fields(item) for item in items_of(found)]
    run.out.result(found, runs.run_list(rows, width=run.out.stdout.width) if rows else "it has never run")
    return Exit.OK


def run_now(run: Run, options: RunOptions) -> Exit:
    """Run a background job now.

    It begins in the background; there is one run of a job at a time. With --wait the command
    ends when the run does, and shows its result. Ctrl-C leaves it running. Needs the permission
    server_admin. Exit codes: 0 begun, with --wait completed (whatever a scan found); 1 the run
    failed; 2 the job does not know the parameter; 5 no such job; 6 it is running already.
    """
    params = _params(options.param, dry_run=options.dry_run)
    with run.api(Role.ADMIN) as api:
        with _job(options.job) as path:
            begun = api.act("POST", f"{path}/trigger", body={"params": params})
        run_id = Fields(begun).must("run_id")
        run.out.note(f"run {run_id} of {options.job} begins")
        if not options.wait:
            run.out.result(begun, run_id)
            run.out.note(f"see how it goes with: cratekeeper admin jobs show {options.job}")
            return Exit.OK
        found = await_run(run, api, options.job, run_id)
    run.out.result(found, *runs.run_details(Fields(found)))
    return Exit.OK if Fields(found).text("status") == "completed" else Exit.FAILED


@contextmanager
def _job(job_id: str) -> Iterator[str]:
    """The path of the job; where it is not known, the hint is the list of those that are. Raises BadInput."""
    path = f"{_LIST}/{checked_id(job_id, what='a job')}"
    with where_to_look("list the jobs with: cratekeeper admin jobs"):
        yield path


def _params(texts: Sequence[str], *, dry_run: bool) -> dict[str, bool | int]:
    """The parameters as the API takes them. Raises BadInput."""
    found: dict[str, bool | int] = {"dry_run": True} if dry_run else {}
    for each in texts:
        parts = _PARAMETER.fullmatch(each)
        if not parts:
            raise BadInput(f"not a parameter: {each!r}; expected NAME=true, NAME=false or NAME=NUMBER")
        name, value = parts.groups()
        if name in found:
            raise BadInput(f"given twice: {name}")
        found[name] = value == "true" if value in {"true", "false"} else int(value)
    return found
