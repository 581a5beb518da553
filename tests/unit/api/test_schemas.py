from datetime import datetime

import pytest

from cratekeeper.api.schemas import CreateDownload, utc
from cratekeeper.domain.lanes import Lane
from cratekeeper.domain.models import Kind
from cratekeeper.services.requests import NewDownload
from tests.memory.samples import content_id
from tests.support.builders import at

TRACK = content_id("track")


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (at(0), "2026-11-21T08:00:00.000Z"),
        (at(0.001), "2026-11-21T08:00:00.001Z"),
        (at(59.999), "2026-11-21T08:00:59.999Z"),
    ],
)
def test_times_are_iso_8601_in_utc_with_milliseconds(moment: datetime, text: str) -> None:
    assert utc(moment) == text
    assert datetime.fromisoformat(text) == moment


def test_a_body_becomes_what_the_service_is_asked_for() -> None:
    body = CreateDownload(kind="album", content_id=TRACK, content_name="A", artist_name="B", priority=3, force=True)
    assert body.wanted() == NewDownload(
        kind=Kind.ALBUM, content_id=TRACK, content_name="A", artist_name="B", lane=Lane.LOW, force=True
    )


def test_what_is_left_out_of_a_body_has_its_default() -> None:
    assert CreateDownload(kind="track", content_id=TRACK).wanted() == NewDownload(kind=Kind.TRACK, content_id=TRACK)
