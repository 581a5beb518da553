"""The served document against the served API: generated calls, each answer held against what is told of it."""

import random
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import httpx
import hypothesis
import requests
import schemathesis
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure
from schemathesis.core.result import Ok
from schemathesis.openapi.checks import RejectedPositiveData
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    positive_data_acceptance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.support.stack import LocalStack

MODES: Final = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
POSITIVE_SHARE: Final = 0.7
"""Of the cases, those that are made to be taken; the others are made to be refused."""

KNOWN_SHARE: Final = 0.9
"""Of the ids in paths and bodies, those that exist: a generated one never would."""

PATIENCE_S: Final = 60.0
FEWEST_KNOWN: Final = 10
LIBRARY, WAITING = 2, 25

# That a key is asked for, and 405 with Allow, are shown for every route in tests/unit/api (test_matrix, test_routing):
# probing for them with each case would double the calls.
CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    positive_data_acceptance,
]


OPTIONS: Final = ("--set", "MaxAlbumsPerHour=-1", "--set", "MaxAlbumsPerDay=-1", "--set", "LeaseSeconds=10")
"""Of the stack that is called."""

UNTOLD: Final = {"query.cursor", "body.resume_at"}


@dataclass(slots=True)
class Report:
    """What a run found: answers by status, and each fault once with the number of its cases."""

    seed: int
    statuses: Counter[int] = field(default_factory=Counter)
    by_operation: dict[str, Counter[int]] = field(default_factory=dict)
    faults: Counter[str] = field(default_factory=Counter)
    samples: dict[str, str] = field(default_factory=dict)

    @property
    def cases(self) -> int:
        """All answers."""
        return self.statuses.total()

    @property
    def share_of_2xx(self) -> float:
        """0 to 1."""
        taken = sum(count for status, count in self.statuses.items() if 200 <= status < 300)
        return taken / self.cases if self.cases else 0.0

    def lines(self) -> list[str]:
        """For people."""
        head = (
            f"{self.cases} cases, seed {self.seed}, {self.share_of_2xx:.0%} 2xx: {dict(sorted(self.statuses.items()))}"
        )
        each = [f"  {name}: {dict(sorted(found.items()))}" for name, found in sorted(self.by_operation.items())]
        faults = [f"FAULT ({count} x) {fault}\n    {self.samples[fault]}" for fault, count in self.faults.most_common()]
        return [head, *each, *faults]


@dataclass(slots=True)
class Known:
    """What exists, by the name under which a path or a body asks for it."""

    names: dict[str, list[str]]

    @classmethod
    def of(cls, http: httpx.Client) -> "Known":
        """A small library, downloads that wait, and a user with a key; the queue is paused from here on."""
        found = http.get("/v1/search", params={"q": "a", "limit": 200}).json()["items"]
        albums = [each["id"] for each in found if each["type"] == "album"][:LIBRARY]
        artists = [each["id"] for each in found if each["type"] == "artist"]
        stored = [cls._asked(http, each) for each in albums]
        for each in stored:
            cls._ended(http, each)
        http.post("/v1/admin/queue/pause", json={"reason": "a fuzzer is at work"}).raise_for_status()
        waiting = [cls._asked(http, f"{number:022d}") for number in range(WAITING)]
        shelves = [http.get(f"/v1/catalog/albums/{each}").json() for each in albums]
        return cls({
            "id": [*waiting, *stored, f"{stored[0]}-1"],
            "download_id": [*waiting, *stored],
            "album_id": albums,
            "artist_id": [*artists, *(artist for each in shelves for artist in each["artist_ids"])],
            "track_id": [track["id"] for each in shelves for track in each["tracks"]],
            "image_id": [image["id"] for each in shelves for image in each["images"]],
            "user_id": ["user", "user2", "viewer"],
            "job_id": [each["id"] for each in http.get("/v1/admin/jobs").json().get("items", [])],
        })

    @staticmethod
    def _asked(http: httpx.Client, content_id: str) -> str:
        made = http.post("/v1/downloads", json={"kind": "album", "content_id": content_id}).json()
        found: str = made.get("id") or made["download_id"]
        return found

    @staticmethod
    def _ended(http: httpx.Client, download_id: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while http.get(f"/v1/downloads/{download_id}").json()["status"] != "COMPLETED":
            assert time.monotonic() < deadline, "the library does not fill"
            time.sleep(0.2)

    def one(self, name: str, dice: random.Random) -> str | None:
        """One of the things of that name; None where nothing is known."""
        return dice.choice(self.names[name]) if self.names.get(name) else None


@dataclass(slots=True)
class Fuzzer:
    """Calls a stack as its admin, whom nothing is forbidden.

    Args:
        stack: a running one.
        seed: the same cases for the same seed and document.
    """

    stack: LocalStack
    seed: int
    report: Report = field(init=False)
    dice: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.report, self.dice = Report(self.seed), random.Random(self.seed)

    def run(self, cases: int) -> Report:
        """At least so many cases, evenly over the operations."""
        with self.stack.http("admin_key") as http, requests.Session() as session:
            session.trust_env = False
            session.headers["Authorization"] = http.headers["authorization"]
            document = http.get("/openapi.json").json()
            known = Known.of(http)
            schema = schemathesis.openapi.from_dict(document)
            operations = [each.ok() for each in schema.get_all_operations() if isinstance(each, Ok)]
            for operation in operations:
                for mode in MODES:
                    share = POSITIVE_SHARE if mode is GenerationMode.POSITIVE else 1 - POSITIVE_SHARE
                    strategy = operation.as_strategy(generation_mode=mode)
                    call = _bounded(
                        lambda case: self._call(case, known, session), -int(-cases * share // len(operations))
                    )
                    self._generate(strategy, call)
        return self.report

    def _generate(self, strategy: Any, call: "Bounded") -> None:
        """Feed the strategy to `call` until it has had enough; an operation of few forms gets each of them once."""

        @hypothesis.seed(self.seed)
        @hypothesis.settings(
            max_examples=call.most,
            database=None,
            deadline=None,
            phases=[hypothesis.Phase.generate],
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        @hypothesis.given(strategy)
        def each(case: Case[Any]) -> None:
            call(case)

        with suppress(hypothesis.errors.Unsatisfiable):  # nothing can be wrong with an operation that takes nothing
            each()

    def _call(self, case: Case[Any], known: Known, session: requests.Session) -> None:
        if case.meta and case.meta.generation.mode is GenerationMode.POSITIVE and self.dice.random() < KNOWN_SHARE:
            self._settle_in(case, known)
        answer = case.call(base_url=self.stack.ready["api_url"], session=session, timeout=PATIENCE_S)
        name = f"{case.method.upper()} {case.path}"
        self.report.statuses[answer.status_code] += 1
        self.report.by_operation.setdefault(name, Counter())[answer.status_code] += 1
        self._learn(case, answer, known)
        try:
            case.validate_response(answer, checks=CHECKS)
        except BaseExceptionGroup as failures:
            for failure in failures.exceptions:
                if isinstance(failure, RejectedPositiveData) and _is_meant(answer):
                    continue
                fault = f"{name}: {failure.title if isinstance(failure, Failure) else failure}"
                self.report.faults[fault] += 1
                if fault not in self.report.samples:
                    sent = f"{answer.request.method} {answer.request.url} {str(answer.request.body)[:300]}"
                    self.report.samples[fault] = f"{sent}\n    {answer.status_code} {answer.text[:300]}"

    def _learn(self, case: Case[Any], answer: Any, known: Known) -> None:
        """New downloads take the place of those that are deleted."""
        downloads = known.names["id"]
        if answer.status_code == HTTPStatus.ACCEPTED and case.path == "/v1/downloads":
            downloads.append(answer.json()["id"])
        if case.method.upper() == "DELETE" and len(downloads) > FEWEST_KNOWN:
            gone = (case.path_parameters or {}).get("id")
            downloads[:] = [each for each in downloads if each != gone]

    def _settle_in(self, case: Case[Any], known: Known) -> None:
        """Name what exists, in the path and in the body, where the case names anything; a cursor is never guessed."""
        if case.query:
            case.query.pop("cursor", None)
        body: dict[str, Any] = case.body if isinstance(case.body, dict) else {}
        for part in (case.path_parameters or {}, body):
            for name in sorted(known.names.keys() & part.keys()):
                part[name] = known.one(name, self.dice) or part[name]
        if isinstance(body.get("ids"), list) and body["ids"]:
            body["ids"][0] = known.one("id", self.dice)


def _is_meant(answer: Any) -> bool:
    """Refusals of what no schema can tell of: a cursor of ours, a key used once, a time ahead, what a job takes."""
    if answer.status_code not in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY}:
        return False
    problem = answer.json()
    places = {each["loc"] for each in problem.get("errors", ())}
    of_a_job = {place for place in places if place.startswith("body.params.")}
    return problem["code"] == "idempotency_key_reused" or (bool(places) and places - of_a_job <= UNTOLD)


@dataclass(slots=True)
class Bounded:
    """A call that is made at most so often."""

    call: Callable[[Case[Any]], None]
    most: int
    made: int = 0

    def __call__(self, case: Case[Any]) -> None:
        if self.made < self.most:
            self.made += 1
            self.call(case)


_bounded = Bounded
