"""The check that every answer of the unit tests goes through can fail."""

import json

import pytest

from tests.support.conformance import document, faults

HEADERS = {"Content-Type": "application/json", "X-Request-ID": "r"}
PROBLEM = {"Content-Type": "application/problem+json", "X-Request-ID": "r"}
HEALTH = {"status": "ok", "version": "0.1.0", "provider": "missing"}


def of_health(status: int = 200, body: object = HEALTH, headers: dict[str, str] | None = None) -> list[str]:
    return faults("GET /health", status=status, headers=headers or HEADERS, body=json.dumps(body))


def test_what_is_told_has_no_fault() -> None:
    assert of_health() == []
    assert faults("GET /no/such/route", status=404, headers={}, body="") == []
    problem = document()["components"]["examples"]["not_found"]["value"]
    assert faults("GET /v1/downloads/{id}", status=404, headers=PROBLEM, body=json.dumps(problem)) == []


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (of_health(status=418), "status 418 is not told of"),
        (of_health(body=HEALTH | {"more": 1}), "more"),
        (of_health(body={"status": "ok", "version": "0.1.0"}), "provider"),
        (of_health(body=HEALTH | {"provider": "lost"}), "lost"),
        (of_health(headers={"Content-Type": "text/plain", "X-Request-ID": "r"}), "text/plain is not told of"),
        (of_health(headers={"Content-Type": "application/json"}), "X-Request-ID is missing"),
    ],
)
def test_what_is_not_told_is_a_fault(found: list[str], said: str) -> None:
    assert any(said in each for each in found), found


def test_a_code_that_is_not_told_of_is_a_fault() -> None:
    problem = document()["components"]["examples"]["not_found"]["value"] | {"code": "other"}
    found = faults("GET /v1/downloads/{id}", status=404, headers=PROBLEM, body=json.dumps(problem))
    assert any("not_found" in each for each in found), found
