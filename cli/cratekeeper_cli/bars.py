"""The live view of a download: a bar per track, the total, rate and time left."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from types import TracebackType
from typing import Final, Self

from rich.console import Console, ConsoleOptions, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from cratekeeper_cli import rendering, text
from cratekeeper_cli.answers import Download
from cratekeeper_cli.host import Host
from cratekeeper_cli.pace import Pace, Sample
from cratekeeper_cli.pausing import Flowing, Halted
from cratekeeper_cli.watching import Back, Lost, Seen, Sight

_FRAMES_PER_S: Final = 5
_LINES_AROUND: Final = 6  # title, total, paused, note, "and more", the cursor's line
_NARROW: Final = 50
_WORD: Final = 9
_BAR: Final = 22
_SIZE: Final = 8

# Which rows to keep when the terminal is too low for all.
_ATTENTION: Final = (
    "IN_PROGRESS", "RETRY_WAITING", "FAILED", "PAUSED", "PENDING", "CANCELLED", "COMPLETED",
)  # fmt: skip


def size_of(seen: Seen) -> int:
    """Bytes that have arrived: the children's, or the parent's own sum if that is more."""
    total = seen.download.progress.size_bytes if seen.download.progress else 0
    parts = sum(child.size_bytes or 0 for child in seen.children)
    return max(total, parts, seen.download.size_bytes or 0)


def sample_of(seen: Seen) -> Sample:
    """What `seen` says about speed."""
    ended = seen.download.progress.ended if seen.download.progress else 0
    return Sample(seen.at_s, size_of(seen), ended)


class Bars:
    """Draws on a terminal, several times a second, what was last shown to it."""

    def __init__(self, console: Console, host: Host) -> None:
        """Nothing is drawn before the context is entered."""
        self._console = console
        self._host = host
        self._seen: Seen | None = None
        self._pace = Pace()
        self._note = ""
        self._halted: Halted | None = None
        self._live = Live(self, console=console, refresh_per_second=_FRAMES_PER_S)

    def __enter__(self) -> Self:
        """Start drawing."""
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the last frame on the screen."""
        self._live.stop()

    def show(self, sight: Sight) -> None:
        """Take in what was seen."""
        match sight:
            case Seen():
                self._pace = self._pace.after(sample_of(sight))
                self._seen = sight
            case Lost(why, wait_s):
                self._note = f"trying again in {text.span(wait_s)}: {why}"
            case Back():
                self._note = ""
            case Halted():
                self._halted = sight
            case Flowing():
                self._halted = None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """One frame."""
        seen = self._seen
        if seen:
            yield Text(rendering.title(seen.download), style="bold", no_wrap=True, overflow="ellipsis")
            yield self._rows(seen, options)
            yield self._total(seen, has_bar=options.max_width >= _NARROW)
            if seen.download.status == "PAUSED":
                yield Text(f"{rendering.PAUSED} {seen.download.id}", style="magenta", no_wrap=True, overflow="ellipsis")
        for note in self._notes():
            yield Text(note, style="yellow", no_wrap=True, overflow="ellipsis")

    def _notes(self) -> list[str]:
        """A server that is lost counts for more than a queue that was paused when it was last seen."""
        if self._note:
            return [self._note]
        return [self._halted.why, self._halted.end] if self._halted and self._is_going_on() else []

    def _is_going_on(self) -> bool:
        return self._seen is None or not self._seen.download.is_over

    def _rows(self, seen: Seen, options: ConsoleOptions) -> Table:
        has_bars = options.max_width >= _NARROW
        table = Table.grid(padding=(0, 1), expand=True)
        table.add_column(width=_WORD, no_wrap=True)
        table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        if has_bars:
            table.add_column(width=_BAR, no_wrap=True, overflow="ellipsis")
        table.add_column(width=_SIZE, no_wrap=True, justify="right")
        parts = seen.children if seen.download.progress else (seen.download,)
        shown = visible(parts, rows=max(self._console.size.height - _LINES_AROUND, 3))
        now = self._server_now(seen)
        for part in shown:
            word = Text(rendering.WORDS.get(part.status, part.status), rendering.STYLES.get(part.status, ""))
            amount = text.size(part.size_bytes) if part.size_bytes is not None else ""
            table.add_row(word, part.name, *([_gauge(part, now)] if has_bars else []), amount)
        if hidden := len(parts) - len(shown):
            table.add_row("", Text(f"+ {hidden:,} more", style="bright_black"))
        return table

    def _server_now(self, seen: Seen) -> datetime | None:
        if seen.now is None:
            return None
        return seen.now + timedelta(seconds=self._host.monotonic() - seen.at_s)

    def _total(self, seen: Seen, *, has_bar: bool) -> Table:
        line = Table.grid(padding=(0, 1), expand=True)
        line.add_column(width=_WORD, no_wrap=True)
        if has_bar:
            line.add_column(ratio=1)
        line.add_column(no_wrap=True, overflow="ellipsis")
        word = Text(rendering.WORDS.get(seen.download.status, seen.download.status))
        word.stylize(f"bold {rendering.STYLES.get(seen.download.status, '')}")
        progress = seen.download.progress
        bar = ProgressBar(total=progress.total or 1, completed=progress.ended) if progress else ""
        line.add_row(word, *([bar] if has_bar else []), self._figures(seen))
        return line

    def _figures(self, seen: Seen) -> str:
        progress, now_s = seen.download.progress, self._host.monotonic()
        parts = [f"{progress.ended}/{progress.total}"] if progress else []
        parts.append(text.size(size_of(seen)))
        if seen.download.queue_position is not None:
            return "  ".join([*parts, f"#{seen.download.queue_position} in the queue"])
        if not seen.download.is_over:
            rate = self._pace.rate(now_s)
            parts.append(f"{text.size(rate)}/s" if rate else "– /s")
            left_s = self._pace.left_s(now_s, total=progress.total) if progress else None
            parts.append(f"ETA {text.span(left_s)}")
        return "  ".join(parts)


def visible(parts: Sequence[Download], *, rows: int) -> list[Download]:
    """At most `rows` of `parts`, in their order: what moves or hurts before what rests."""
    if len(parts) <= rows:
        return list(parts)
    rank = {status: number for number, status in enumerate(_ATTENTION)}
    numbered = sorted(enumerate(parts), key=lambda pair: rank.get(pair[1].status, 0))
    return [part for _, part in sorted(numbered[:rows], key=lambda pair: pair[0])]


def _gauge(part: Download, now: datetime | None) -> RenderableType:
    """A bar, or in its place what is to be said instead."""
    if part.status == "RETRY_WAITING":
        return Text(retry_note(part, now), style="yellow")
    if part.status == "FAILED":
        return Text(part.trouble.error_type or part.trouble.message or "", style="red")
    if part.status in {"CANCELLED", "PAUSED"}:
        return ""
    is_done = part.status == "COMPLETED"
    return ProgressBar(total=1, completed=int(is_done), width=_BAR, pulse=part.status == "IN_PROGRESS")


def retry_note(part: Download, now: datetime | None) -> str:
    """`busy, in 12 s`; the time of day where the server's clock is not known."""
    at = part.trouble.next_retry_at
    when = "soon" if at is None else text.minute(at)
    if at and now:
        left_s = (at - now).total_seconds()
        when = f"in {text.span(left_s)}" if left_s >= 1 else "now"
    return f"{part.trouble.error_type or 'retry'}, {when}"
