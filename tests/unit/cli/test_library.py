"""`library …`: what is shown of the catalog, and what is saved of its media."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cratekeeper_cli.host import Host
from cratekeeper_cli.saving import file_name
from tests.unit.cli.fake_server import ALBUM, FakeServer, Json
from tests.unit.cli.program import Program

ARTIST, TRACK, OTHER = "3TVXtAsR1Inumwj472S9r4", "7hQJA50XrCWABAu5v6QZ4i", "5r0i1TI1LJXTPI1ajlKYuJ"
COVER = "ab67616d0000b273ce4f1737bc8a646c8c4bd25a"
BODY = bytes(range(256)) * 1000


def a_track(track_id: str = TRACK, number: int = 1, body: bytes = BODY, **changes: object) -> Json:
    media = {
        "key": f"audio/{track_id}.mp3",
        "size": len(body),
        "sha256": sha256(body).hexdigest(),
        "content_type": "audio/mpeg",
    }
    plain: Json = {
        "id": track_id, "name": f"Song {number}", "album_id": ALBUM, "artist_ids": [ARTIST], "number": number,
        "disc": 1, "duration_ms": 184_613, "is_explicit": False, "availability": "available", "media": media,
    }  # fmt: skip
    return {**plain, **changes}


def an_album(*tracks: Json, **changes: object) -> Json:
    images = [{"id": COVER, "width": 640, "height": 640, "availability": "available"}]
    plain: Json = {
        "id": ALBUM, "name": "Night Drive", "artist_name": "The Examples", "artist_ids": [ARTIST],
        "album_type": "album", "label": "", "released": "1999-01-01", "genres": [], "track_count": len(tracks),
        "images": images, "tracks": [*tracks],
    }  # fmt: skip
    return {**plain, **changes}


Answering = Callable[[httpx.Request, int], httpx.Response]


class Sent(NamedTuple):
    """What the bucket got: the path, the range, whether a key came with it."""

    path: str
    range: str | None
    has_key: bool


@dataclass(slots=True)
class Bucket:
    """Objects behind links; `answers` come before what it has by itself."""

    objects: dict[str, bytes] = field(default_factory=dict)
    answers: list[Answering] = field(default_factory=list)
    seen: list[Sent] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        given = request.headers.get("Range")
        if request.url.params.get("X-Amz-Signature") != "1":
            return httpx.Response(403)
        self.seen.append(Sent(request.url.path, given, "Authorization" in request.headers))
        start = int(given.removeprefix("bytes=").rstrip("-")) if given else 0
        if self.answers:
            return self.answers.pop(0)(request, start)
        body = self.objects[request.url.path]
        content_type = "image/jpeg" if "images" in request.url.path else "audio/mpeg"
        headers = {"ETag": '"e"', "Content-Type": content_type}
        if given:
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        return httpx.Response(206 if given else 200, content=body[start:], headers=headers)


@pytest.fixture
def bucket(server: FakeServer) -> Bucket:
    found = Bucket()
    for track_id in (TRACK, OTHER):
        found.objects[f"/audio/{track_id}"] = BODY
        server.documents[f"/v1/media/tracks/{track_id}"] = a_link(f"audio/{track_id}")
    found.objects[f"/images/{COVER}"] = b"picture"
    server.documents[f"/v1/media/images/{COVER}"] = a_link(f"images/{COVER}")
    server.documents[f"/v1/catalog/tracks/{TRACK}"] = a_track()
    return found


def a_link(path: str) -> Json:
    query = f"X-Amz-Security-Token={'t' * 1500}&X-Amz-Signature=1"
    return {"url": f"https://bucket.example/{path}?{query}", "expires_at": "2026-11-21T08:15:00.000Z"}


@pytest.fixture
def cli(host: Host, server: FakeServer, bucket: Bucket) -> Program:
    """The API and the bucket, each at its own host."""

    def route(request: httpx.Request) -> httpx.Response:
        return bucket(request) if request.url.host == "bucket.example" else server(request)

    return Program(replace(host, transport=httpx.MockTransport(route)))


@pytest.fixture
def here(host: Host) -> Path:
    return host.cwd


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# --- Browsing -------------------------------------------------------------------------


def test_albums_are_listed_by_artist_and_name_once_all_are_there(cli: Program, server: FakeServer) -> None:
    names = [("b", "Zed"), ("c", "Abba"), ("a", "Abba")]
    items = [an_album(name=name, artist_name=artist, id=f"{name}{artist}") for name, artist in names]
    server.lists["/v1/catalog/albums"] = items
    ended = cli("library", "albums")
    assert [line.split()[0] for line in ended.stdout.splitlines()] == ["ID", "aAbba", "cAbba", "bZed"]
    assert cli("library", "albums", "--ids").stdout == "aAbba\ncAbba\nbZed\n"
    assert cli("library", "albums", "--json").json == {"items": items, "next_cursor": None}
    part = cli("library", "albums", "--limit", "2", "--ids")
    assert (part.stdout, "there are more" in part.stderr) == ("bZed\ncAbba\n", True)
    assert len(cli("library", "albums", "--all").stdout.splitlines()) == 4


@pytest.mark.parametrize("what", ["albums", "artists"])
def test_an_empty_library_says_so(cli: Program, server: FakeServer, what: str) -> None:
    server.lists[f"/v1/catalog/{what}"] = []
    assert cli("library", what).stdout == "nothing yet\n"


def test_an_album_is_shown_with_its_tracks(cli: Program, server: FakeServer) -> None:
    missing = {
        name: value for name, value in a_track(OTHER, 2, disc=2, availability="missing").items() if name != "media"
    }
    found = an_album(a_track(), missing)
    server.documents[f"/v1/catalog/albums/{ALBUM}"] = found
    lines = cli("library", "album", ALBUM).stdout.splitlines()
    assert lines[0] == "Night Drive – The Examples"
    assert lines[2].split() == ["1-1", TRACK, "stored", "256", "kB", "3", "min", "05", "s", "Song", "1"]
    assert lines[3].split() == ["2-2", OTHER, "not", "stored", "–", "3", "min", "05", "s", "Song", "2"]
    assert cli("library", "album", ALBUM, "--json").json == found


def test_an_artist_and_a_track_are_shown_line_by_line(cli: Program, server: FakeServer) -> None:
    picture = {"id": COVER, "width": 0, "height": 0, "availability": "fetching"}
    server.documents[f"/v1/catalog/artists/{ARTIST}"] = {
        "id": ARTIST, "name": "The\x1b[2J Examples", "genres": ["rock", 7, "folk"], "images": [picture],
    }  # fmt: skip
    shown = cli("library", "artist", ARTIST).stdout
    assert "\x1b" not in shown
    assert f"Picture  {COVER} fetching" in shown
    assert "rock, folk" in shown
    assert "audio/7hQJA50XrCWABAu5v6QZ4i.mp3" in cli("library", "track", TRACK).stdout


def test_the_chart_is_shown_with_its_places(cli: Program, server: FakeServer) -> None:
    server.documents["/v1/catalog/popular"] = {
        "items": [{"plays": 1200, "track": a_track()}], "next_cursor": None, "days": 30,
        "counted_at": "2026-11-21T03:00:00.000Z",
    }  # fmt: skip
    ended = cli("library", "popular")
    assert ended.stdout.splitlines()[1].split() == ["1", "1,200", TRACK, "Song", "1"]
    assert "last 30 days" in ended.stderr
    server.documents["/v1/catalog/popular"] = {"items": [], "next_cursor": None, "days": None, "counted_at": None}
    assert (cli("library", "popular").stdout, cli("library", "popular").stderr) == ("nothing counted yet\n", "")


@pytest.mark.parametrize("command", [["album"], ["artist"], ["track"], ["fetch"]])
def test_what_can_be_no_id_is_not_sent(cli: Program, server: FakeServer, command: list[str]) -> None:
    assert (cli("library", *command, "../x").code, server.seen) == (2, [])


# --- Saving ---------------------------------------------------------------------------


def test_a_track_is_saved_under_its_name_and_without_our_key(cli: Program, bucket: Bucket, here: Path) -> None:
    ended = cli("library", "fetch", TRACK, "--json")
    assert (ended.code, files(here)) == (0, {"Song 1.mp3": BODY})
    path = str(here / "Song 1.mp3")
    assert ended.json == {
        "files": [{"id": TRACK, "name": "Song 1", "status": "saved", "path": path, "size": len(BODY)}]
    }
    assert bucket.seen == [Sent(f"/audio/{TRACK}", None, has_key=False)]


def test_an_album_gets_a_folder_with_its_cover(cli: Program, server: FakeServer, here: Path) -> None:
    server.documents[f"/v1/catalog/albums/{ALBUM}"] = an_album(a_track(), a_track(OTHER, 2, name="../../x/y"))
    ended = cli("library", "fetch", ALBUM, "--to", "music")
    assert ended.code == 0
    assert files(here) == {
        "music/The Examples - Night Drive/01 Song 1.mp3": BODY,
        "music/The Examples - Night Drive/02 .._.._x_y.mp3": BODY,
        "music/The Examples - Night Drive/cover.jpg": b"picture",
    }
    assert ended.stdout.startswith("3 of 3 files, 512 kB")


def test_tracks_of_several_discs_do_not_collide(cli: Program, server: FakeServer, here: Path) -> None:
    tracks = [a_track(), a_track(OTHER, 1, disc=2)]
    server.documents[f"/v1/catalog/albums/{ALBUM}"] = an_album(*tracks, artist_name=None, images=[])
    assert cli("library", "fetch", ALBUM).code == 0
    assert files(here).keys() == {"Night Drive/1-01 Song 1.mp3", "Night Drive/2-01 Song 1.mp3"}


def test_what_is_not_stored_is_said_and_passed_over(cli: Program, server: FakeServer, here: Path) -> None:
    tracks = [a_track(), a_track(OTHER, 2, availability="unavailable")]
    server.documents[f"/v1/catalog/albums/{ALBUM}"] = an_album(*tracks, images=[])
    ended = cli("library", "fetch", ALBUM)
    assert (ended.code, len(files(here))) == (8, 1)
    assert "unavailable: 02 Song 2" in ended.stderr


def test_what_is_there_already_is_left_alone_and_what_differs_is_not(cli: Program, bucket: Bucket, here: Path) -> None:
    assert cli("library", "fetch", TRACK).code == 0
    again = cli("library", "fetch", TRACK, "--json")
    assert ("there already" in again.stdout, len(bucket.seen)) == (True, 1)
    (here / "Song 1.mp3").write_bytes(b"x" * len(BODY))
    assert cli("library", "fetch", TRACK).code == 0
    assert files(here) == {"Song 1.mp3": BODY}


def test_a_file_goes_on_where_an_earlier_run_stopped(cli: Program, bucket: Bucket, here: Path) -> None:
    (here / f"{TRACK}.part").write_bytes(BODY[:1000])
    assert cli("library", "fetch", TRACK).code == 0
    assert files(here) == {"Song 1.mp3": BODY}
    assert [sent.range for sent in bucket.seen] == ["bytes=1000-"]


def test_a_line_that_breaks_is_taken_up_again(cli: Program, bucket: Bucket, here: Path) -> None:
    def cut(request: httpx.Request, start: int) -> httpx.Response:
        del request
        headers = {"ETag": '"e"', "Content-Range": f"bytes {start}-"}
        return httpx.Response(206 if start else 200, content=BODY[start : start + 100_000], headers=headers)

    def gone(request: httpx.Request, start: int) -> httpx.Response:
        del start
        raise httpx.ReadError("reset", request=request)

    def ended(request: httpx.Request, start: int) -> httpx.Response:
        del request, start
        return httpx.Response(403)

    bucket.answers = [cut, gone, ended, cut]
    assert cli("library", "fetch", TRACK).code == 0
    assert files(here) == {"Song 1.mp3": BODY}
    assert [sent.range for sent in bucket.seen] == [None, *["bytes=100000-"] * 3, "bytes=200000-"]


@pytest.mark.parametrize("there", [b"wrong" * 10, b"x" * len(BODY), b"x" * (len(BODY) + 1)], ids=len)
def test_what_does_not_belong_together_is_fetched_anew(cli: Program, here: Path, there: bytes) -> None:
    (here / f"{TRACK}.part").write_bytes(there)
    assert cli("library", "fetch", TRACK).code == 0
    assert files(here) == {"Song 1.mp3": BODY}


def test_an_answer_that_goes_on_elsewhere_is_not_mixed_in(cli: Program, bucket: Bucket, here: Path) -> None:
    (here / f"{TRACK}.part").write_bytes(BODY[:1000])
    bucket.answers = [lambda _request, _start: httpx.Response(206, content=b"x", headers={"Content-Range": "bytes 0-"})]
    assert cli("library", "fetch", TRACK).code == 0
    assert files(here) == {"Song 1.mp3": BODY}


@pytest.mark.parametrize("body", [b"y" * len(BODY), BODY + b"x"], ids=["other bytes", "more bytes"])
def test_what_is_not_what_the_catalog_says_is_not_kept(cli: Program, bucket: Bucket, here: Path, body: bytes) -> None:
    bucket.objects[f"/audio/{TRACK}"] = body
    ended = cli("library", "fetch", TRACK)
    assert (ended.code, files(here)) == (1, {})
    assert "catalog says" in ended.stderr


def test_a_bucket_that_stays_away_is_told_and_keeps_what_came(cli: Program, bucket: Bucket, here: Path) -> None:
    bucket.answers = [lambda _request, _start: httpx.Response(500) for _ in range(9)]
    (here / f"{TRACK}.part").write_bytes(BODY[:10])
    ended = cli("library", "fetch", TRACK)
    assert (ended.code, len(bucket.seen), files(here)) == (3, 5, {f"{TRACK}.part": BODY[:10]})
    assert "go on later" in ended.stderr


@pytest.mark.parametrize("url", ["file:///etc/passwd", "https://a b", "https://a\r\nb", "", None, "https://é"])
def test_a_link_that_is_none_is_refused(cli: Program, server: FakeServer, bucket: Bucket, url: str | None) -> None:
    server.documents[f"/v1/media/tracks/{TRACK}"] = {"url": url}
    assert (cli("library", "fetch", TRACK).code, bucket.seen) == (1, [])


def test_an_unknown_id_ends_with_not_found(cli: Program, here: Path) -> None:
    assert (cli("library", "fetch", OTHER).code, files(here)) == (5, {})


def test_a_folder_that_cannot_be_written_is_told_in_one_line(cli: Program, here: Path) -> None:
    (here / "music").write_text("a file")
    ended = cli("library", "fetch", TRACK, "--to", "music")
    assert (ended.code, "Traceback" in ended.stderr, "music" in ended.stderr) == (2, False, True)


def test_an_id_of_the_server_that_is_a_path_writes_nothing(cli: Program, server: FakeServer, here: Path) -> None:
    server.documents[f"/v1/catalog/tracks/{TRACK}"] = a_track("../../evil")
    assert (cli("library", "fetch", TRACK).code, files(here)) == (3, {})


def test_a_picture_is_saved_by_itself(cli: Program, here: Path) -> None:
    assert (cli("library", "fetch", COVER).code, files(here)) == (0, {f"{COVER}.jpg": b"picture"})


@given(st.text() | st.text("/\\.: \0\n\u202eé"))
def test_no_name_leads_elsewhere(name: str) -> None:
    found = file_name(name, fallback="id")
    assert found
    assert found == found.strip(" .")
    assert not set(found) & set('/\\:*?"<>|\0\n')
    assert len(found) <= 120
