"""The port MediaStore: objects under conditions, and multipart uploads that outlive their makers."""

from collections.abc import Iterator
from functools import partial
from itertools import count

import pytest

from cratekeeper.adapters.s3 import S3Media
from cratekeeper.domain.errors import NotFound, ObjectExists
from cratekeeper.ports import MediaStore, ObjectInfo
from tests.contract.emulator import Emulator
from tests.contract.races import at_once
from tests.memory.media import MemoryMedia
from tests.memory.samples import content_id, noise
from tests.memory.virtual import VirtualClock

MIB = 1024 * 1024
KEY = f"audio/{content_id('a track')}.ogg"
OGG = "audio/ogg"
_numbers = count(1)


def media_on(emulator: Emulator) -> S3Media:
    bucket = f"media-{next(_numbers)}"
    emulator.aws.s3.create_bucket(Bucket=bucket)
    return S3Media(emulator.aws.s3, bucket)


@pytest.fixture
def media(backend: str, request: pytest.FixtureRequest) -> MediaStore:
    return MemoryMedia(VirtualClock()) if backend == "memory" else media_on(request.getfixturevalue("emulator"))


def put(media: MediaStore, body: bytes, *, if_match: str | None = None) -> str:
    half = len(body) // 2
    return media.put(KEY, iter([body[:half], body[half:]]), size_bytes=len(body), content_type=OGG, if_match=if_match)


def content(media: MediaStore) -> bytes:
    return b"".join(media.read(KEY))


def test_a_stored_object_is_found_and_read(media: MediaStore) -> None:
    assert media.head(KEY) is None
    etag = put(media, b"some bytes")
    assert media.head(KEY) == ObjectInfo(10, etag, OGG)
    assert content(media) == b"some bytes"


def test_an_object_of_nothing(media: MediaStore) -> None:
    etag = put(media, b"")
    assert media.head(KEY) == ObjectInfo(0, etag, OGG)
    assert content(media) == b""


def test_a_large_object_is_read_in_pieces(media: MediaStore) -> None:
    body = noise("large", 3 * MIB + 5)
    put(media, body)
    pieces = list(media.read(KEY))
    assert b"".join(pieces) == body
    assert max(map(len, pieces)) <= MIB


def test_what_is_not_there_cannot_be_read(media: MediaStore) -> None:
    with pytest.raises(NotFound):
        content(media)


def test_a_key_is_created_once(media: MediaStore) -> None:
    etag = put(media, b"first")
    with pytest.raises(ObjectExists):
        put(media, b"second")
    assert media.head(KEY) == ObjectInfo(5, etag, OGG)


def test_a_broken_object_is_replaced_while_it_is_the_one_seen(media: MediaStore) -> None:
    broken = put(media, b"broken")
    whole = put(media, b"whole", if_match=broken)
    assert content(media) == b"whole"
    with pytest.raises(ObjectExists):
        put(media, b"late", if_match=broken)
    assert media.head(KEY) == ObjectInfo(5, whole, OGG)


def test_nothing_cannot_be_replaced(media: MediaStore) -> None:
    with pytest.raises(ObjectExists):
        put(media, b"late", if_match='"0123456789abcdef0123456789abcdef"')
    assert media.head(KEY) is None


def test_what_the_pieces_raise_flies_on_and_nothing_is_stored(media: MediaStore) -> None:
    def pieces() -> Iterator[bytes]:
        yield noise("piece", MIB)
        raise LookupError("the source broke")

    with pytest.raises(LookupError, match="the source broke"):
        media.put(KEY, pieces(), size_bytes=2 * MIB, content_type=OGG)
    assert media.head(KEY) is None


def test_parts_become_an_object(media: MediaStore) -> None:
    bodies = [noise("1", 6 * MIB), noise("2", 5 * MIB), b"the end"]
    upload = media.begin(KEY, content_type=OGG)
    etags = [media.put_part(KEY, upload, number, body) for number, body in enumerate(bodies, 1)]
    assert [(part.etag, part.size_bytes) for part in media.parts(KEY, upload)] == [
        (etag, len(body)) for etag, body in zip(etags, bodies, strict=True)
    ]
    assert media.head(KEY) is None
    etag = media.complete(KEY, upload, etags)
    assert media.head(KEY) == ObjectInfo(sum(map(len, bodies)), etag, OGG)
    assert content(media) == b"".join(bodies)


def test_a_part_put_again_replaces_the_first(media: MediaStore) -> None:
    upload = media.begin(KEY, content_type=OGG)
    media.put_part(KEY, upload, 1, b"first")
    etag = media.put_part(KEY, upload, 1, b"again")
    media.complete(KEY, upload, [etag])
    assert content(media) == b"again"


@pytest.mark.case("F-05")
def test_parts_are_told_up_to_the_first_gap(media: MediaStore) -> None:
    upload = media.begin(KEY, content_type=OGG)
    assert media.parts(KEY, upload) == []
    for number in (4, 2, 1):
        media.put_part(KEY, upload, number, b"x" * number)
    assert [part.size_bytes for part in media.parts(KEY, upload)] == [1, 2]


def test_an_upload_creates_a_key_once(media: MediaStore) -> None:
    upload = media.begin(KEY, content_type=OGG)
    etag = media.put_part(KEY, upload, 1, b"late")
    first = put(media, b"first")
    with pytest.raises(ObjectExists):
        media.complete(KEY, upload, [etag])
    with pytest.raises(ObjectExists):
        media.complete(KEY, upload, [etag], if_match='"0123456789abcdef0123456789abcdef"')
    assert content(media) == b"first"
    media.complete(KEY, upload, [etag], if_match=first)
    assert content(media) == b"late"


def test_an_upload_that_is_gone(media: MediaStore) -> None:
    upload = media.begin(KEY, content_type=OGG)
    etag = media.put_part(KEY, upload, 1, b"x")
    media.abort(KEY, upload)
    media.abort(KEY, upload)
    with pytest.raises(NotFound):
        media.put_part(KEY, upload, 2, b"x")
    with pytest.raises(NotFound):
        media.complete(KEY, upload, [etag])
    with pytest.raises(NotFound):
        media.parts(KEY, upload)
    assert media.head(KEY) is None


def test_a_broken_object_is_discarded_while_it_is_the_one_seen(media: MediaStore) -> None:
    broken = put(media, b"broken")
    whole = put(media, b"whole", if_match=broken)
    media.discard(KEY, etag=broken)
    assert content(media) == b"whole"
    media.discard(KEY, etag=whole)
    media.discard(KEY, etag=whole)
    assert media.head(KEY) is None


def test_of_many_creators_one_wins(emulator: Emulator) -> None:
    media = media_on(emulator)

    def create(number: int) -> bool:
        try:
            put(media, b"x" * number)
        except ObjectExists:
            return False
        return True

    won = at_once([partial(create, number) for number in range(1, 21)])
    found = media.head(KEY)
    assert found is not None
    assert (sum(won), won[found.size_bytes - 1]) == (1, True)
