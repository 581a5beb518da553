"""The lane queues in memory: at least once, in any order, hidden while somebody works."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cratekeeper.domain.lanes import Lane
from cratekeeper.ports import Clock
from tests.memory.calls import Calls, fault_point

LONGEST_DELAY_S = 900
"""SQS delays a message for fifteen minutes at most."""

LONGEST_DELAY_S = 900
"""SQS delays a message for a quarter of an hour at most."""

LONGEST_HIDING_S = 43_200
"""SQS hides a message for twelve hours at most."""


@dataclass(slots=True)
class Message:
    """One message: its receipt stays the same here, `visible_at` says when it may be received (again)."""

    receipt: str
    lane: Lane
    download_id: str
    visible_at: datetime
    receives: int = 0


@dataclass(slots=True)
class MemoryBell:
    """All messages of all lanes; `rung` counts every message ever sent."""

    clock: Clock
    calls: Calls = field(default_factory=Calls)
    visibility_s: int = 5400
    messages: dict[str, Message] = field(default_factory=dict)
    rung: int = 0
    port: str = "bell"

    @fault_point
    def ring(self, lane: Lane, download_ids: Sequence[str], *, delay_s: int = 0) -> None:
        if not 0 <= delay_s <= LONGEST_DELAY_S:
            raise ValueError(f"a message cannot be delayed for {delay_s} s")
        for download_id in download_ids:
            message = self.deliver(lane, download_id)
            message.visible_at += timedelta(seconds=delay_s)

    @fault_point
    def postpone(self, receipt: str, lane: Lane, *, seconds: int) -> None:
        if not 0 <= seconds <= LONGEST_HIDING_S:
            raise ValueError(f"a message cannot be hidden for {seconds} s")
        message = self.messages.get(receipt)
        if message and message.lane is lane:
            message.visible_at = self.clock.now() + timedelta(seconds=seconds)

    def visible(self) -> list[Message]:
        """What may be received now, by lane and then by age."""
        now = self.clock.now()
        found = [message for message in self.messages.values() if message.visible_at <= now]
        return sorted(found, key=lambda message: message.lane)

    def has_visible(self) -> bool:
        """Whether anything may be received now."""
        now = self.clock.now()
        return any(message.visible_at <= now for message in self.messages.values())

    def next_visible_at(self) -> datetime | None:
        """When the next message may be received; None if there is none."""
        return min((message.visible_at for message in self.messages.values()), default=None)

    def receive(self) -> Message | None:
        """The first visible message, hidden from others from now on."""
        found = self.visible()
        if not found:
            return None
        self.hide(found[0])
        return found[0]

    def hide(self, message: Message) -> None:
        """Hide a message that somebody received until it is deleted or its time is over."""
        message.receives += 1
        message.visible_at = self.clock.now() + timedelta(seconds=self.visibility_s)

    def acknowledge(self, receipt: str) -> None:
        """Delete a message; harmless if it is gone."""
        self.messages.pop(receipt, None)

    def deliver(self, lane: Lane, download_id: str, *, delay_s: int = 0) -> Message:
        """Put a message into a lane's queue: a ring, or one delivered once more than it was sent."""
        self.rung += 1
        visible_at = self.clock.now() + timedelta(seconds=delay_s)
        message = Message(f"m{self.rung}", lane, download_id, visible_at)
        self.messages[message.receipt] = message
        return message

    def ids(self) -> list[str]:
        """The download ids of all messages, hidden ones too, in the order they were sent."""
        return [message.download_id for message in self.messages.values()]
