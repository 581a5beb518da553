"""Sums over an album's children: its progress, and how it ends."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from cratekeeper.domain.models import Chunk, Download, Sets, Tally
from cratekeeper.domain.states import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Children by state; the parts add up to `total`. `size_bytes` counts the completed ones."""

    total: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    in_progress: int = 0
    retry_waiting: int = 0
    pending: int = 0
    paused: int = 0
    size_bytes: int = 0

    @property
    def percent(self) -> int:
        """Completed and failed children in whole percent, rounded down; 0 before the expansion."""
        return 100 * (self.completed + self.failed) // self.total if self.total else 0


def of_children(children: Iterable[Download]) -> Progress:
    """The progress of an active album from its children."""
    seen = list(children)
    by_state = Counter(child.state for child in seen)
    done = (child for child in seen if child.state is State.COMPLETED)
    return Progress(
        total=len(seen),
        size_bytes=sum(child.bytes_downloaded or 0 for child in done),
        **{state.value.lower(): by_state[state] for state in State},
    )


def of_ended(album: Download) -> Progress:
    """The progress that an ended album carries itself."""
    tally = album.final or Tally()
    return Progress(
        total=album.total,
        completed=tally.completed,
        failed=tally.failed,
        cancelled=tally.cancelled,
        size_bytes=album.bytes_downloaded or 0,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How an album ends: a pure function of how its children ended."""

    state: State
    partial: bool
    message: str | None
    tally: Tally
    size_bytes: int


def outcome(root: Download, chunks: Iterable[Chunk] = ()) -> Outcome | None:
    """How the album ends, None while a child is open.

    FAILED if any child failed; else COMPLETED, or CANCELLED if every child was cancelled.
    `partial` when some children completed and others did not.
    """
    holders: list[Sets] = [root, *chunks]
    if any(each.open for each in holders) or root.open_chunks:
        return None
    failed = sum(len(each.failed) for each in holders)
    cancelled = sum(len(each.cancelled) for each in holders)
    completed = root.total - failed - cancelled
    if failed:
        state, message = State.FAILED, f"{failed} of {root.total} children failed"
    else:
        state, message = (State.CANCELLED if cancelled and not completed else State.COMPLETED), None
    return Outcome(
        state=state,
        partial=completed > 0 and completed < root.total,
        message=message,
        tally=Tally(completed=completed, failed=failed, cancelled=cancelled),
        size_bytes=sum(each.bytes_done for each in holders),
    )
