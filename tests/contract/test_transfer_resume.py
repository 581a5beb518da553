"""Files that outlive an invocation, and keys that are not free: on S3, from the demo provider."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from json import dumps
from typing import Any, Final

import pytest

from cratekeeper.adapters.s3 import S3Media
from cratekeeper.domain.errors import TransferFailed
from cratekeeper.domain.failures import ErrorType
from cratekeeper.domain.models import Upload
from cratekeeper.ports import MediaStore
from cratekeeper_local.provider.child import Provider, running
from cratekeeper_local.provider.ids import content_id
from tests.contract.emulator import Emulator
from tests.contract.landing import Landing
from tests.memory.samples import wav

MIB: Final = 2**20
SIZE: Final = MIB * 3 // 2
PART: Final = MIB // 4
TRACK: Final = content_id("track", "Long/1")
AUDIO: Final = f"/track/{TRACK}/audio"
KEY: Final = f"audio/{TRACK}.wav"
_numbers = count(1)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    library = tmp_path_factory.mktemp("library") / "long.json"
    library.write_text(dumps({"albums": [{"name": "Long", "artists": ["A"], "tracks": 1, "wav_bytes": SIZE}]}))
    with running(library=library) as child:
        yield child


@pytest.fixture
def provider(demo: Provider) -> Provider:
    demo.reset()
    return demo


@pytest.fixture(scope="module")
def truth(demo: Provider) -> bytes:
    return demo.client.get(AUDIO).content


class Bucket(S3Media):
    """The adapter, and a look behind it."""

    def uploads(self) -> list[Any]:
        """The multipart uploads that are open."""
        return self._client.list_multipart_uploads(Bucket=self._bucket).get("Uploads", [])


@pytest.fixture
def bucket(emulator: Emulator) -> Bucket:
    name = f"landing-{next(_numbers)}"
    emulator.aws.s3.create_bucket(Bucket=name)
    return Bucket(emulator.aws.s3, name)


@pytest.fixture
def landing(provider: Provider, bucket: Bucket) -> Landing:
    """All files go in parts, unless the test says otherwise."""
    return Landing(url=provider.url, media=bucket, part_bytes=PART, put_bytes=0, timeout_s=20)


@dataclass(slots=True)
class Meddling:
    """A bucket in which something happens just before a call."""

    port: MediaStore
    method: str
    happening: Callable[[], None]
    skip: int = 0

    def __getattr__(self, name: str) -> Any:
        if name == self.method:
            self.skip -= 1
            if self.skip < 0:
                self.method = ""
                self.happening()
        return getattr(self.port, name)


def meddling(port: MediaStore, method: str, happening: Callable[[], None], *, skip: int = 0) -> Any:
    """See `Meddling`: it stands in for the port without naming its methods."""
    return Meddling(port, method, happening, skip)


class Died(BaseException):
    """The worker is gone from here on."""


def die() -> None:
    raise Died


def failed(landing: Landing) -> ErrorType:
    with pytest.raises(TransferFailed) as failure:
        landing.land(TRACK)
    return failure.value.error_type


def begun(landing: Landing, provider: Provider) -> Upload:
    """A transfer whose worker died after four of six parts."""
    s3 = landing.media
    landing.media = meddling(s3, "put_part", die, skip=4)
    with pytest.raises(Died):
        landing.land(TRACK)
    landing.media = s3
    upload = landing.item.upload
    assert upload
    assert len(s3.parts(KEY, upload.upload_id)) == 4
    provider.reset()
    return upload


def asked_bytes(provider: Provider) -> int:
    return provider.stats().bytes.get(TRACK, 0)


def test_a_file_may_take_three_invocations(landing: Landing, provider: Provider, truth: bytes) -> None:
    landing.timeout_s = 1.0
    provider.fault(AUDIO, "slow", times=-1, rate_bytes_s=650_000)
    results = [landing.land(TRACK)]
    while isinstance(results[-1], Upload) and len(results) < 8:
        results.append(landing.land(TRACK))
    assert [type(each) for each in results[:-1]] == [Upload] * (len(results) - 1)
    assert len(results) >= 3
    assert landing.stored(results[-1]) == truth
    # What was on its way when the time was over comes twice: less than a part each time.
    assert asked_bytes(provider) < SIZE + len(results) * 2 * PART


@pytest.mark.case("F-05")
def test_the_next_claim_goes_on_after_a_dead_workers_parts(
    bucket: Bucket, landing: Landing, provider: Provider, truth: bytes
) -> None:
    begun(landing, provider)
    assert landing.stored(landing.land(TRACK)) == truth
    assert asked_bytes(provider) == SIZE - 4 * PART
    assert bucket.uploads() == []


@pytest.mark.case("F-05")
def test_a_cut_costs_only_what_was_not_stored(landing: Landing, provider: Provider, truth: bytes) -> None:
    provider.fault(AUDIO, "truncate", keep=0.5)
    assert failed(landing) is ErrorType.CORRUPT
    provider.reset()
    assert landing.stored(landing.land(TRACK)) == truth
    assert asked_bytes(provider) <= SIZE // 2 + 2 * PART


@pytest.mark.case("F-05")
def test_after_a_reset_it_goes_on_with_what_had_come(landing: Landing, provider: Provider, truth: bytes) -> None:
    provider.fault(AUDIO, "reset", keep=0.9)
    assert failed(landing) is ErrorType.CONNECTION
    assert landing.stored(landing.land(TRACK)) == truth


@pytest.mark.case("F-06")
@pytest.mark.parametrize("behaviour", ["etag_change", "ignore_range"])
def test_what_cannot_be_gone_on_with_starts_at_byte_0(
    bucket: Bucket, landing: Landing, provider: Provider, truth: bytes, behaviour: str
) -> None:
    begun(landing, provider)
    provider.fault(AUDIO, behaviour)
    body = landing.stored(landing.land(TRACK))
    assert (body == truth) is (behaviour == "ignore_range")
    assert len(body) == asked_bytes(provider) == SIZE
    assert bucket.uploads() == []


@pytest.mark.case("F-06")
def test_without_a_validator_it_starts_at_byte_0(landing: Landing, provider: Provider, truth: bytes) -> None:
    provider.fault(AUDIO, "headers", headers=[["ETag", '"a second one"']])
    assert begun(landing, provider).source_etag is None
    assert landing.stored(landing.land(TRACK)) == truth
    assert asked_bytes(provider) == SIZE


@pytest.mark.case("F-07")
@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"behaviour": "wrong_content_range"}, ErrorType.CORRUPT),
        ({"behaviour": "wrong_content_range", "shift": -1}, ErrorType.CORRUPT),
        ({"behaviour": "wrong_content_range", "shift": 0, "total": SIZE + 1}, ErrorType.CORRUPT),
        ({"behaviour": "wrong_content_range", "shift": 0, "total": SIZE - 1}, ErrorType.CORRUPT),
        ({"behaviour": "wrong_type", "type": "audio/flac"}, ErrorType.CORRUPT),
        ({"behaviour": "html_200"}, ErrorType.CORRUPT),
        ({"behaviour": "status", "code": 416}, ErrorType.UNKNOWN),
    ],
)
def test_a_wrong_rest_is_not_taken_and_the_next_attempt_starts_anew(
    bucket: Bucket, landing: Landing, provider: Provider, fault: dict[str, Any], expected: ErrorType
) -> None:
    truth = provider.client.get(AUDIO).content
    begun(landing, provider)
    provider.fault(AUDIO, **fault)
    assert failed(landing) is expected
    assert (landing.item.upload, bucket.uploads(), bucket.head(KEY)) == (None, [], None)
    assert landing.stored(landing.land(TRACK)) == truth


@pytest.mark.case("F-07")
def test_a_size_that_changed_is_not_taken(landing: Landing, provider: Provider) -> None:
    upload = begun(landing, provider)
    landing.put(replace(landing.item, upload=replace(upload, length=SIZE + 44)))
    assert failed(landing) is ErrorType.CORRUPT
    assert landing.media.head(KEY) is None


@pytest.mark.parametrize("status", [404, 429, 500])
def test_a_refusal_keeps_the_parts(landing: Landing, provider: Provider, status: int) -> None:
    upload = begun(landing, provider)
    provider.fault(AUDIO, "status", code=status)
    failed(landing)
    assert landing.item.upload == upload
    assert len(landing.media.parts(KEY, upload.upload_id)) == 4


@pytest.mark.parametrize("length", [SIZE, None])
def test_all_parts_were_stored_when_the_worker_died(
    landing: Landing, provider: Provider, truth: bytes, length: int | None
) -> None:
    s3 = landing.media
    landing.media = meddling(s3, "complete", die)
    with pytest.raises(Died):
        landing.land(TRACK)
    landing.media = s3
    provider.reset()
    upload = landing.item.upload
    assert upload
    landing.put(replace(landing.item, upload=replace(upload, length=length)))
    if length is None:
        assert failed(landing) is ErrorType.UNKNOWN  # 416: nothing is left to ask for
        provider.reset()
    assert landing.stored(landing.land(TRACK)) == truth
    assert asked_bytes(provider) == (SIZE if length is None else PART)


def test_an_upload_that_is_gone_starts_anew_at_once(landing: Landing, provider: Provider, truth: bytes) -> None:
    upload = begun(landing, provider)
    landing.media.abort(KEY, upload.upload_id)
    assert landing.stored(landing.land(TRACK)) == truth


def test_an_upload_that_goes_midway_starts_anew_at_once(landing: Landing, provider: Provider, truth: bytes) -> None:
    upload = begun(landing, provider)
    s3 = landing.media
    landing.media = meddling(s3, "put_part", lambda: s3.abort(KEY, upload.upload_id), skip=1)
    assert landing.stored(landing.land(TRACK)) == truth


def test_a_completion_whose_answer_was_lost_is_our_own(landing: Landing, truth: bytes) -> None:
    s3 = landing.media

    def complete() -> None:
        upload = landing.item.upload
        assert upload
        s3.complete(KEY, upload.upload_id, [part.etag for part in s3.parts(KEY, upload.upload_id)])

    landing.media = meddling(s3, "complete", complete)
    assert landing.stored(landing.land(TRACK)) == truth


@pytest.mark.case("F-04")
def test_stored_parts_that_are_not_the_files_never_stay(landing: Landing, provider: Provider, truth: bytes) -> None:
    upload = begun(landing, provider)
    landing.media.put_part(KEY, upload.upload_id, 1, bytes(PART))
    assert failed(landing) is ErrorType.CORRUPT
    assert landing.media.head(KEY) is None
    assert landing.stored(landing.land(TRACK)) == truth


@pytest.mark.case("F-04")
@pytest.mark.parametrize(("behaviour", "keep"), [("truncate_chunked", 0.9), ("close_delimited", 0.9)])
def test_a_broken_end_in_parts_is_never_stored(
    landing: Landing, provider: Provider, behaviour: str, keep: float
) -> None:
    provider.fault(AUDIO, behaviour, keep=keep)
    assert failed(landing) is ErrorType.CORRUPT
    assert landing.media.head(KEY) is None


@pytest.mark.parametrize("put_bytes", [0, SIZE], ids=["parts", "one put"])
@pytest.mark.parametrize("behaviour", ["chunked", "close_delimited"])
def test_a_length_need_not_be_known(
    landing: Landing, provider: Provider, truth: bytes, put_bytes: int, behaviour: str
) -> None:
    provider.fault(AUDIO, behaviour, keep=1)
    landing.part_bytes = put_bytes or PART
    assert landing.stored(landing.land(TRACK)) == truth


@pytest.mark.parametrize("put_bytes", [0, SIZE], ids=["parts", "one put"])
def test_a_whole_object_is_adopted(bucket: Bucket, landing: Landing, truth: bytes, put_bytes: int) -> None:
    landing.put_bytes = put_bytes
    etag = landing.media.put(KEY, iter([truth]), size_bytes=SIZE, content_type="audio/wav")
    assert landing.stored(landing.land(TRACK)) == truth
    found = landing.media.head(KEY)
    assert found
    assert (found.etag, bucket.uploads(), landing.item.upload) == (etag, [], None)


@pytest.mark.parametrize("put_bytes", [0, SIZE], ids=["parts", "one put"])
@pytest.mark.parametrize(
    ("body", "content_type"),
    [(b"garbage", "audio/wav"), (b"", "audio/wav"), (wav("x")[:-9], "audio/wav"), (wav("x"), "binary/octet-stream")],
)
def test_a_broken_object_is_replaced(
    landing: Landing, truth: bytes, put_bytes: int, body: bytes, content_type: str
) -> None:
    landing.put_bytes = put_bytes
    landing.media.put(KEY, iter([body]), size_bytes=len(body), content_type=content_type)
    assert landing.stored(landing.land(TRACK)) == truth


@pytest.mark.parametrize(("method", "put_bytes"), [("complete", 0), ("put", SIZE)])
@pytest.mark.parametrize("is_whole", [True, False])
def test_an_object_that_lands_midway_is_adopted_or_replaced(
    landing: Landing, truth: bytes, method: str, put_bytes: int, *, is_whole: bool
) -> None:
    s3, other = landing.media, wav("of another worker") if is_whole else b"broken"
    landing.put_bytes = put_bytes

    def arrive() -> None:
        s3.put(KEY, iter([other]), size_bytes=len(other), content_type="audio/wav")

    landing.media = meddling(s3, method, arrive)
    assert landing.stored(landing.land(TRACK)) == (other if is_whole else truth)


def test_an_object_that_goes_while_it_is_looked_at_is_stored(landing: Landing, truth: bytes) -> None:
    s3 = landing.media
    etag = s3.put(KEY, iter([b"broken"]), size_bytes=6, content_type="audio/wav")
    landing.media = meddling(s3, "read", lambda: s3.discard(KEY, etag=etag))
    assert landing.stored(landing.land(TRACK)) == truth


def test_somebody_who_keeps_storing_broken_objects_is_a_storage_failure(landing: Landing) -> None:
    s3 = landing.media
    landing.put_bytes = SIZE
    etag = s3.put(KEY, iter([b"broken"]), size_bytes=6, content_type="audio/wav")

    def again() -> None:
        s3.put(KEY, iter([b"again"]), size_bytes=5, content_type="audio/wav", if_match=etag)

    landing.media = meddling(s3, "put", again, skip=1)
    assert failed(landing) is ErrorType.STORAGE
    found = s3.head(KEY)
    assert found
    assert found.size_bytes == 5


def test_a_provider_that_never_resumes_is_not_asked_for_ever(landing: Landing, provider: Provider) -> None:
    landing.timeout_s = 1.0
    provider.fault(AUDIO, "slow", rate_bytes_s=650_000)
    upload = landing.land(TRACK)
    assert isinstance(upload, Upload)
    landing.put(replace(landing.item, upload=replace(upload, source_etag='"of another version"')))
    provider.fault(AUDIO, "slow", rate_bytes_s=400_000)
    assert failed(landing) is ErrorType.TIMEOUT
