"""The catalog in memory."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from cratekeeper.domain.catalog import MediaRow, Metadata, StoredAlbum, Track
from cratekeeper.domain.models import Kind
from tests.memory.calls import Calls, fault_point


@dataclass(slots=True)
class MemoryCatalog:
    """Metadata rows apart from media rows."""

    calls: Calls = field(default_factory=Calls)
    albums: dict[str, StoredAlbum] = field(default_factory=dict)
    metadata: dict[str, Metadata] = field(default_factory=dict)
    tracks: dict[str, Track] = field(default_factory=dict)
    rows: dict[tuple[Kind, str], MediaRow] = field(default_factory=dict)
    port: str = "catalog"

    @fault_point
    def ingest(self, metadata: Metadata) -> None:
        album = metadata.album
        names = {artist.id: artist.name for artist in metadata.artists}
        self.metadata[album.id] = metadata
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
    def ingest_track(self, track: Track) -> None:
        self.tracks[track.id] = track

    @fault_point
    def media(self, refs: Iterable[tuple[Kind, str]]) -> dict[str, MediaRow]:
        return {ref[1]: self.rows[ref] for ref in refs if ref in self.rows}

    @fault_point
    def record(self, row: MediaRow) -> None:
        self.rows[row.kind, row.content_id] = row
