"""Idempotency: the repetition of a creating request gets the first answer again, and creates nothing.

A key is taken before the request runs and its answer kept after it. Whoever dies in between leaves the
key to the next repetition, with the id of the first root: so what was made already is found, and made
once at most. The bookkeeping may fail: then the request runs as if it had no key, with a warning.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from cratekeeper.domain.errors import CratekeeperError, KeyInProgress, KeyReused, Unavailable
from cratekeeper.domain.idempotency import HELD_FOR, KEPT_FOR, KeptAnswer, KeyName, KeyRecord
from cratekeeper.domain.ids import Seed
from cratekeeper.ports import Clock, IdempotencyRecords, Ids, Log, Sleeper

WAITS_S: Final = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
"""How long a twin waits for the first to end, look by look: three seconds in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Idempotency:
    """Runs requests under their keys.

    Args:
        is_enabled: whether keys are recorded.
    """

    records: IdempotencyRecords
    clock: Clock
    ids: Ids
    log: Log
    sleeper: Sleeper
    is_enabled: bool

    def run(self, name: KeyName | None, fingerprint: str, act: Callable[[Seed], KeptAnswer]) -> KeptAnswer:
        """What `act` answers, or what it answered when the key came first.

        Whatever `act` raises flies on and is not kept. Raises KeyReused for another fingerprint,
        KeyInProgress if the first request has not ended after WAITS_S.
        """
        root = self.ids.download(self.clock.now())
        record = self._record(name, fingerprint, root) if name and self.is_enabled else None
        if name is None or record is None:
            return act(Seed(root))
        if record.answer:
            return record.answer
        with self._settling(name, record.holder):
            answer = act(Seed(record.root, is_resumed=record.root != root))
        self._keep(name, record.holder, answer)
        return answer

    def _record(self, name: KeyName, fingerprint: str, root: str) -> KeyRecord | None:
        """The key's record, answered or ours; None if none can be written."""
        bid = self._bid(fingerprint, root=root, holder=self.ids.nonce())
        for wait_s in (*WAITS_S, None):
            try:
                found = self.records.take(name, bid, now=self.clock.now())
            except Unavailable as error:
                self.log.warning("idempotency_unavailable", user_id=name.user_id, reason=str(error))
                return None
            if found.fingerprint != fingerprint:
                raise KeyReused("this Idempotency-Key was used for another request")
            if found.answer or found.holder == bid.holder:
                return found
            if wait_s is not None:
                self.sleeper.sleep(wait_s)
                bid = self._bid(fingerprint, root=root, holder=bid.holder)
        raise KeyInProgress("the first request with this Idempotency-Key is still running")

    def _bid(self, fingerprint: str, *, root: str, holder: str) -> KeyRecord:
        now = self.clock.now()
        return KeyRecord(
            fingerprint=fingerprint, root=root, holder=holder, until=now + HELD_FOR, expires_at=now + KEPT_FOR
        )

    @contextmanager
    def _settling(self, name: KeyName, holder: str) -> Iterator[None]:
        """What failed is not kept. After a refusal the key is unused; else something may be written under the root."""
        try:
            yield
        except Exception as error:
            if isinstance(error, CratekeeperError) and not isinstance(error, Unavailable):
                self._tolerate("forget", lambda: self.records.forget(name, holder=holder))
            else:
                self._tolerate("release", lambda: self.records.release(name, holder=holder, now=self.clock.now()))
            raise

    def _keep(self, name: KeyName, holder: str, answer: KeptAnswer) -> None:
        """Trouble here costs the repetition its short cut: the root's id still keeps it from creating anew."""
        self._tolerate("keep", lambda: self.records.keep(name, holder=holder, answer=answer))

    def _tolerate(self, what: str, write: Callable[[], object]) -> None:
        try:
            write()
        except Unavailable as error:
            self.log.warning("idempotency_unavailable", write=what, reason=str(error))
