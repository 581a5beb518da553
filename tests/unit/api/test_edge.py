"""The edge itself: what every answer has, whatever its view does."""

import json
from datetime import datetime
from http import HTTPStatus

import pytest
from pydantic import BaseModel

from cratekeeper.api.edge import Answer, Edge, Route
from cratekeeper.api.problems import SHAPES, Problem
from cratekeeper.api.request import Request
from cratekeeper.domain import errors
from cratekeeper.domain.access import Permission
from tests.support.api import Response
from tests.support.builders import NOW, at
from tests.support.crate import Crate

FIELDS = {"type", "title", "status", "detail", "code", "request_id", "timestamp"}


class Body(BaseModel):
    word: str


def answer(crate: Crate, error: Exception | None = None, **event: object) -> Response:
    """The answer of a public route that raises the error, or greets."""

    def view(_: Request) -> Answer:
        if error:
            raise error
        return Answer(body=Body(word="høi"), headers={"Location": "/there"}, has_etag=True)

    edge = Edge(
        routes={"GET /": Route(view, None), "GET /closed": Route(view, Permission.SERVER_ADMIN)},
        identity=crate.identity,
        clock=crate.world.clock,
        ids=crate.world.ids,
        log=crate.world.log,
        metrics=crate.world.metrics,
    )
    found = edge.answer({"rawPath": "/", **event})
    return Response(found["statusCode"], found["headers"], found["body"])


@pytest.fixture
def crate() -> Crate:
    return Crate.of()


ERRORS: list[tuple[Exception, int, str]] = [
    (errors.Invalid("wrong"), 400, "invalid_request"),
    (errors.Denied("who?"), 401, "unauthorized"),
    (errors.Forbidden("no"), 403, "forbidden"),
    (errors.NotFound("no such thing"), 404, "not_found"),
    (errors.AlreadyExists("there is one"), 409, "already_exists"),
    (errors.TooManyKeys("enough"), 409, "too_many_keys"),
    (errors.KeyAlreadyMade("X"), 409, "key_already_made"),
    (errors.AlreadyQueued("X"), 409, "already_queued"),
    (errors.AlreadyInCatalog("there"), 409, "already_in_catalog"),
    (errors.InvalidState("FAILED", "pause"), 409, "invalid_state"),
    (errors.LimitReached("daily_limit_reached", limit=1, used=1, resets_at=at(9)), 429, "daily_limit_reached"),
    (errors.JobRunning("integrity_watchdog"), 409, "job_running"),
    (errors.KeyReused("another body"), 422, "idempotency_key_reused"),
    (errors.KeyInProgress("running"), 409, "idempotency_in_progress"),
    (errors.ProviderNotConfigured("none"), 503, "provider_not_configured"),
    (errors.ProviderFailed("broken"), 502, "provider_failed"),
    (errors.ProviderTimedOut("silent"), 504, "provider_timed_out"),
    (errors.Unavailable("try again"), 503, "unavailable"),
    (errors.LeaseLost("X"), 500, "internal_error"),
    (Problem(HTTPStatus.NOT_FOUND, "unknown_route", "nothing here"), 404, "unknown_route"),
    (RuntimeError("a secret of ours"), 500, "internal_error"),
]


@pytest.mark.case("U-06")
@pytest.mark.parametrize(("error", "status", "code"), ERRORS, ids=lambda each: type(each).__name__)
def test_every_error_is_a_problem_with_all_fields(crate: Crate, error: Exception, status: int, code: str) -> None:
    found = answer(crate, error)
    body = found.body
    assert (found.status, body["status"], body["code"]) == (status, status, code)
    assert {*body} >= FIELDS
    assert (body["type"], body["title"]) == (f"urn:cratekeeper:problem:{code}", HTTPStatus(status).phrase)
    assert (body["timestamp"], body["request_id"]) == ("2026-11-21T08:00:00.000Z", found.headers["X-Request-ID"])
    assert found.headers["Content-Type"] == "application/problem+json"


def test_every_class_of_the_table_is_shown() -> None:
    assert {*SHAPES} <= {type(error) for error, _, _ in ERRORS}


@pytest.mark.case("U-06")
def test_what_was_not_foreseen_shows_nothing_of_itself_and_is_logged(crate: Crate) -> None:
    found = answer(crate, RuntimeError("a secret of ours"))
    assert "secret" not in found.raw
    assert "Traceback" not in found.raw
    [line] = [line for line in crate.world.log.lines if line.action == "request_failed"]
    assert line.fields["request_id"] == found.headers["X-Request-ID"]
    assert "a secret of ours" in str(line.fields["error"])


@pytest.mark.parametrize(
    ("error", "extra"),
    [
        (
            errors.Invalid("w", ("body.a", "m"), ("body.b", "n")),
            {"errors": [{"loc": "body.a", "msg": "m"}, {"loc": "body.b", "msg": "n"}]},
        ),
        (errors.Invalid("w"), {}),
        (errors.AlreadyQueued("X"), {"download_id": "X"}),
        (errors.LimitReached("q", limit=2, used=3, resets_at=None), {"limit": 2, "used": 3, "resets_at": None}),
        (
            errors.LimitReached("q", limit=2, used=2, resets_at=at(0.5)),
            {"limit": 2, "used": 2, "resets_at": "2026-11-21T08:00:00.500Z"},
        ),
    ],
)
def test_a_problem_tells_what_its_class_knows(crate: Crate, error: Exception, extra: dict[str, object]) -> None:
    body = answer(crate, error).body
    assert {name: value for name, value in body.items() if name not in FIELDS} == extra


@pytest.mark.parametrize(
    ("resets_at", "seconds"), [(at(90), "90"), (at(0.2), "1"), (at(90.2), "91"), (NOW, "1"), (None, "60")]
)
def test_a_limit_says_when_to_try_again(crate: Crate, resets_at: datetime | None, seconds: str) -> None:
    found = answer(crate, errors.LimitReached("q", limit=1, used=1, resets_at=resets_at))
    assert found.headers["Retry-After"] == seconds


def test_an_unavailable_system_asks_to_be_tried_again_and_an_unconfigured_one_does_not(crate: Crate) -> None:
    assert answer(crate, errors.Unavailable("x")).headers["Retry-After"] == "1"
    assert "Retry-After" not in answer(crate, errors.ProviderNotConfigured("x")).headers


def test_only_who_is_unknown_is_asked_for_a_key(crate: Crate) -> None:
    assert "WWW-Authenticate" in answer(crate, errors.Denied("x")).headers
    assert "WWW-Authenticate" not in answer(crate, errors.Forbidden("x")).headers


@pytest.mark.case("U-07")
@pytest.mark.parametrize("error", [None, errors.NotFound("x"), RuntimeError("x")])
def test_a_request_id_is_echoed(crate: Crate, error: Exception | None) -> None:
    found = answer(crate, error, headers={"X-Request-ID": "mine-1"})
    assert found.headers["X-Request-ID"] == "mine-1"
    assert error is None or found.body["request_id"] == "mine-1"


@pytest.mark.case("U-07")
def test_a_request_without_an_id_gets_one_of_its_own(crate: Crate) -> None:
    ids = {answer(crate, error).headers["X-Request-ID"] for error in (None, errors.NotFound("x"), None)}
    assert len(ids) == 3
    assert all(ids)


@pytest.mark.parametrize("given", ["", "two words", "line\nbreak", "x" * 129, "ø"])
def test_a_request_id_that_cannot_be_a_header_is_replaced(crate: Crate, given: str) -> None:
    found = answer(crate, headers={"X-Request-ID": given})
    assert found.headers["X-Request-ID"] not in {"", given}


def test_an_answer_has_its_headers_and_is_not_stored_by_others(crate: Crate) -> None:
    found = answer(crate)
    assert (found.status, found.raw) == (200, '{"word":"høi"}')
    assert (found.headers["Content-Type"], found.headers["Location"]) == ("application/json", "/there")
    assert found.headers["Cache-Control"] == "no-store"


def test_an_unchanged_answer_has_no_body(crate: Crate) -> None:
    etag = answer(crate).headers["ETag"]
    found = answer(crate, headers={"If-None-Match": etag, "X-Request-ID": "r"})
    assert (found.status, found.raw, found.headers["ETag"], found.headers["X-Request-ID"]) == (304, "", etag, "r")


def test_each_request_is_one_line_of_the_log_without_its_key(crate: Crate) -> None:
    answer(crate, rawPath="/closed", headers={"Authorization": "Bearer ck_canary", "X-Request-ID": "r"})
    [line] = crate.world.log.lines
    assert (line.action, line.fields) == ("request", {"route": "GET /closed", "status": 401, "request_id": "r"})
    assert "canary" not in json.dumps(crate.world.log.lines)


def test_a_table_that_does_not_answer_is_no_stack_trace(crate: Crate) -> None:
    crate.world.calls.failing("identities.caller_of")
    found = answer(crate, rawPath="/closed", headers={"Authorization": "Bearer ck_x"})
    assert (found.status, found.code) == (503, "unavailable")
