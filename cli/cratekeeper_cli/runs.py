"""How background jobs, their runs and the watchdog's report are shown."""

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cratekeeper_cli import text
from cratekeeper_cli.answers import Fields
from cratekeeper_cli.rendering import pairs, plain_table

STYLES: Final = MappingProxyType({
    "running": "cyan",
    "completed": "green",
    "failed": "bold red",
    "idle": "bright_black",
})

_ROOMY: Final = 100
_NARROW: Final = 70
_LONGEST_USER: Final = 16
_LONGEST_ERROR: Final = 1000
_NAMED: Final = 3
_FLAWS: Final = MappingProxyType({
    "missing_track_audio": "missing tracks",
    "missing_album_images": "missing album pictures",
    "missing_artist_images": "missing artist pictures",
    "truncated": "truncated",
    "orphaned": "orphaned",
})


def state(one: Fields) -> Text:
    """The state of a job or a run in its colour."""
    word = one.text("status") or "–"
    return Text(word, style=STYLES.get(word, ""))


def took(run: Fields) -> str:
    """How long a run that has ended lasted."""
    began, ended = run.time("started_at"), run.time("finished_at")
    return text.span((ended - began).total_seconds() if began and ended else None)


def job_list(jobs: Sequence[Fields], *, width: int) -> Table:
    """One row per job, with how its last run went and when the next one is."""
    is_narrow = width < _NARROW
    table = plain_table("JOB", "LAST RUN", "OUTCOME")
    if not is_narrow:
        table.add_column("NEXT RUN", no_wrap=True)
        table.add_column("BEGUN BY", overflow="fold", ratio=1)
    for job in jobs:
        last = job.inner("last_run") or Fields({})
        more = [] if is_narrow else [text.minute(job.time("next_run_at")), job.text("schedule") or ""]
        table.add_row(job.must("id"), text.minute(last.time("started_at")), state(last), *more)
    return table


def job_details(job: Fields) -> Table:
    """What a job is, and when it runs."""
    at = job.time("next_run_at")
    rows = [
        ("Id", job.must("id")),
        ("Name", job.text("name")),
        ("What it does", job.text("description")),
        ("Status", state(job)),
        ("Begun by", job.text("schedule")),
        ("Next run", text.moment(at) if at else None),
        ("A shutdown", {"stop": "may stop it", "wait": "waits for it"}.get(job.text("on_shutdown") or "")),
    ]
    return pairs([(name, value) for name, value in rows if value])


def run_list(runs: Sequence[Fields], *, width: int) -> Table:
    """One row per run, newest first; the text of an error in full."""
    is_narrow = width < _ROOMY
    table = plain_table("STARTED", "TOOK", "STATUS")
    if not is_narrow:
        table.add_column("BY", no_wrap=True, overflow="ellipsis", max_width=_LONGEST_USER)
    table.add_column("WHAT CAME OF IT", overflow="fold", ratio=1)
    for run in runs:
        by = [] if is_narrow else [run.text("triggered_by") or ""]
        table.add_row(text.minute(run.time("started_at")), took(run), state(run), *by, _outcome(run))
    return table


def _outcome(run: Fields) -> str:
    result = run.inner("result")
    return _error(run) or (_brief(result) if result else "")


def _error(run: Fields) -> str | None:
    """All of it: `Fields.text` cuts as for names."""
    value = run.document.get("error_message")
    return text.clean(value, limit=_LONGEST_ERROR) if isinstance(value, str) else None


def _brief(result: Fields) -> str:
    """The figures of a result; of the watchdog's what it found, and what is done about it."""
    if not _is_report(result):
        figures = {name: value for name, value in result.document.items() if isinstance(value, int)}
        return ", ".join(f"{_word(name)} {_plain(value)}" for name, value in figures.items())
    found = [f"{count:,} {word}" for name, word in _FLAWS.items() if (count := _count(result, name))]
    done = "a dry run" if result.flag("dry_run") else f"repairs queued: {result.count('items_queued'):,}"
    return f"{', '.join(found) or 'everything is whole'}; {done}"


def _is_report(result: Fields) -> bool:
    return "missing_track_audio" in result.document


def run_details(run: Fields) -> list[RenderableType]:
    """Everything about one run, a line each, and its result."""
    began, ended = run.time("started_at"), run.time("finished_at")
    rows: list[tuple[str, RenderableType | None]] = [
        ("Run", run.must("run_id")),
        ("Status", state(run)),
        ("Begun", f"{text.moment(began)} by {run.text('triggered_by') or '?'}"),
        ("Ended", f"{text.moment(ended)}, after {took(run)}" if ended else None),
        ("Error", _error(run)),
    ]
    result = run.inner("result")
    shown = pairs([*((name, value) for name, value in rows if value), *(_facts(result) if result else [])])
    return [shown, *(["", _findings(result)] if result and _is_report(result) else [])]


def _facts(result: Fields) -> list[tuple[str, RenderableType]]:
    """The result in words, without the lists of what the watchdog found."""
    if not _is_report(result):
        return [(_word(name).capitalize(), _plain(value)) for name, value in result.document.items()]
    queued, skipped = result.count("items_queued"), result.count("items_skipped")
    scanned, expected = result.count("objects_scanned"), result.count("rows_scanned")
    busy = text.span(result.count("scan_duration_ms") / 1000)
    on_their_way = f", {skipped:,} on their way already" if skipped else ""
    done = "none: a dry run" if result.flag("dry_run") else f"{queued:,} queued{on_their_way}"
    return [("Repairs", done), ("Compared", f"{scanned:,} objects with {expected:,} rows of the catalog in {busy}")]


def _findings(report: Fields) -> RenderableType:
    """What the watchdog found: how many of each, and the first few."""
    if not any(_count(report, name) for name in _FLAWS):
        return "everything is whole"
    table = plain_table("FOUND")
    table.add_column("#", justify="right", no_wrap=True)
    table.add_column("WHICH", overflow="fold", ratio=1)
    for name, word in _FLAWS.items():
        count = _count(report, name)
        table.add_row(word, f"{count:,}", _which(report, name, count))
    return table


def _count(report: Fields, name: str) -> int:
    """How many there are; the lists name the first thousand alone."""
    counts = report.inner("counts")
    return max(counts.count(name) if counts else 0, len(_named(report, name)))


def _which(report: Fields, name: str, count: int) -> str:
    first = _named(report, name)[:_NAMED]
    left = count - len(first)
    return ", ".join([*first, *([f"and {left:,} more"] if first and left else [])])


def _named(report: Fields, name: str) -> list[str]:
    listed = report.document.get(name)
    return [text.clean(each) for each in listed if isinstance(each, str)] if isinstance(listed, list) else []


def _word(name: str) -> str:
    return text.clean(name.replace("_", " "))


def _plain(value: object) -> str:
    """Any value of a result, on one line."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list):
        first = [text.clean(str(each)) for each in value[:_NAMED]]
        left = len(value) - len(first)
        return ", ".join([*first, *([f"and {left:,} more"] if left else [])]) or "none"
    return "–" if value is None else text.clean(str(value))
