"""Search results: one row shape for artists, albums and tracks."""

from typing import Final

from cratekeeper_local.provider.library import Album, Artist, Library, Track
from cratekeeper_local.provider.messages import Request
from cratekeeper_local.provider.refusals import Refused

Json = dict[str, object]
Entry = Artist | Album | Track
KINDS: Final = ("album", "artist", "track")
MAX_RESULTS: Final = 200


def search(library: Library, request: Request) -> list[Json]:
    """Rows whose name holds `q` in any case, kind by kind in the order of `type`.

    Raises Refused (400) for an empty `q`, an unknown `type` or a `limit` outside 1..200.
    """
    wanted = request.query.get("q", "").strip().casefold()
    if not wanted:
        raise Refused(400, "q must not be empty")
    limit = _limit(request.query.get("limit", "20"))
    shelves: dict[str, list[Entry]] = {
        "album": [*library.albums.values()],
        "artist": [*library.artists.values()],
        "track": [*library.tracks.values()],
    }
    entries = (entry for kind in _kinds(request) for entry in shelves[kind])
    found = [entry for entry in entries if wanted in entry.name.casefold()]
    return [result_row(library, entry, request) for entry in found[:limit]]


def result_row(library: Library, entry: Entry, request: Request) -> Json:
    """One search result; its image URL is on the host that the request names."""
    row: Json = {"id": entry.id, "type": type(entry).__name__.lower(), "name": entry.name}
    if isinstance(entry, Artist):
        pictures = entry.portraits
    else:
        album = entry if isinstance(entry, Album) else library.albums[entry.album_id]
        pictures = album.covers
        row |= {"artist_name": library.artists[album.artist_ids[0]].name, "year": album.year}
    if pictures:
        row["image_url"] = f"http://{request.headers.get('host', '')}/image/{pictures[0].id}"
    return row


def _kinds(request: Request) -> list[str]:
    kinds = request.query.get("type", ",".join(KINDS)).split(",")
    if unknown := set(kinds) - set(KINDS):
        raise Refused(400, f"type must be of {', '.join(KINDS)}, not {min(unknown)!r}")
    return list(dict.fromkeys(kinds))


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MAX_RESULTS):
        raise Refused(400, f"limit must be 1 to {MAX_RESULTS}")
    return int(text)
