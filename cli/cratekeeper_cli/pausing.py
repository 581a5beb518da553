"""The pause of the whole queue, which is why what is watched may not begin."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cratekeeper_cli import text
from cratekeeper_cli.answers import Fields
from cratekeeper_cli.errors import CliError
from cratekeeper_cli.host import Host

if TYPE_CHECKING:
    from cratekeeper_cli.client import Api

EVERY_S: Final = 10.0
"""Between two questions: what is watched may wait for hours."""

_FIRST_S: Final = 2.0  # most downloads begin sooner, and nobody needs to ask
_PATIENCE_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Halted:
    """The whole queue is paused: by whom and why, and what ends it."""

    why: str
    end: str

    @property
    def line(self) -> str:
        """Both."""
        return f"{self.why}; {self.end}"


@dataclass(frozen=True, slots=True)
class Flowing:
    """The queue is paused no more."""


class QueueWatch:
    """Whether the queue is paused, asked for rarely."""

    def __init__(self, api: "Api", host: Host) -> None:
        """Nothing is asked in the first seconds."""
        self._api = api
        self._host = host
        self._due_s = host.monotonic() + _FIRST_S
        self._told: Halted | None = None

    @property
    def is_halted(self) -> bool:
        """Whether the queue was paused when it was last looked at."""
        return self._told is not None

    def news(self) -> Halted | Flowing | None:
        """What has changed since it was last said; None also while it is too early to ask, or nobody answers."""
        if self._host.monotonic() < self._due_s:
            return None
        self._due_s = self._host.monotonic() + EVERY_S
        try:
            found = Fields(self._api.glance("/v1/queue", {}, within_s=_PATIENCE_S))
        except CliError:
            return None  # the next look at the download says what is wrong
        before, self._told = self._told, _halted(found) if found.flag("paused") else None
        if self._told == before:
            return None
        return self._told or Flowing()


def _halted(queue: Fields) -> Halted:
    by, reason, at = queue.text("paused_by"), queue.text("paused_reason"), queue.time("resume_at")
    why = f"the queue is paused{f' by {by}' if by else ''}{f': {reason}' if reason else ''}"
    itself = f"at {text.moment(at)}, or " if at else ""
    return Halted(why, f"it goes on {itself}after an administrator's: cratekeeper queue resume")
