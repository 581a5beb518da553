"""One album, end to end: through the real template, the real emulator and the real provider."""

from hashlib import sha256

import pytest

from cratekeeper_local.provider.child import Provider
from cratekeeper_local.provider.shelf import DEMO_ALBUM_ID
from tests.support.people import Person
from tests.support.stack import LocalStack
from tests.support.waiting import until

EMPTY_ALBUM = "3CRomSA29imzf0zSMTyqJQ"
ALBUM_OF_120 = "GuTi9fknSrJhH63OzI2ztx"
ALBUM_WITH_A_MISSING_TRACK = "IFRuyWMOW4V79CydZDxwVq"


def served(provider: Provider, child: dict[str, str]) -> bytes:
    """What the provider serves for a child."""
    path = f"/track/{child['content_id']}/audio" if child["kind"] == "track" else f"/image/{child['content_id']}"
    return provider.client.get(path).content


@pytest.mark.case("P-01", "P-05", "P-11", "T-15")
def test_every_byte_of_the_demo_album_arrives(alice: Person, provider: Provider, stack: LocalStack) -> None:
    answer = alice.request(DEMO_ALBUM_ID)
    assert answer.status_code == 202
    download_id = answer.json()["id"]
    assert answer.headers["Location"] == f"/v1/downloads/{download_id}"
    album = alice.wait(download_id)
    children = alice.children(download_id)
    assert (album["status"], album["progress"]["completed"], len(children)) == ("COMPLETED", 14, 14)
    assert [child["id"] for child in children] == [f"{download_id}-{n}" for n in range(1, 15)]
    for child in children:
        expected = served(provider, child)
        found = stack.aws.objects.get_object(Bucket=stack.resources["MediaBucket"], Key=child["media"]["key"])
        assert found["Body"].read() == expected
        assert child["media"]["sha256"] == sha256(expected).hexdigest()
    assert album["bytes_downloaded"] == sum(child["bytes_downloaded"] for child in children)


@pytest.mark.case("A-01", "P-08")
def test_the_history_tells_each_step_once(alice: Person) -> None:
    download_id = alice.request(DEMO_ALBUM_ID, force=True).json()["id"]
    alice.wait(download_id)
    expected = ["REQUEST_CREATED", "DOWNLOAD_STARTED", "CHILDREN_CREATED", "DOWNLOAD_COMPLETED"]
    until(lambda: alice.events(download_id) == expected, within_s=20)
    until(lambda: alice.events(f"{download_id}-1") == ["DOWNLOAD_STARTED", "DOWNLOAD_COMPLETED"], within_s=20)


@pytest.mark.case("P-17")
def test_stored_tracks_are_not_fetched_again(alice: Person, provider: Provider) -> None:
    alice.wait(alice.request(DEMO_ALBUM_ID, force=True).json()["id"])
    provider.reset()
    track = provider.client.get(f"/album/{DEMO_ALBUM_ID}/tracks").json()[0]
    again = alice.request(track["id"], kind="track")
    assert (again.status_code, again.json()["code"]) == (409, "already_in_catalog")
    assert provider.stats().audio_requests == {}


@pytest.mark.case("D-04")
def test_an_album_in_the_catalog_is_not_queued_again(alice: Person) -> None:
    alice.wait(alice.request(DEMO_ALBUM_ID, force=True).json()["id"])
    again = alice.request(DEMO_ALBUM_ID)
    assert (again.status_code, again.json()["code"]) == (409, "already_in_catalog")


@pytest.mark.case("P-02")
def test_an_album_without_tracks_is_complete(alice: Person) -> None:
    album = alice.wait(alice.request(EMPTY_ALBUM).json()["id"])
    assert album["status"] == "COMPLETED"
    assert {child["kind"] for child in alice.children(album["id"])} == {"artist_image"}


def test_an_album_of_more_than_one_chunk(alice: Person) -> None:
    album = alice.wait(alice.request(ALBUM_OF_120).json()["id"], within_s=180)
    assert album["status"] == "COMPLETED"
    assert album["progress"]["completed"] == album["progress"]["total"] == len(alice.children(album["id"]))


@pytest.mark.case("P-06", "R-07", "L-08")
def test_a_missing_track_fails_the_album_in_part(alice: Person) -> None:
    album = alice.wait(alice.request(ALBUM_WITH_A_MISSING_TRACK).json()["id"])
    failed = [child for child in alice.children(album["id"]) if child["status"] == "FAILED"]
    assert (album["status"], album["partial"]) == ("FAILED", True)
    assert album["error_message"] == f"1 of {album['progress']['total']} children failed"
    assert [(child["error_type"], child["attempts"]) for child in failed] == [("not_found", 1)]
    assert alice.http.get("/v1/limits").json()["user"]["in_queue"] == 0
