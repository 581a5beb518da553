"""Limits under fire: exact, however many ask at once."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from cratekeeper_local.provider.child import Provider
from tests.support.people import Person

SHARED_ROOMS = "97vFbjbyrtvTosoE04RtT7"


def at_once(people: int, ask: "list[tuple[Person, str]]", *, force: bool = False) -> list[httpx.Response]:
    """Send all requests, `people` at a time."""
    with ThreadPoolExecutor(people) as threads:
        return list(threads.map(lambda each: each[0].request(each[1], force=force), ask))


@pytest.mark.case("L-04", "L-06")
@pytest.mark.usefixtures("within_a_day")
def test_of_200_requests_exactly_as_many_pass_as_the_limit_leaves(alice: Person) -> None:
    answers = at_once(40, [(alice, f"{number:022d}") for number in range(200)])
    assert Counter(answer.status_code for answer in answers) == {202: 10, 429: 190}
    refused = next(answer for answer in answers if answer.status_code == 429)
    body = refused.json()
    assert (body["code"], body["limit"], body["used"]) == ("daily_limit_reached", 10, 10)
    assert body["resets_at"].endswith("T00:00:00.000Z")
    assert int(refused.headers["Retry-After"]) > 0
    assert alice.http.get("/v1/limits").json()["user"]["requests_today"] == 10


@pytest.mark.case("D-02", "D-03")
@pytest.mark.usefixtures("within_a_day")
def test_of_50_requests_for_one_album_one_passes(alice: Person, provider: Provider) -> None:
    provider.fault(f"/album/{SHARED_ROOMS}", "slow", times=-1, rate_bytes_s=200)
    answers = at_once(50, [(alice, SHARED_ROOMS)] * 50, force=True)
    assert Counter(answer.status_code for answer in answers) == {202: 1, 409: 49}
    (accepted,) = [answer.json()["id"] for answer in answers if answer.status_code == 202]
    assert {answer.json()["download_id"] for answer in answers if answer.status_code == 409} == {accepted}
    assert alice.http.get("/v1/limits").json()["user"]["requests_today"] == 1
    provider.reset()
    assert alice.wait(accepted)["status"] == "COMPLETED"
