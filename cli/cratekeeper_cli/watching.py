"""Looking at one download until it is over: cheap polls, and patience with a broken line."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from cratekeeper_cli.answers import Download, Json, items_of
from cratekeeper_cli.errors import ApiProblem, CliError, Unreachable
from cratekeeper_cli.host import Host
from cratekeeper_cli.pausing import Flowing, Halted, QueueWatch

if TYPE_CHECKING:
    from cratekeeper_cli.client import Api

FASTEST_S: Final = 0.5
SLOWEST_S: Final = 2.0
SLOWER: Final = 1.4
_FIRST_WAIT_S: Final = 1.0
_LONGEST_WAIT_S: Final = 30.0
_SERVER_ERRORS: Final = 500
_TOO_MANY: Final = 429
_LARGE_PAGE: Final = 200


@dataclass(frozen=True, slots=True)
class Seen:
    """The download as it is now, with its children in album order.

    `document` is what the server sent; `now` its clock, if known; `at_s` ours (monotonic).
    """

    download: Download
    children: tuple[Download, ...]
    document: Json
    now: datetime | None
    at_s: float


@dataclass(frozen=True, slots=True)
class Lost:
    """The server cannot be asked; the next try is in `wait_s` seconds."""

    why: str
    wait_s: float


@dataclass(frozen=True, slots=True)
class Back:
    """The server answers again."""


Sight = Seen | Lost | Back | Halted | Flowing
"""What a view is shown."""


class Watch:
    """One download under observation."""

    def __init__(self, api: "Api", host: Host, download_id: str) -> None:
        """`download_id` must have been checked to be one; `status` is the last that was seen."""
        self._api = api
        self._host = host
        self._path = f"/v1/downloads/{download_id}"
        self.status: str | None = None
        self._etag: str | None = None
        self._children: tuple[Download, ...] = ()
        self._children_at_s = float("-inf")
        self._queue = QueueWatch(api, host)
        self._is_waiting = False

    def until_over(self, show: Callable[[Sight], None], *, known_to_exist: bool) -> Seen:
        """Look until the download is over, `show` each change, and return the last.

        The first look may fail with CliError unless the download is `known_to_exist`; from
        then on only what another try cannot mend (401, 403, 404, 400) is raised.
        """
        wait_s, losses, is_patient = FASTEST_S, 0, known_to_exist
        while True:
            try:
                seen = self._look()
            except CliError as error:
                if not is_patient or not may_pass(error):
                    raise
                losses += 1
                lost = Lost(error.line, pause_s(error, losses))
                show(lost)
                self._host.sleep(lost.wait_s)
                continue
            if losses:
                show(Back())
            losses, is_patient = 0, True
            if seen:
                show(seen)
                if seen.download.is_over:
                    return seen
            elif news := self._news_of_the_queue():
                show(news)
            wait_s = FASTEST_S if seen else min(wait_s * SLOWER, SLOWEST_S)
            self._host.sleep(wait_s)

    def _look(self) -> Seen | None:
        """The download if it changed since the last look, else None."""
        answer = self._api.get_if_changed(self._path, self._etag)
        if answer is None:
            return None
        download = Download.of(answer.document)
        self.status, self._is_waiting = download.status, download.is_waiting
        if download.progress and self._children_are_due(download):
            self._children = self._look_at_children()
            self._children_at_s = self._host.monotonic()
        self._etag = answer.etag  # only now: a look that broke off must be repeated in full
        return Seen(download, self._children, answer.document, answer.now, self._host.monotonic())

    def _news_of_the_queue(self) -> Halted | Flowing | None:
        """Asked for only where nothing moves and something waits, or was said to."""
        return self._queue.news() if self._is_waiting or self._queue.is_halted else None

    def _children_are_due(self, parent: Download) -> bool:
        """An album of thousands is listed more rarely, but always at its end."""
        pages = 1 + (parent.progress.total if parent.progress else 0) // _LARGE_PAGE
        waited_s = self._host.monotonic() - self._children_at_s
        return parent.is_over or pages == 1 or waited_s >= pages

    def _look_at_children(self) -> tuple[Download, ...]:
        pages = self._api.pages(f"{self._path}/children", {})
        return tuple(Download.of(item) for page in pages for item in items_of(page))


def may_pass(error: CliError) -> bool:
    """Whether asking again may help: a line that broke, a server in trouble."""
    if isinstance(error, ApiProblem):
        return error.status >= _SERVER_ERRORS or error.status == _TOO_MANY
    return isinstance(error, Unreachable)


def pause_s(error: CliError, losses: int) -> float:
    """Seconds before the next try: 1, 2, 4 … 30 s, or what the server asks for, within the same bound."""
    asked = error.retry_after_s if isinstance(error, ApiProblem) else None
    grown: float = _FIRST_WAIT_S * 2.0 ** min(losses - 1, 10)
    return min(max(asked or 0.0, grown), _LONGEST_WAIT_S)
