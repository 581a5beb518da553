"""What one user may do: the deployment's limits, limits of their own, and when they begin anew."""

from typing import Any

import pytest

from cratekeeper.domain.limits import UserLimits
from tests.memory.samples import content_id
from tests.support.api import Api, Response, api_on
from tests.support.crate import Crate, Knobs

UNTIL_MIDNIGHT_S = 16 * 3600


def ask(api: Api, name: str, *, by: str = "alice") -> Response:
    return api.call("POST /v1/downloads", by=by, body={"kind": "track", "content_id": content_id(name)})


def limits(api: Api, *, by: str = "alice") -> dict[str, Any]:
    found: dict[str, Any] = api.call("GET /v1/limits", by=by).body["user"]
    return found


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> Api:
    """One request a day, and two at once."""
    return api_on(Crate.of(knobs=Knobs(limits=UserLimits(max_per_day=1, max_queue=2))), monkeypatch)


def allow(api: Api, **own: Any) -> None:
    """Give alice limits of her own."""
    api.crate.world.identities.amend("alice", own)


@pytest.mark.case("L-07")
def test_the_day_begins_anew_at_midnight_and_the_queue_does_not(strict: Api) -> None:
    strict.crate.world.clock.advance(UNTIL_MIDNIGHT_S - 1)
    assert ask(strict, "a").status == 202
    refused = ask(strict, "b")
    assert (refused.status, refused.headers["Retry-After"]) == (429, "1")
    strict.crate.world.clock.advance(1)
    found = limits(strict)
    assert (found["requests_today"], found["in_queue"], found["can_request"]) == (0, 1, True)
    assert found["resets_at"] == "2026-11-23T00:00:00.000Z"
    assert ask(strict, "b").status == 202


@pytest.mark.case("L-03")
def test_who_has_used_it_up_sees_it(strict: Api) -> None:
    ask(strict, "a")
    found = limits(strict)
    assert (found["requests_today"], found["max_per_day"], found["can_request"]) == (1, 1, False)
    assert limits(strict, by="bob")["can_request"]


@pytest.mark.parametrize(
    ("own", "shown", "statuses"),
    [
        ({"max_per_day": 2}, (2, 2), [202, 202, 429]),
        ({"max_per_day": -1}, (-1, 2), [202, 202, 429]),
        ({"max_per_day": -1, "max_queue": -1}, (-1, -1), [202, 202, 202]),
        ({"max_per_day": 5, "max_queue": 1}, (5, 1), [202, 429, 429]),
        ({"max_per_day": 0}, (0, 2), [429, 429, 429]),
    ],
)
def test_limits_of_ones_own_win(strict: Api, own: dict[str, int], shown: tuple[int, int], statuses: list[int]) -> None:
    allow(strict, **own)
    found = limits(strict)
    assert (found["max_per_day"], found["max_queue"]) == shown
    assert [ask(strict, name).status for name in "abc"] == statuses
    assert [ask(strict, f"bob {name}", by="bob").status for name in "ab"] == [202, 429]


@pytest.mark.case("L-14")
def test_an_admin_is_free_of_them(strict: Api) -> None:
    assert [ask(strict, name, by="root").status for name in "abc"] == [202, 202, 202]
    found = limits(strict, by="root")
    assert (found["max_per_day"], found["max_queue"], found["can_request"]) == (-1, -1, True)


def test_the_first_page_of_ones_downloads_carries_them(strict: Api) -> None:
    for name in "ab":
        ask(strict, name, by="root")
    first = strict.call("GET /v1/downloads", by="root", query={"limit": "1"}).body
    second = strict.call("GET /v1/downloads", by="root", query={"limit": "1", "cursor": first["next_cursor"]}).body
    assert first["limits"] == strict.call("GET /v1/limits", by="root").body
    assert "limits" not in second
