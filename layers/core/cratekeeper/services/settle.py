"""Settling: an ended child leaves its parent's open set, and the last one ends the parent."""

from dataclasses import dataclass
from typing import Final, Protocol

from cratekeeper.domain.errors import WriteRefused
from cratekeeper.domain.ids import chunk_key, chunk_of, split
from cratekeeper.domain.models import Chunk, Download, Sets
from cratekeeper.domain.progress import outcome
from cratekeeper.domain.transitions import close_chunk, end_album, hold, settle, still_empty
from cratekeeper.domain.writes import Change, FreeLock, FreeSlot, Stored
from cratekeeper.ports import Clock, DownloadStore

ROUNDS: Final = 10
"""How often a set write is repeated under a newer round before the dispatcher's visit takes over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle:
    """Set writes of protocol rule 9, and the end of an album.

    Every step is idempotent: a crash after any of them is healed by redelivery or by the
    dispatcher's visit, which call `child` again.
    """

    store: DownloadStore
    clock: Clock

    def child(self, child: Download, holder: Sets | None) -> Download | None:
        """Take an ended child out of its chunk's `open` and end the album if it was the last.

        Returns the album as just written, if that is known.

        Args:
            child: terminal, as read.
            holder: the chunk's sets as read, None = read them.
        """
        root, ordinal = split(child.id)
        after = self._write_set(child, holder, settle)
        if isinstance(after, Chunk):
            return self.close(after) if not after.open else None
        if isinstance(after, Download) and after.id == root and ordinal:
            self.end_if_done(after)
            return after
        return None

    def close(self, chunk: Chunk) -> Download | None:
        """Note in the root that a further chunk has no open child left, and end the album if it was the last.

        Returns the album as just written, if that is known.
        """
        root = self._close(chunk)
        if root:
            self.end_if_done(root)
        return root

    def hold(self, child: Download, holder: Sets | None) -> None:
        """Note in the parent that the child waits for a retry, so that release passes over it."""
        self._write_set(child, holder, lambda sets, each: hold(sets, split(each.id)[1] or 0))

    def end_if_done(self, root: Download) -> None:
        """End an expanded album without open children, together with its lock and its slot."""
        if not root.awaits_children or root.open or root.open_chunks:
            return
        chunks = self._chunks(root)
        ends = outcome(root, chunks)
        if ends is None:
            return
        try:
            self.store.commit(
                end_album(root, ends, now=self.clock.now()),
                FreeLock(root.kind, root.content_id, root.id),
                FreeSlot(root.requested_by, root.id),
            )
        except WriteRefused:
            return  # another worker ended it, or a retry reopened it

    def _write_set(self, child: Download, holder: Sets | None, build: "_Build") -> Stored | None:
        """One set write under the chunk's round; None if it no longer applies."""
        root, ordinal = split(child.id)
        key = chunk_key(root, chunk_of(ordinal or 0))
        sets = holder or _as_sets(self.store.get(key).get(key))
        if holder is None and not self._is_as_read(child):
            return None  # the sets are newer than what the caller knows of the child
        for _ in range(ROUNDS):
            if sets is None:
                return None
            try:
                return self.store.write(build(sets, child))
            except WriteRefused as refused:
                current = _as_sets(refused.current)
            if current is None or ordinal not in current.open:
                return current  # done before: whoever did it may have died before the next step
            if not self._is_as_read(child):
                return None
            sets = current
        return None

    def _is_as_read(self, child: Download) -> bool:
        """Rule 9: the child still in the state and epoch that the set write speaks of."""
        found = self.store.get(child.key).get(child.key)
        return isinstance(found, Download) and (found.state, found.epoch) == (child.state, child.epoch)

    def _close(self, chunk: Chunk) -> Download | None:
        """Note in the root that the chunk is empty, while it is: a retry of one of its children opens it again."""
        key = chunk_key(chunk.root, 0)
        root = self.store.get(key).get(key)
        while isinstance(root, Download) and chunk.number in root.open_chunks:
            try:
                self.store.commit(close_chunk(root, chunk.number), still_empty(chunk))
            except WriteRefused as refused:
                if isinstance(refused.write, Change) and refused.write.key == chunk.key:
                    return None
            root = self.store.get(key).get(key)  # others close their chunks meanwhile: only the last ends the album
        return root if isinstance(root, Download) else None

    def _chunks(self, root: Download) -> list[Chunk]:
        keys = [chunk_key(root.id, number) for number in range(1, chunk_of(max(root.total, 1)) + 1)]
        found = self.store.get(*keys) if keys else {}
        return [each for each in found.values() if isinstance(each, Chunk)]


def _as_sets(record: object) -> Sets | None:
    return record if isinstance(record, Download | Chunk) else None


class _Build(Protocol):
    def __call__(self, sets: Sets, child: Download, /) -> Change: ...
