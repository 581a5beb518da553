"""Presence: whether contents are stored or asked for already, for many at once."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from cratekeeper.domain.catalog import Availability, is_whole
from cratekeeper.domain.models import Kind
from cratekeeper.ports import CatalogStore, DownloadStore

Ref = tuple[Kind, str]
"""A content: its kind and its id."""


class Standing(NamedTuple):
    """What is known of a content; `holder` is the active download that was asked for it, None = none."""

    in_catalog: bool
    holder: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """Reads the catalog and the locks in batches, however many contents there are."""

    store: DownloadStore
    catalog: CatalogStore

    def of(self, refs: Iterable[Ref]) -> dict[Ref, Standing]:
        """The standing of each: one read of 100 albums, of 100 media rows and of 100 locks each."""
        wanted = list(dict.fromkeys(refs))
        stored, holders = self.in_catalog(wanted), self.store.lock_holders(wanted)
        return {ref: Standing(ref in stored, holders.get(ref)) for ref in wanted}

    def in_catalog(self, refs: Iterable[Ref]) -> set[Ref]:
        """Those that are *in the catalog*: the track itself, or every track of the album, is available."""
        wanted = set(refs)
        albums = self.catalog.known_albums(content_id for kind, content_id in sorted(wanted) if kind is Kind.ALBUM)
        singles = {ref for ref in wanted if ref[0] is not Kind.ALBUM}
        tracks = {(Kind.TRACK, each) for album in albums.values() for each in album.track_ids}
        rows = self.catalog.media(sorted(singles | tracks))
        stored = {(Kind.ALBUM, album.id) for album in albums.values() if is_whole(album, rows)}
        available = {each for each, row in rows.items() if row.availability is Availability.AVAILABLE}
        return stored | {ref for ref in singles if ref[1] in available}
