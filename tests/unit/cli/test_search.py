"""`search` and `discography`: what is sent and shown."""

import pytest

from tests.unit.cli.fake_server import ALBUM, FakeServer, Json
from tests.unit.cli.program import Program

ARTIST = "3TVXtAsR1Inumwj472S9r4"
PATH = f"/v1/artists/{ARTIST}/discography"


def a_result(**changes: object) -> Json:
    plain: Json = {
        "id": ALBUM, "type": "album", "name": "Night Drive", "artist_name": "The Examples", "image_url": None,
        "year": 1999, "in_catalog": False, "in_queue": False,
    }  # fmt: skip
    return {**plain, **changes}


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        (["night", "drive"], {"q": "night drive", "limit": "20"}),
        (["night drive", "--type", "Artist", "--limit", "5"], {"q": "night drive", "limit": "5", "type": "artist"}),
    ],
)
def test_words_type_and_limit_are_sent(
    cli: Program, server: FakeServer, typed: list[str], sent: dict[str, str]
) -> None:
    server.documents["/v1/search"] = {"items": []}
    assert cli("search", *typed).stdout == "nothing found\n"
    assert dict(server.seen[0].url.params) == sent


@pytest.mark.parametrize(
    ("flags", "state"),
    [
        ({}, []),
        ({"in_queue": True}, ["in", "queue"]),
        ({"in_catalog": True}, ["in", "catalog"]),
        ({"in_catalog": True, "in_queue": True}, ["in", "catalog"]),
    ],
)
def test_what_is_there_already_is_said(cli: Program, server: FakeServer, flags: Json, state: list[str]) -> None:
    found: Json = {"items": [a_result(**flags)], "next_cursor": None}
    server.documents["/v1/search"] = found
    row = cli("search", "night").stdout.splitlines()[1].split()
    assert row == [ALBUM, "album", *state, "Night", "Drive", "The", "Examples", "1999"]
    assert cli("search", "night", "--json").json == found


@pytest.mark.parametrize("columns", ["50", "79", "80", "200"])
def test_a_row_fits_and_the_id_is_never_cut(cli: Program, server: FakeServer, columns: str) -> None:
    server.documents["/v1/search"] = {"items": [a_result(name="N" * 300, artist_name=None, year=None)]}
    lines = cli.having({"COLUMNS": columns})("search", "n").stdout.splitlines()
    assert all(len(line) <= int(columns) for line in lines)
    assert lines[1].startswith(ALBUM)
    assert ("ARTIST" in lines[0]) == (int(columns) >= 80)


@pytest.mark.parametrize("typed", [[], [" "], ["a", "--type", "disc"], ["a", "--limit", "0"], ["a", "--limit", "201"]])
def test_wrong_usage_is_told_without_a_request(cli: Program, server: FakeServer, typed: list[str]) -> None:
    assert (cli("search", *typed).code, server.seen) == (2, [])


def test_a_discography_is_the_artist_and_the_albums(cli: Program, server: FakeServer) -> None:
    found: Json = {"artist": a_result(id=ARTIST, type="artist", name="The Examples"), "albums": [a_result()]}
    server.documents[PATH] = found
    shown = cli("discography", ARTIST).stdout.splitlines()
    assert (shown[0], shown[2].split()[0]) == ("The Examples", ALBUM)
    assert cli("discography", ARTIST, "--json").json == found


def test_no_albums_are_said_as_such(cli: Program, server: FakeServer) -> None:
    server.documents[PATH] = {"artist": {}, "albums": []}
    assert cli("discography", ARTIST).stdout == f"{ARTIST}\nno albums\n"


def test_what_can_be_no_artist_is_not_sent(cli: Program, server: FakeServer) -> None:
    ended = cli("discography", "a/b")
    assert (ended.code, ended.stderr, server.seen) == (2, "error: not an artist id: 'a/b'\n", [])
