"""Expansion: an album becomes its children, once, whatever happens in between."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from cratekeeper.domain.catalog import Album, Artist, Metadata, album_order, assigned, plan
from cratekeeper.domain.errors import LeaseLost, TransferFailed, WriteRefused
from cratekeeper.domain.failures import ErrorType
from cratekeeper.domain.ids import CHUNK, MAX_CHILDREN, child_id, chunk_of, chunk_range
from cratekeeper.domain.models import ChildPlan, Chunk, Download, PlanChunk
from cratekeeper.domain.states import State
from cratekeeper.domain.text import one_line
from cratekeeper.domain.transitions import Step, expand, still_unexpanded
from cratekeeper.domain.writes import Change, Create, Pin, applied
from cratekeeper.ports import CatalogStore, Clock, DownloadStore, Log, Provider
from cratekeeper.services.lease import Lease

_Names = tuple[str | None, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expand:
    """Fetches an album's metadata, writes the catalog, and creates the children.

    One transaction per chunk of 98 children, each fenced by the claim's epoch and by how far the
    expansion has come, under ids made of the ordinal: a second expansion creates nothing. A
    family of more than one chunk pins its plan first, so that a provider that changes its mind
    halfway changes nothing (I11).
    """

    store: DownloadStore
    catalog: CatalogStore
    provider: Provider
    clock: Clock
    log: Log
    lease_s: int

    def run(self, lease: Lease) -> Download:
        """Expand the claimed album; returns it as it waits for its children.

        Raises TransferFailed, LeaseLost or Unavailable; repeated, it goes on where it stopped.
        """
        item = lease.item
        children, names = self._plan(item) if item.plan_epoch is None else ((), (None, None))
        if len(children) > CHUNK:
            self._pin(item, children)
        for chunk in range(chunk_of(max(item.cursor, 0) + 1), chunk_of(max(item.total or len(children), 1)) + 1):
            lease.check()
            item = self._create(item, chunk, children, names)
            lease.keep(item)
        return item

    def _plan(self, item: Download) -> tuple[tuple[ChildPlan, ...], _Names]:
        """Fetch, ingest, and plan the children; with the names of the album and its first artist."""
        album, tracks = self.provider.album(item.content_id)
        ordered = album_order(album, tracks)
        metadata = Metadata(
            album=replace(album, track_ids=tuple(track.id for track in ordered)),
            tracks=ordered,
            artists=tuple(self._artists(album)),
        )
        children = plan(metadata, {})
        if len(children) > MAX_CHILDREN:
            raise TransferFailed(ErrorType.REJECTED, f"the album has {len(children)} parts, {MAX_CHILDREN} are allowed")
        stored = self.catalog.media((child.kind, child.content_id) for child in children)
        if not item.force:
            children = plan(metadata, stored)
        self.catalog.ingest(assigned(metadata, item.id, children))
        artist = next((one_line(artist.name) for artist in metadata.artists), None)
        return children, (one_line(album.name), artist)

    def _artists(self, album: Album) -> list[Artist]:
        """The artists that can be fetched: one that cannot costs only its pictures."""
        found = []
        for artist_id in dict.fromkeys(album.artist_ids):
            try:
                found.append(self.provider.artist(artist_id))
            except TransferFailed as failure:
                self.log.warning(
                    "artist_skipped", album_id=album.id, artist_id=artist_id, error_type=failure.error_type.value
                )
        return found

    def _pin(self, item: Download, children: Sequence[ChildPlan]) -> None:
        """Store the plan under this claim's epoch; the first transaction makes it the one that counts.

        Each chunk is fenced like that one, so that nothing is left behind of an album that was deleted
        meanwhile. All of them may be more than one transaction takes, in number and in bytes.
        """
        total = len(children)
        plan_chunks = (
            PlanChunk(
                root=item.id,
                epoch=item.epoch,
                number=number,
                total=total,
                children=tuple(children[ordinal - 1] for ordinal in chunk_range(number, total)),
            )
            for number in range(chunk_of(total) + 1)
        )
        try:
            for chunk in plan_chunks:
                self.store.commit(still_unexpanded(item), Pin(chunk))
        except WriteRefused as refused:
            raise LeaseLost(item.id) from refused

    def _create(self, item: Download, chunk: int, children: Sequence[ChildPlan], names: _Names) -> Download:
        """One transaction: the root's step, the chunk's set item beyond the first, and its children."""
        total = item.total or len(children)
        epoch = item.plan_epoch if item.plan_epoch is not None else (item.epoch if total > CHUNK else None)
        part = self._part(item, chunk, children, epoch)
        now = self.clock.now()
        change = expand(
            item,
            Step(total, chunk_range(chunk, total).stop - 1, epoch, names),
            now=now,
            next_visit=now + timedelta(seconds=self.lease_s),
        )
        ordinals = list(chunk_range(chunk, total))
        sets = [Create(Chunk(root=item.id, number=chunk, round=item.round, open=frozenset(ordinals)))] if chunk else []
        born = [Create(_child(item, ordinal, each)) for ordinal, each in zip(ordinals, part, strict=True)]
        try:
            self.store.commit(change, *sets, *born)
        except WriteRefused as refused:
            found = self._after_refusal(item, change, refused)
            is_as_before = found.cursor == item.cursor and not found.expanded
            return self._create(found, chunk, children, names) if is_as_before else found
        return applied(item, change)

    def _part(
        self, item: Download, chunk: int, children: Sequence[ChildPlan], epoch: int | None
    ) -> Sequence[ChildPlan]:
        """The plan of one chunk: in hand, or as it was pinned."""
        if children:
            return [children[ordinal - 1] for ordinal in chunk_range(chunk, len(children))]
        if epoch is None:
            return ()
        pinned = self.store.plan_chunk(item.id, epoch=epoch, chunk=chunk)
        if pinned is None:
            raise TransferFailed(ErrorType.STORAGE, "the expansion plan is gone")
        return pinned.children

    def _after_refusal(self, item: Download, change: Change, refused: WriteRefused) -> Download:
        """The album as it is: after our own transaction whose answer was lost (I6), or moved to another lane.

        It may have been moved back by now. Raises LeaseLost if it is not ours any more.
        """
        found = self.store.get(item.key).get(item.key)
        if isinstance(found, Download) and (found.epoch, found.state) == (item.epoch, State.IN_PROGRESS):
            is_carried_out = found.cursor == change.put.get("cursor")
            has_moved = found.cursor == item.cursor and refused.write == change and found.cascade is None
            if is_carried_out or has_moved:
                return found
        raise LeaseLost(item.id) from refused


def _child(parent: Download, ordinal: int, each: ChildPlan) -> Download:
    """A new child: lane, source and user are the parent's."""
    return Download(
        id=child_id(parent.id, ordinal),
        kind=each.kind,
        content_id=each.content_id,
        content_name=each.content_name,
        artist_name=each.artist_name,
        requested_by=parent.requested_by,
        source=parent.source,
        lane=parent.lane,
        force=parent.force,
        stored=each.stored,
        max_retries=parent.max_retries,
        created_at=parent.updated_at,
        updated_at=parent.updated_at,
    )
