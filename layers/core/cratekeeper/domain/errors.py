"""Every error that the product raises on purpose.

CratekeeperError
├── Invalid               the caller's input is wrong: detail, errors [(loc, msg)]
├── NotFound              no such thing, or not the caller's
├── Denied                the caller is unknown
│   └── Forbidden         the caller is known and lacks the permission
├── Refused               the table said no
│   ├── AlreadyQueued     an active download holds the content: download_id
│   ├── AlreadyExists     there is one of that name
│   ├── TooManyKeys       a user has as many keys as there may be
│   ├── KeyAlreadyMade    an earlier run of the same request made the API key: key_id
│   ├── AlreadyInCatalog  all of the content is stored and whole
│   ├── InvalidState      the item's state does not allow the verb: state, verb
│   ├── JobRunning        a run of the job is under way
│   └── WriteRefused      a conditional write lost its race: write, current
├── LimitReached          not yet: code, limit, used, resets_at
├── CapacityFull          no album may start before `until`
├── PermitRefused         no permit now: control as it stands
├── LeaseLost             another worker, a cancel or a pause owns the item now
├── RunLost               a job's run counts as stopped: another may have begun
├── ObjectExists          somebody stored an object under the key first
├── KeyReused             an Idempotency-Key came with another request
├── KeyInProgress         the first request with an Idempotency-Key still runs
├── ProviderNotConfigured no downloader service is set
├── ProviderFailed        the downloader service did not answer a question as it should
│   └── ProviderTimedOut  it did not answer in time
├── Unavailable           a part of the system does not answer; try again
└── TransferFailed        an attempt failed: error_type, message, retry_after_s
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from cratekeeper.domain.control import Control
    from cratekeeper.domain.failures import ErrorType


class CratekeeperError(Exception):
    """Root of the tree in this module's docstring."""


class Invalid(CratekeeperError):
    """The caller's input is wrong; `errors` holds (location, message) pairs."""

    def __init__(self, detail: str, *errors: tuple[str, str]) -> None:
        super().__init__(detail)
        self.errors = errors


class NotFound(CratekeeperError):
    """No such thing, or not the caller's: both read the same from outside."""


class Denied(CratekeeperError):
    """The caller could not be identified."""


class Forbidden(Denied):
    """The caller is known but lacks the permission."""


class Refused(CratekeeperError):
    """The present state of the table does not allow it."""


class AlreadyQueued(Refused):
    """An active download `download_id` holds the content's lock."""

    def __init__(self, download_id: str) -> None:
        super().__init__(f"the content is already queued as {download_id}")
        self.download_id = download_id


class AlreadyExists(Refused):
    """What was to be made is there."""


class TooManyKeys(Refused):
    """The user has as many unrevoked keys as there may be."""


class KeyAlreadyMade(Refused):
    """The request was carried out before; what it made is shown once, and stored nowhere."""

    def __init__(self, key_id: str) -> None:
        super().__init__(
            f"this request made the key {key_id} already, and a key is shown only once: if it was not noted, "
            "revoke it and make another one with a new Idempotency-Key"
        )
        self.key_id = key_id


class AlreadyInCatalog(Refused):
    """Everything asked for is stored and whole."""


class InvalidState(Refused):
    """The item's state has no such move; `because` says so where it is the album's state that forbids it."""

    def __init__(self, state: str, verb: str, because: str = "") -> None:
        super().__init__(because or f"cannot {verb} a download that is {state}")
        self.state = state
        self.verb = verb


class JobRunning(Refused):
    """A run of the job is under way; there is one at a time."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"{job_id} is running")


class WriteRefused(Refused):
    """A condition of `write` (`writes.Write`) did not hold.

    `current` is the record (`writes.Record`) as the table has it, None = absent. Both are plain
    objects here: the tree of errors is below everything that raises them.
    """

    def __init__(self, write: object, current: object) -> None:
        super().__init__(f"{type(write).__name__} was refused")
        self.write = write
        self.current = current


class LimitReached(CratekeeperError):
    """A limit of the caller is used up until `resets_at` (None = until one of their downloads ends)."""

    def __init__(self, code: str, *, limit: int, used: int, resets_at: datetime | None) -> None:
        super().__init__(f"{used} of {limit} used")
        self.code = code
        self.limit = limit
        self.used = used
        self.resets_at = resets_at


class CapacityFull(CratekeeperError):
    """No further album may start before `until`, the end of the full window."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"album capacity is used up until {until.isoformat()}")
        self.until = until


class PermitRefused(CratekeeperError):
    """A permit write was refused; `control` is what the table holds now."""

    def __init__(self, control: Control) -> None:
        super().__init__("no permit now")
        self.control = control


class LeaseLost(CratekeeperError):
    """The item is no longer this worker's."""

    def __init__(self, download_id: str) -> None:
        super().__init__(f"{download_id} belongs to another worker, or was cancelled or paused")
        self.download_id = download_id


class RunLost(CratekeeperError):
    """The lease of a job's run is another's, or lapsed while it ran."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"the run {run_id} counts as stopped")
        self.run_id = run_id


class ObjectExists(CratekeeperError):
    """A conditional object write met an object that it did not expect."""


class ProviderNotConfigured(CratekeeperError):
    """The setting ProviderUrl is empty."""


class ProviderFailed(CratekeeperError):
    """The downloader service did not answer a search or discography as it should."""


class ProviderTimedOut(ProviderFailed):
    """The downloader service did not answer in time."""


class KeyReused(CratekeeperError):
    """The Idempotency-Key was used with another method, path or body."""


class KeyInProgress(CratekeeperError):
    """The first request with the Idempotency-Key has not been answered yet."""


class Unavailable(CratekeeperError):
    """A part of the system does not answer; nothing is lost, try again."""


class TransferFailed(CratekeeperError):
    """An attempt failed; `error_type` decides what follows (`failures`, `retry`).

    Args:
        error_type: the class of the failure.
        message: for people, at most 200 bytes are kept.
        retry_after_s: what the provider asked for, unclamped; None if it did not say.

    """

    def __init__(self, error_type: ErrorType, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.message = message
        self.retry_after_s = retry_after_s
