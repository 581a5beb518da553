"""Idempotency-Keys in memory."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from cratekeeper.domain.idempotency import KeptAnswer, KeyName, KeyRecord
from tests.memory.calls import Calls, fault_point


@dataclass(slots=True)
class MemoryIdempotency:
    """Records by caller and key."""

    calls: Calls = field(default_factory=Calls)
    records: dict[KeyName, KeyRecord] = field(default_factory=dict)
    port: str = "idempotency"

    @fault_point
    def take(self, name: KeyName, bid: KeyRecord, *, now: datetime) -> KeyRecord:
        found = self.records.get(name)
        if found is None or found.is_forgotten(now):
            self.records[name] = bid
        elif found.is_open_to(bid.fingerprint, now):
            self.records[name] = replace(bid, root=found.root, expires_at=found.expires_at)
        return self.records[name]

    @fault_point
    def keep(self, name: KeyName, *, holder: str, answer: KeptAnswer) -> bool:
        found = self.records.get(name)
        if found is None or found.holder != holder:
            return False
        self.records[name] = replace(found, answer=answer)
        return True

    @fault_point
    def release(self, name: KeyName, *, holder: str, now: datetime) -> None:
        if self._is_unanswered(name, holder):
            self.records[name] = replace(self.records[name], until=now)

    @fault_point
    def forget(self, name: KeyName, *, holder: str) -> None:
        if self._is_unanswered(name, holder):
            del self.records[name]

    def _is_unanswered(self, name: KeyName, holder: str) -> bool:
        found = self.records.get(name)
        return found is not None and found.holder == holder and found.answer is None
