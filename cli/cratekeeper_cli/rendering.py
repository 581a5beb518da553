"""Tables and one-line views of what the API answers; all text in them is cleaned already."""

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cratekeeper_cli import text
from cratekeeper_cli.answers import Download, Fields, Progress

STYLES: Final = MappingProxyType({
    "PENDING": "bright_black",
    "IN_PROGRESS": "cyan",
    "RETRY_WAITING": "yellow",
    "PAUSED": "magenta",
    "COMPLETED": "green",
    "FAILED": "bold red",
    "CANCELLED": "bright_black",
})
WORDS: Final = MappingProxyType({
    "PENDING": "waiting",
    "IN_PROGRESS": "loading",
    "RETRY_WAITING": "retry",
    "PAUSED": "paused",
    "COMPLETED": "done",
    "FAILED": "failed",
    "CANCELLED": "cancelled",
})
PAUSED: Final = "paused; to go on: cratekeeper resume"
LANES: Final = MappingProxyType({1: "high", 2: "normal", 3: "low"})

_UNLIMITED: Final = -1
_ROOMY: Final = 100
_NARROW: Final = 60
_TINY: Final = 48
_LONGEST_USER: Final = 16


def status(download: Download) -> Text:
    """The state in its colour; COMPLETED with parts missing says so."""
    note = " (partial)" if download.is_partial else ""
    return Text(f"{download.status}{note}", style=STYLES.get(download.status, ""))


def title(download: Download) -> str:
    """`name – artist`, or the name alone."""
    return f"{download.name} – {download.artist}" if download.artist else download.name


def headline(download: Download) -> Text:
    """One line: state, title, and how much of it there is."""
    line = Text.assemble(status(download), "  ", title(download))
    if download.progress:
        line.append(f"  {counted(download.progress)}")
    elif download.size_bytes is not None:
        line.append(f"  {text.size(download.size_bytes)}")
    return line


def counted(progress: Progress) -> str:
    """`8 of 14, 41.2 MB`, with what failed or was cancelled."""
    parts = [f"{progress.completed} of {progress.total}", text.size(progress.size_bytes)]
    if progress.failed:
        parts.append(f"{progress.failed} failed")
    if progress.cancelled:
        parts.append(f"{progress.cancelled} cancelled")
    return ", ".join(parts)


def download_list(downloads: Sequence[Download], *, width: int, of_all: bool = False) -> Table:
    """One row per download; columns give way as the terminal narrows, the id never does.

    `of_all`: with a column for who asked.
    """
    table = plain_table("ID", "STATUS")
    is_narrow = width < _NARROW
    if width >= _TINY:
        table.add_column("DONE", justify="right", no_wrap=True)
    if width >= _ROOMY:
        table.add_column("KIND", no_wrap=True)
        table.add_column("CREATED", no_wrap=True)
    if of_all and not is_narrow:
        table.add_column("BY", no_wrap=True, overflow="ellipsis", max_width=_LONGEST_USER)
    if not is_narrow:
        table.add_column("NAME", no_wrap=True, overflow="ellipsis", ratio=1)
    for one in downloads:
        cells = [_done(one), one.kind, text.minute(one.created_at)] if width >= _ROOMY else [_done(one)]
        by = [one.requested_by or ""] if of_all else []
        name = [] if is_narrow else [*by, title(one)]
        table.add_row(one.id, _short_status(one, is_narrow=is_narrow), *(cells if width >= _TINY else []), *name)
    return table


def _short_status(download: Download, *, is_narrow: bool = False) -> Text:
    word = WORDS.get(download.status, download.status) if is_narrow else download.status
    mark = "*" if download.is_partial else ""
    return Text(f"{word}{mark}", style=STYLES.get(download.status, ""))


def _done(download: Download) -> str:
    is_begun = download.progress is not None and download.progress.total > 0
    if download.queue_position is not None and not is_begun:
        return f"#{download.queue_position}"
    if download.progress:
        return f"{download.progress.completed}/{download.progress.total}" if is_begun else "–"
    return text.size(download.size_bytes)


def details(download: Download) -> Table:
    """Everything about one download, a line each; what does not apply is left out."""
    return pairs([(name, value) for name, value in _facts(download) if value])


def pairs(rows: Sequence[tuple[str, RenderableType]]) -> Table:
    """A name and a value on each line."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, value)
    return table


def used_of(fields: Fields, used: str, most: str) -> str:
    """`5 of 100`; -1 is unlimited."""
    limit = fields.integer(most)
    bound = "unlimited" if limit in {None, _UNLIMITED} else f"{limit:,}"
    return f"{fields.count(used):,} of {bound}"


def _facts(one: Download) -> list[tuple[str, RenderableType | None]]:
    lane = LANES.get(one.priority or 0, "?")
    return [
        ("Name", title(one)),
        ("Status", status(one)),
        ("Progress", f"{one.progress.percent} %: {counted(one.progress)}" if one.progress else None),
        ("Id", one.id),
        ("Kind", f"{one.kind} {one.content_id or ''}".strip()),
        ("Priority", f"{one.priority} ({lane})" if one.priority else None),
        ("Position", f"{one.queue_position} in the queue" if one.queue_position else None),
        ("Requested", _requested(one)),
        ("Started", text.moment(one.started_at) if one.started_at else None),
        ("Ended", text.moment(one.completed_at) if one.completed_at else None),
        ("Attempts", str(one.attempts) if one.attempts else None),
        ("Trouble", trouble(one)),
        ("Next try", _next_try(one)),
        ("Stored at", one.media.key if one.media else None),
        ("Size", _stored(one)),
        ("SHA-256", one.media.sha256 if one.media else None),
    ]


def _requested(one: Download) -> str | None:
    by = f" by {one.requested_by}" if one.requested_by else ""
    return f"{text.moment(one.created_at)}{by}" if one.created_at else None


def _stored(one: Download) -> str | None:
    if one.size_bytes is None:
        return None
    kind = f", {one.media.content_type}" if one.media and one.media.content_type else ""
    return f"{text.size(one.size_bytes)}{kind}"


def _next_try(one: Download) -> str | None:
    at = one.trouble.next_retry_at
    if at is None or one.is_over:
        return None
    total = one.trouble.max_retries
    counted_tries = "" if total is None else f" (retry {one.trouble.retries} of {total})"
    return f"{text.moment(at)}{counted_tries}"


def trouble(one: Download) -> str | None:
    """`error type: message`, whichever of both there is."""
    parts = [part for part in (one.trouble.error_type, one.trouble.message) if part]
    return ": ".join(parts) or None


def children_list(children: Sequence[Download], *, width: int) -> Table:
    """The parts of an album, in its order; a column for trouble only where there is some."""
    is_narrow = width < _NARROW
    has_trouble = any(trouble(child) for child in children)
    table = plain_table("#", "STATUS", "SIZE")
    table.add_column("NAME", no_wrap=True, overflow="ellipsis", ratio=1)
    if has_trouble:
        table.add_column("TROUBLE", no_wrap=True, overflow="ellipsis", ratio=1)
    for number, child in enumerate(children, start=1):
        last = [trouble(child) or ""] if has_trouble else []
        word = _short_status(child, is_narrow=is_narrow)
        table.add_row(str(number), word, text.size(child.size_bytes), child.name, *last)
    return table


def blocker_list(blockers: Sequence[Fields]) -> Table:
    """What keeps a download from running, and when each ends."""
    table = plain_table("BLOCKED BY")
    table.add_column("WHY", overflow="fold", ratio=1)
    table.add_column("UNTIL", no_wrap=True)
    for one in blockers:
        table.add_row(one.text("code") or "?", one.text("detail") or "", text.moment(one.time("ends_at")))
    return table


def event_list(events: Sequence[Fields]) -> Table:
    """The history of a download, oldest first."""
    table = plain_table("TIME", "EVENT")
    table.add_column("DETAILS", overflow="fold", ratio=1)
    for event in events:
        table.add_row(text.moment(event.time("timestamp")), event.text("event_type") or "?", details_of(event))
    return table


def details_of(event: Fields) -> str:
    """What an event says beside its type."""
    found = event.inner("details")
    if found is None:
        return ""
    shown = {name: value for name, value in found.document.items() if value is not None}
    return text.clean(", ".join(f"{name}={value}" for name, value in shown.items()), limit=300)


def plain_table(*fixed: str) -> Table:
    """A table without lines; the `fixed` columns are never cut, all others share what is left."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for header in fixed:
        table.add_column(header, no_wrap=True, justify="right" if header in {"#", "SIZE"} else "left")
    return table
