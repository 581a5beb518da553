"""The catalog in memory."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from cratekeeper.domain.catalog import Artist, Availability, Entry, MediaRow, Metadata, StoredAlbum, Track
from cratekeeper.domain.models import Kind
from tests.memory.calls import Calls, fault_point


@dataclass(slots=True)
class MemoryCatalog:
    """Metadata rows apart from media rows."""

    calls: Calls = field(default_factory=Calls)
    albums: dict[str, StoredAlbum] = field(default_factory=dict)
    metadata: dict[str, Metadata] = field(default_factory=dict)
    artists: dict[str, Artist] = field(default_factory=dict)
    tracks: dict[str, Track] = field(default_factory=dict)
    rows: dict[tuple[Kind, str], MediaRow] = field(default_factory=dict)
    port: str = "catalog"

    @fault_point
    def ingest(self, metadata: Metadata) -> None:
        album = metadata.album
        names = {artist.id: artist.name for artist in metadata.artists}
        self.metadata[album.id] = metadata
        self.artists |= {artist.id: artist for artist in metadata.artists}
        self.tracks |= {track.id: track for track in metadata.tracks}
        self.albums[album.id] = StoredAlbum(
            id=album.id,
            name=album.name,
            artist_name=next((names[each] for each in album.artist_ids if each in names), None),
            track_ids=tuple(track.id for track in metadata.tracks),
        )

    @fault_point
    def album(self, album_id: str) -> StoredAlbum | None:
        return self.albums.get(album_id)

    @fault_point
    def known_albums(self, album_ids: Iterable[str]) -> dict[str, StoredAlbum]:
        return {each: self.albums[each] for each in album_ids if each in self.albums}

    @fault_point
    def ingest_track(self, track: Track) -> None:
        self.tracks[track.id] = track

    @fault_point
    def media(self, refs: Iterable[tuple[Kind, str]]) -> dict[str, MediaRow]:
        return {ref[1]: self.rows[ref] for ref in refs if ref in self.rows}

    @fault_point
    def record(self, row: MediaRow) -> None:
        self.rows[row.kind, row.content_id] = row

    @fault_point
    def give_up(self, kind: Kind, content_id: str) -> None:
        row = self.rows.get((kind, content_id)) or MediaRow(
            content_id=content_id, kind=kind, media=None, availability=Availability.MISSING
        )
        if row.availability is not Availability.AVAILABLE:
            self.rows[kind, content_id] = replace(row, availability=Availability.UNAVAILABLE)

    @fault_point
    def lose(self, row: MediaRow) -> None:
        if row.stored and self.rows.get((row.kind, row.content_id)) == row:
            self.rows[row.kind, row.content_id] = replace(row, availability=Availability.MISSING)


@dataclass(slots=True)
class MemoryLibrary:
    """What a catalog in memory was told, for those who browse it."""

    catalog: MemoryCatalog
    calls: Calls = field(default_factory=Calls)
    port: str = "library"

    @fault_point
    def artists(self, *, after: str | None, limit: int) -> list[Artist]:
        return [self.catalog.artists[each] for each in _above(self.catalog.artists, after)[:limit]]

    @fault_point
    def albums(self, *, after: str | None, limit: int) -> list[Entry]:
        return [self._entry(each) for each in _above(self.catalog.metadata, after)[:limit]]

    @fault_point
    def artist(self, artist_id: str) -> Artist | None:
        return self.catalog.artists.get(artist_id)

    @fault_point
    def album(self, album_id: str) -> Entry | None:
        return self._entry(album_id) if album_id in self.catalog.metadata else None

    @fault_point
    def tracks(self, track_ids: Iterable[str]) -> dict[str, Track]:
        return {each: self.catalog.tracks[each] for each in track_ids if each in self.catalog.tracks}

    def _entry(self, album_id: str) -> Entry:
        return Entry(self.catalog.metadata[album_id].album, self.catalog.albums[album_id].artist_name)


def _above(known: Iterable[str], after: str | None) -> list[str]:
    return sorted(each for each in known if after is None or each > after)
