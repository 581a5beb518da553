"""The plain view of a download, for pipes and logs: a line for each thing that happened."""

from types import TracebackType
from typing import Self

from cratekeeper_cli import rendering, text
from cratekeeper_cli.answers import Download
from cratekeeper_cli.bars import retry_note, sample_of, size_of
from cratekeeper_cli.host import Host
from cratekeeper_cli.output import Output
from cratekeeper_cli.pace import Pace
from cratekeeper_cli.pausing import Flowing, Halted
from cratekeeper_cli.watching import Back, Lost, Seen, Sight


class Lines:
    """Writes to stderr what changed since it was last shown something."""

    def __init__(self, out: Output, host: Host) -> None:
        """Nothing is known yet."""
        self._out = out
        self._host = host
        self._told: dict[str, str] = {}
        self._total = ""
        self._place: int | None = None
        self._pace = Pace()

    def __enter__(self) -> Self:
        """Nothing to start."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing to stop."""

    def show(self, sight: Sight) -> None:
        """Write what is new in `sight`."""
        match sight:
            case Seen():
                self._pace = self._pace.after(sample_of(sight))
                self._tell(sight)
            case Lost(why, wait_s):
                self._out.note(f"trying again in {text.span(wait_s)}: {why}")
            case Back():
                self._out.note("the server answers again")
            case Halted():
                self._out.note(sight.line)
            case Flowing():
                self._out.note("the queue goes on")

    def _tell(self, seen: Seen) -> None:
        for part in (*seen.children, seen.download):
            if part.status != self._told.get(part.id, "PENDING"):
                self._out.note(_line(part, seen))
            self._told[part.id] = part.status
        self._place_in_queue(seen.download)
        total = self._summed(seen)
        if total and total != self._total and not seen.download.is_over:
            self._total = total
            self._out.note(f"{total}{self._speed(seen)}")

    def _place_in_queue(self, download: Download) -> None:
        """Where it waits, whenever that changes."""
        place = download.queue_position
        if place is not None and place != self._place:
            self._out.note(f"{download.status:13} {download.name} (#{place} in the queue)")
        self._place = place

    def _summed(self, seen: Seen) -> str:
        progress = seen.download.progress
        return f"{progress.ended}/{progress.total} done" if progress and progress.ended else ""

    def _speed(self, seen: Seen) -> str:
        now_s = self._host.monotonic()
        total = seen.download.progress.total if seen.download.progress else 0
        rate, left_s = self._pace.rate(now_s), self._pace.left_s(now_s, total=total)
        parts = [text.size(size_of(seen))]
        if rate:
            parts.append(f"{text.size(rate)}/s")
        if left_s is not None:
            parts.append(f"ETA {text.span(left_s)}")
        return f", {', '.join(parts)}"


def _line(part: Download, seen: Seen) -> str:
    line = f"{part.status:13} {part.name}"
    if part.status == "RETRY_WAITING":
        return f"{line} ({retry_note(part, seen.now)})"
    if part.status == "FAILED":
        return f"{line} ({rendering.trouble(part) or 'no reason given'})"
    if part.status == "PAUSED" and part.id == seen.download.id:
        return f"{line} ({rendering.PAUSED} {part.id})"
    if part.status == "COMPLETED" and part.size_bytes is not None:
        return f"{line} ({text.size(part.size_bytes)})"
    return line
