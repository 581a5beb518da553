"""Files that go in parts, and go on where an earlier invocation stopped."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from cratekeeper.domain.errors import NotFound, TransferFailed
from cratekeeper.domain.failures import ErrorType
from cratekeeper.domain.models import Download, Upload
from cratekeeper.domain.states import State
from cratekeeper.services.transfer import MOST_PARTS, SLOWEST_BYTES_PER_S
from tests.memory import samples
from tests.memory.provider import MemoryBody, Source
from tests.support.builders import at
from tests.support.crash import answering, killed_at, meanwhile
from tests.support.crate import Crate, Knobs

PART = 1000
TRACK = samples.content_id("track")
KEY = f"audio/{TRACK}.wav"
BODY = samples.wav("track", 5500 - 44)
OTHER = samples.wav("other", 4500 - 44)


@pytest.fixture
def crate() -> Crate:
    """Parts of a thousand bytes, and one track of five and a half of them whose length is not declared."""
    crate = Crate.of(knobs=Knobs(part_bytes=PART))
    crate.track()
    source = source_of(crate)
    source.body, source.is_declared, source.pieces = BODY, False, 11
    return crate


@pytest.fixture
def item(crate: Crate) -> Download:
    [item] = crate.world.table.roots()
    return item


def source_of(crate: Crate) -> Source:
    return crate.world.provider.sources[TRACK]


def ended(crate: Crate, item: Download) -> Download:
    crate.work(item.id)
    return crate.item(item)


def stored(crate: Crate) -> dict[str, bytes]:
    return {key: each.body for key, each in crate.world.media.objects.items()}


def killed(crate: Crate, item: Download, parts: int = 3) -> None:
    """Have a worker die when it has stored so many parts; the item can be claimed again."""
    killed_at(crate.world.calls, "media.put_part", lambda: crate.work(item.id), number=parts + 1)
    crate.world.clock.advance(61)


def suspended(crate: Crate, item: Download, parts: int = 3) -> None:
    """Have an invocation end when it has stored so many parts; the item is due."""
    source_of(crate).piece_s = crate.knobs.timeout_s / (2 * parts + 1) + 0.01
    crate.work(item.id)
    source_of(crate).piece_s = 0
    crate.world.clock.advance(1)


def changed_upload(crate: Crate, **fields: Any) -> None:
    [root] = crate.world.table.roots()
    assert root.upload is not None
    crate.put(replace(root, upload=replace(root.upload, **fields)))


def answered(crate: Crate, change: Callable[[MemoryBody], object]) -> None:
    """Change the next answer of the provider."""

    @contextmanager
    def changed(answer: AbstractContextManager[MemoryBody]) -> Iterator[MemoryBody]:
        with answer as body:
            change(body)
            yield body

    def around(called: str, call: Callable[[], Any]) -> Any:
        if called != "provider.audio":
            return call()
        crate.world.calls.around = None
        return changed(call())

    crate.world.calls.around = around


def test_a_long_file_goes_in_parts(crate: Crate, item: Download) -> None:
    done = ended(crate, item)
    assert stored(crate) == {KEY: BODY}
    assert done.media is not None
    assert done.media.sha256 == sha256(BODY).hexdigest()
    assert (crate.world.media.begun, crate.world.media.open_uploads, done.upload) == (1, {}, None)


@pytest.mark.case("F-05")
@pytest.mark.parametrize("stop", [killed, suspended])
@pytest.mark.parametrize("parts", [1, 3, 5])
def test_the_next_claim_goes_on_after_the_stored_parts(
    crate: Crate, item: Download, parts: int, stop: Callable[..., None]
) -> None:
    stop(crate, item, parts)
    seen = crate.world.calls.counting()
    done = ended(crate, item)
    assert stored(crate) == {KEY: BODY}
    assert done.media is not None
    assert (done.media.size_bytes, done.media.sha256) == (len(BODY), sha256(BODY).hexdigest())
    assert (seen["media.put_part"], crate.world.media.begun) == (6 - parts, 1)


def test_a_transfer_that_outlives_its_invocation_spends_no_retry(crate: Crate, item: Download) -> None:
    suspended(crate, item)
    waiting = crate.item(item)
    assert (waiting.state, waiting.retry_count, waiting.error_type) == (State.RETRY_WAITING, 0, None)
    assert crate.held() == set()
    crate.settle_down(step_s=1)
    assert (crate.item(item).state, crate.item(item).lease_losses) == (State.COMPLETED, 0)


@pytest.mark.parametrize(("after_s", "left_s", "retries"), [(135, 130, 0), (20, 130, 1), (135, 300, 1)])
def test_an_answer_that_is_timed_out_after_some_parts_spends_no_retry(
    crate: Crate, item: Download, after_s: float, left_s: float, retries: int
) -> None:
    """A long file cannot come in one answer; one that brings nothing new is a failure."""
    source_of(crate).piece_s = 30
    too_late = TransferFailed(ErrorType.TIMEOUT, "the deadline")
    answered(crate, lambda body: crate.world.clock.after(after_s, lambda: body.abort(too_late)))
    crate.process.run(item.id, deadline=at(left_s + 10))
    assert (crate.item(item).state, crate.item(item).retry_count) == (State.RETRY_WAITING, retries)


def test_an_invocation_that_brings_nothing_new_spends_a_retry(crate: Crate, item: Download) -> None:
    """So a provider that cannot resume is not asked for ever."""
    killed(crate, item)
    source_of(crate).piece_s = 60
    too_late = TransferFailed(ErrorType.TIMEOUT, "the deadline")
    answered(crate, lambda body: crate.world.clock.after(135, lambda: body.abort(too_late)))
    crate.process.run(item.id, deadline=crate.world.clock.now() + timedelta(seconds=140))
    assert (crate.item(item).retry_count, crate.item(item).error_type) == (1, ErrorType.TIMEOUT)


def changed(crate: Crate) -> None:
    source_of(crate).body = OTHER


def no_validator(crate: Crate) -> None:
    changed_upload(crate, source_etag=None)


def no_parts(crate: Crate) -> None:
    [upload] = crate.world.media.open_uploads.values()
    upload.parts.clear()


def other_parts(crate: Crate) -> None:
    [upload] = crate.world.media.open_uploads.values()
    upload.parts = {number: body[:-1] for number, body in upload.parts.items()}


def no_upload(crate: Crate) -> None:
    crate.world.media.open_uploads.clear()


@pytest.mark.case("F-06")
@pytest.mark.parametrize("spoil", [changed, no_validator, no_parts, other_parts, no_upload])
def test_what_cannot_be_resumed_starts_at_byte_0(crate: Crate, item: Download, spoil: Callable[[Crate], None]) -> None:
    killed(crate, item)
    spoil(crate)
    body = source_of(crate).body
    assert ended(crate, item).state is State.COMPLETED
    assert stored(crate) == {KEY: body}
    assert (crate.world.media.begun, crate.world.media.open_uploads) == (2, {})


@pytest.mark.case("F-06")
def test_what_starts_at_byte_0_may_be_short_enough_for_one_put(crate: Crate, item: Download) -> None:
    killed(crate, item)
    source = source_of(crate)
    source.body, source.is_declared = OTHER, True
    assert ended(crate, item).state is State.COMPLETED
    assert stored(crate) == {KEY: OTHER}
    assert crate.world.media.open_uploads == {}


def shifted(body: MemoryBody) -> None:
    body.offset += 1


def longer(body: MemoryBody) -> None:
    body.length = len(BODY) + 1


def other_type(body: MemoryBody) -> None:
    body.content_type = "audio/flac"


@pytest.mark.case("F-07")
@pytest.mark.parametrize("change", [shifted, longer, other_type])
def test_an_answer_that_does_not_go_on_with_the_file_is_corrupt(
    crate: Crate, item: Download, change: Callable[[MemoryBody], None]
) -> None:
    killed(crate, item)
    changed_upload(crate, length=len(BODY))
    source_of(crate).is_declared = True
    answered(crate, change)
    failed = ended(crate, item)
    assert (failed.state, failed.error_type, failed.upload) == (State.RETRY_WAITING, ErrorType.CORRUPT, None)
    assert (stored(crate), crate.world.media.open_uploads) == ({}, {})


@pytest.mark.parametrize("error_type", ErrorType)
def test_an_upload_that_may_go_on_is_kept_through_a_failure(
    crate: Crate, item: Download, error_type: ErrorType
) -> None:
    killed(crate, item)
    crate.world.provider.fail("audio", TRACK, error_type)
    crate.work(item.id)
    is_over = crate.item(item).is_terminal or error_type in {ErrorType.CORRUPT, ErrorType.UNKNOWN}
    # That of a lost worker is left to the dispatcher.
    assert (crate.item(item).upload is None) is (is_over and error_type is not ErrorType.LOST)


def test_a_resumed_file_that_is_not_whole_is_thrown_away(crate: Crate, item: Download) -> None:
    killed(crate, item)
    [upload] = crate.world.media.open_uploads.values()
    upload.parts[1] = b"x" * PART
    failed = ended(crate, item)
    assert (failed.state, failed.error_type) == (State.RETRY_WAITING, ErrorType.CORRUPT)
    assert stored(crate) == {}
    crate.settle_down()
    assert stored(crate) == {KEY: BODY}


@pytest.mark.parametrize("parts", [1, 3, 5])
def test_a_file_of_whole_parts_is_never_asked_for_from_its_end(parts: int) -> None:
    crate = Crate.of(knobs=Knobs(part_bytes=PART))
    item = crate.track()
    source = source_of(crate)
    source.body, source.is_declared = samples.wav("track", parts * PART - 44), True
    upload_id = crate.world.media.begin(KEY, content_type="audio/wav")
    for number in range(parts):
        crate.world.media.put_part(KEY, upload_id, number + 1, source.body[number * PART : (number + 1) * PART])
    with crate.world.provider.audio(TRACK, deadline_s=1) as body:
        upload = Upload(key=KEY, upload_id=upload_id, source_etag=body.etag, length=parts * PART)
    crate.put(replace(item, upload=upload))
    answered(crate, lambda body: pytest.fail("from its end") if body.offset == parts * PART else None)
    assert ended(crate, item).state is State.COMPLETED


@pytest.mark.parametrize("body", [BODY[:-1], BODY + b"more"])
def test_a_long_file_that_is_not_whole_is_never_put_together(crate: Crate, item: Download, body: bytes) -> None:
    source_of(crate).body = body
    failed = ended(crate, item)
    assert (failed.error_type, failed.upload) == (ErrorType.CORRUPT, None)
    assert (stored(crate), crate.world.media.open_uploads) == ({}, {})


def test_what_never_ends_is_given_up_at_the_last_part(item: Download) -> None:
    crate = Crate.of(knobs=Knobs(part_bytes=1))
    item = crate.track()
    source = source_of(crate)
    source.body, source.is_declared = samples.wav("track", MOST_PARTS), False
    assert ended(crate, item).error_type is ErrorType.CORRUPT
    assert (stored(crate), crate.world.media.open_uploads) == ({}, {})


def test_what_is_declared_to_be_too_long_is_not_begun(crate: Crate, item: Download) -> None:
    source_of(crate).is_declared = True
    answered(crate, lambda body: setattr(body, "length", MOST_PARTS * PART + 1))
    assert ended(crate, item).error_type is ErrorType.CORRUPT
    assert crate.world.media.begun == 0


@pytest.mark.parametrize("site", ["media.put_part", "media.complete"])
def test_an_upload_that_is_gone_begins_anew(crate: Crate, item: Download, site: str) -> None:
    answering(crate.world.calls, site, lambda *_: NotFound("the upload"))
    assert ended(crate, item).state is State.COMPLETED
    assert stored(crate) == {KEY: BODY}
    assert crate.world.media.open_uploads == {}


@pytest.mark.parametrize("theirs", [samples.wav("track", 700), b"garbage"])
def test_who_comes_second_with_a_long_file_adopts_or_replaces(crate: Crate, item: Download, theirs: bytes) -> None:
    meanwhile(crate.world.calls, "media.complete", lambda: crate.world.media.place(KEY, theirs, "audio/wav"))
    assert ended(crate, item).state is State.COMPLETED
    assert stored(crate) == {KEY: BODY if theirs == b"garbage" else theirs}
    assert crate.world.media.open_uploads == {}


@pytest.mark.parametrize("site", ["media.put_part", "media.complete", "media.begin", "store.write"])
def test_a_write_of_an_upload_whose_answer_was_lost_does_no_harm(crate: Crate, item: Download, site: str) -> None:
    crate.world.calls.losing(site)
    assert ended(crate, item).state is State.COMPLETED
    assert stored(crate) == {KEY: BODY}


@pytest.mark.parametrize("state", [State.CANCELLED, State.PAUSED])
def test_an_upload_of_an_item_that_was_taken_away_is_not_noted(crate: Crate, item: Download, state: State) -> None:
    meanwhile(crate.world.calls, "media.begin", lambda: crate.put(replace(crate.item(item), state=state)))
    crate.work(item.id)
    assert (crate.item(item).state, crate.item(item).upload) == (state, None)
    assert stored(crate) == {}


def test_a_file_that_would_not_fit_the_time_left_goes_in_parts(crate: Crate, item: Download) -> None:
    source_of(crate).is_declared = True
    answered(crate, lambda body: setattr(body, "length", SLOWEST_BYTES_PER_S + 1))
    crate.process.run(item.id, deadline=crate.world.clock.now())
    assert crate.world.media.begun == 1


def test_a_long_file_that_replaces_a_broken_object_ends_after_some_invocations(crate: Crate, item: Download) -> None:
    crate.world.media.place(KEY, b"garbage", "audio/wav")
    source_of(crate).piece_s = crate.knobs.timeout_s / 8
    crate.settle_down(step_s=1, ticks=40)
    done = crate.item(item)
    assert (done.state, done.retry_count) == (State.COMPLETED, 0)
    assert stored(crate) == {KEY: BODY}
    assert crate.world.media.open_uploads == {}
