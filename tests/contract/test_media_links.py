"""Links that S3 itself checks: who has one reads one object, as it was signed, for a while."""

import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from cratekeeper.adapters.s3 import S3Media
from cratekeeper.domain.media import content_disposition
from tests.contract.emulator import Emulator
from tests.contract.test_media import KEY, media_on, put

NAME = content_disposition("attachment", "Café / 50 %", fallback="x", key=KEY)
BODY = b"OggS and more"


@pytest.fixture
def media(emulator: Emulator) -> S3Media:
    found = media_on(emulator)
    put(found, BODY)
    return found


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False) as client:
        yield client


def link(media: S3Media, key: str = KEY, *, seconds: int = 60) -> str:
    return media.link(key, content_type="audio/ogg", disposition=NAME, seconds=seconds)


def test_a_link_reads_the_object_under_the_signed_headers(media: S3Media, http: httpx.Client) -> None:
    answer = http.get(link(media))
    assert (answer.status_code, answer.content) == (200, BODY)
    assert answer.headers["Content-Type"] == "audio/ogg"
    assert answer.headers["Content-Disposition"] == NAME
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in link(media)


def test_a_link_takes_ranges(media: S3Media, http: httpx.Client) -> None:
    whole = http.get(link(media))
    part = http.get(link(media), headers={"Range": "bytes=4-", "If-Range": whole.headers["ETag"]})
    assert (part.status_code, part.content) == (206, BODY[4:])
    assert part.headers["Content-Range"] == f"bytes 4-{len(BODY) - 1}/{len(BODY)}"


@pytest.mark.parametrize(
    "changed",
    [
        lambda url: url.replace("X-Amz-Signature=", "X-Amz-Signature=0"),
        lambda url: url.replace("X-Amz-Expires=60", "X-Amz-Expires=600000"),
        lambda url: url.replace("audio%2Fogg", "text%2Fhtml"),
        lambda url: url.replace(".ogg?", ".mp3?"),
        lambda url: url.partition("?")[0],
    ],
    ids=["signature", "longer", "another type", "another object", "unsigned"],
)
def test_a_changed_link_reads_nothing(media: S3Media, http: httpx.Client, changed: object) -> None:
    assert callable(changed)
    url = changed(link(media))
    assert url != link(media)
    assert http.get(url).status_code == 403


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST"])
def test_a_link_writes_nothing(media: S3Media, http: httpx.Client, method: str) -> None:
    assert http.request(method, link(media)).status_code in {400, 403}
    assert b"".join(media.read(KEY)) == BODY


def test_a_link_ends(media: S3Media, http: httpx.Client) -> None:
    url = link(media, seconds=1)
    assert urlsplit(url).query
    time.sleep(2.1)
    assert http.get(url).status_code == 403
