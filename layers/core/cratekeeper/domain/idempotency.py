"""Idempotency-Key: what is remembered of a creating request, so that its repetition gets the same answer."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

KEPT_FOR: Final = timedelta(hours=24)
"""How long a key is remembered after its first request."""

HELD_FOR: Final = timedelta(seconds=30)
"""How long a request without an answer keeps its key: longer than any function that answers HTTP may run."""


class KeyName(NamedTuple):
    """Keys are per caller."""

    user_id: str
    key: str


class KeptAnswer(NamedTuple):
    """An answer as it was given: HTTP status, `Location` (None = none) and the body's text."""

    status: int
    location: str | None
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """A key in use.

    Args:
        fingerprint: of method, path and canonical body.
        root: id of the first root that the request makes, the same in each of its runs.
        holder: who runs the request, or did last.
        until: when another run may begin, unless there is an answer.
        expires_at: when the key is forgotten.
        answer: what was answered; None = not yet.
    """

    fingerprint: str
    root: str
    holder: str
    until: datetime
    expires_at: datetime
    answer: KeptAnswer | None = None

    def is_forgotten(self, now: datetime) -> bool:
        """Whether the key is free for any request."""
        return self.expires_at <= now

    def is_open_to(self, fingerprint: str, now: datetime) -> bool:
        """Whether a repetition may run it: its last run died before it answered."""
        return self.answer is None and self.until <= now and self.fingerprint == fingerprint
