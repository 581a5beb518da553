"""Every error that the product raises on purpose.

CratekeeperError
├── Invalid               the caller's input is wrong: detail, errors [(loc, msg)]
├── NotFound              no such thing, or not the caller's
├── Denied                the caller is unknown
│   └── Forbidden         the caller is known and lacks the permission
├── Refused               the table said no
│   ├── AlreadyQueued     an active download holds the content: download_id
│   ├── AlreadyInCatalog  all of the content is stored and whole
│   ├── InvalidState      the item's state does not allow the verb: state, verb
│   └── WriteRefused      a conditional write lost its race: write, current
├── LimitReached          not yet: code, limit, used, resets_at
├── CapacityFull          no album may start before `until`
├── PermitRefused         no permit now: control as it stands
├── LeaseLost             another worker, a cancel or a pause owns the item now
├── ObjectExists          somebody stored an object under the key first
├── ProviderNotConfigured no downloader service is set
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


class AlreadyInCatalog(Refused):
    """Everything asked for is stored and whole."""


class InvalidState(Refused):
    """The item's state has no such move."""

    def __init__(self, state: str, verb: str) -> None:
        super().__init__(f"cannot {verb} a download that is {state}")
        self.state = state
        self.verb = verb


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


class ObjectExists(CratekeeperError):
    """A conditional object write met an object that it did not expect."""


class ProviderNotConfigured(CratekeeperError):
    """The setting ProviderUrl is empty."""


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
