"""The catalog and its media on the running stack: what was fetched can be found, read and saved."""

from pathlib import Path

import httpx
import pytest

from cratekeeper_local.provider.child import Provider
from cratekeeper_local.provider.shelf import DEMO_ALBUM_ID
from tests.support.people import Person, Town
from tests.support.stack import LocalStack
from tests.system.test_album import ALBUM_WITH_A_MISSING_TRACK
from tests.system.test_cli import of, ran


def get(person: Person, path: str, **params: str) -> dict[str, object]:
    answer = person.http.get(path, params=params)
    answer.raise_for_status()
    found: dict[str, object] = answer.json()
    return found


@pytest.fixture
def album(alice: Person) -> dict[str, object]:
    """The demo album, whoever fetched it first."""
    answer = alice.request(DEMO_ALBUM_ID)
    if answer.status_code == 202:
        alice.wait(answer.json()["id"])
    return get(alice, f"/v1/catalog/albums/{DEMO_ALBUM_ID}")


def test_what_was_fetched_is_in_the_catalog(album: dict[str, object], alice: Person) -> None:
    tracks, images = album["tracks"], album["images"]
    assert isinstance(tracks, list)
    assert isinstance(images, list)
    assert {each["availability"] for each in (*tracks, *images)} == {"available"}
    assert len(tracks) == album["track_count"] == 12
    for path, wanted in (("albums", DEMO_ALBUM_ID), ("artists", tracks[0]["artist_ids"][0])):
        listed = get(alice, f"/v1/catalog/{path}", limit="200")["items"]
        assert isinstance(listed, list)
        assert wanted in {each["id"] for each in listed}
    assert get(alice, f"/v1/catalog/tracks/{tracks[0]['id']}") == tracks[0]


def test_media_are_read_through_a_link_that_ends(
    album: dict[str, object], alice: Person, provider: Provider, town: Town
) -> None:
    tracks, images = album["tracks"], album["images"]
    assert isinstance(tracks, list)
    assert isinstance(images, list)
    for path, source in (
        (f"tracks/{tracks[0]['id']}", f"/track/{tracks[0]['id']}/audio"),
        (f"images/{images[0]['id']}", f"/image/{images[0]['id']}"),
    ):
        redirect = alice.http.get(f"/v1/media/{path}")
        assert redirect.status_code == 302
        link = redirect.headers["Location"]
        served = httpx.get(link, trust_env=False)  # without a key
        assert served.content == provider.client.get(source).content
        assert served.headers["Content-Type"].split("/")[0] in {"audio", "image"}
        assert "filename=" in served.headers["Content-Disposition"]
        assert httpx.get(link.replace("Signature=", "Signature=0"), trust_env=False).status_code == 403
        assert httpx.get(link.partition("?")[0], trust_env=False).status_code == 403
        shown = get(alice, f"/v1/media/{path}", redirect="false")
        assert str(shown["url"]).partition("?")[0] == link.partition("?")[0]
    with town.person("viewer") as eve:
        assert eve.http.get(f"/v1/media/tracks/{tracks[0]['id']}").status_code == 403
    assert alice.http.get(f"/v1/media/tracks/{'0' * 22}").status_code == 404
    assert alice.http.get(f"/v1/media/images/{'A' * 40}").status_code == 400


def test_what_the_provider_does_not_have_is_unavailable(alice: Person) -> None:
    answer = alice.request(ALBUM_WITH_A_MISSING_TRACK, force=True)
    alice.wait(answer.json()["id"])
    tracks = get(alice, f"/v1/catalog/albums/{ALBUM_WITH_A_MISSING_TRACK}")["tracks"]
    assert isinstance(tracks, list)
    states = [track["availability"] for track in tracks]
    assert (states.count("unavailable"), {*states}) == (1, {"available", "unavailable"})


def test_plays_are_taken_and_the_chart_is_there(album: dict[str, object], alice: Person) -> None:
    tracks = album["tracks"]
    assert isinstance(tracks, list)
    headers = {"Idempotency-Key": f"play of {alice.name}"}
    played = [alice.http.post("/v1/plays", json={"track_id": tracks[0]["id"]}, headers=headers) for _ in "ab"]
    assert [answer.status_code for answer in played] == [202, 202]
    assert played[0].content == played[1].content
    assert get(alice, "/v1/catalog/popular").keys() == {"items", "next_cursor", "days", "counted_at"}


def test_an_album_is_saved_as_files(album: dict[str, object], alice: Person, stack: LocalStack, tmp_path: Path) -> None:
    environ = of(alice, stack, tmp_path)
    ended = ran(environ, "library", "fetch", DEMO_ALBUM_ID, "--to", str(tmp_path / "music"))
    assert (ended.returncode, "Traceback" in ended.stderr) == (0, False), ended.stderr
    saved = [path for path in (tmp_path / "music").rglob("*") if path.is_file()]
    tracks, images = album["tracks"], album["images"]
    assert isinstance(tracks, list)
    assert isinstance(images, list)
    assert len(saved) == len(tracks) + len(images)
    assert {path.stat().st_size for path in saved} >= {track["media"]["size"] for track in tracks}
    again = ran(environ, "library", "fetch", DEMO_ALBUM_ID, "--to", str(tmp_path / "music"), "--json")
    assert again.stdout.count("there already") == len(tracks)
