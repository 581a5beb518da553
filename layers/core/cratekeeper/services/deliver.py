"""Delivery: what becomes of a message of the lane queues."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, assert_never

from cratekeeper.domain.errors import Unavailable
from cratekeeper.domain.lanes import Lane
from cratekeeper.ports import Bell, Log
from cratekeeper.services.process import Done, Postpone, Process

AGAIN_S: Final = 30
"""A message that met trouble comes back after this many seconds; the item itself is healed by its lease."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A received message: its receipt, the lane of its queue, and the id it holds (None = none of ours)."""

    receipt: str
    lane: Lane
    download_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliver:
    """Deals with messages one by one; trouble with one is no trouble for the next (I24)."""

    process: Process
    bell: Bell
    log: Log

    def run(self, message: Message, *, deadline: datetime) -> bool:
        """Whether the message has been dealt with; False = it comes back, hidden for as long as is useful."""
        if message.download_id is None:
            self.log.warning("message_ignored", lane=int(message.lane), reason="the body holds no download id")
            return True
        try:
            outcome = self.process.run(message.download_id, deadline=deadline)
        except Exception as error:  # noqa: BLE001 - one bad message must not take the batch with it
            self.log.warning("message_failed", download_id=message.download_id, error=repr(error))
            outcome = Postpone(AGAIN_S)
        match outcome:
            case Done():
                self.log.info("message_done", download_id=message.download_id)
                return True
            case Postpone(seconds):
                self._postpone(message, seconds)
                return False
            case other:
                assert_never(other)

    def _postpone(self, message: Message, seconds: int) -> None:
        """Without an answer the queue's own visibility timeout hides it, longer."""
        self.log.info("message_postponed", download_id=message.download_id, seconds=seconds)
        try:
            self.bell.postpone(message.receipt, message.lane, seconds=seconds)
        except Unavailable as error:
            self.log.warning("postpone_failed", download_id=message.download_id, reason=str(error))
