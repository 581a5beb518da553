"""People of a running stack: each with a key of their own, so that no test uses up another's limits."""

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import httpx

from cratekeeper_local.invoking import invoked
from tests.support.stack import LocalStack
from tests.support.waiting import until

ENDED: Final = frozenset({"COMPLETED", "FAILED", "CANCELLED"})
_NUMBERS: Final = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Person:
    """A user with an API key, and what they do."""

    name: str
    http: httpx.Client

    def request(self, content_id: str, **wanted: object) -> httpx.Response:
        """Ask for an album, or what `kind` says."""
        return self.http.post("/v1/downloads", json={"kind": "album", "content_id": content_id, **wanted})

    def look(self, download_id: str) -> dict[str, Any]:
        """The download as the API shows it."""
        answer = self.http.get(f"/v1/downloads/{download_id}")
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def wait(self, download_id: str, *, within_s: float = 90.0) -> dict[str, Any]:
        """The download once it has ended; fails after `within_s` seconds."""
        deadline = time.monotonic() + within_s
        while (found := self.look(download_id))["status"] not in ENDED:
            assert time.monotonic() < deadline, f"not ended within {within_s} s: {found}"
            time.sleep(0.2)
        return found

    def children(self, download_id: str) -> list[dict[str, Any]]:
        """All its children, page by page."""
        return self._all(f"/v1/downloads/{download_id}/children")

    def events(self, download_id: str) -> list[str]:
        """The types of its events, oldest first."""
        return [each["event_type"] for each in self._all(f"/v1/downloads/{download_id}/events")]

    def history(self, download_id: str) -> list[str]:
        """The events of a completed download, as soon as that is told: the history follows the table by a moment."""
        return until(lambda: (told := self.events(download_id))[-1:] == ["DOWNLOAD_COMPLETED"] and told)

    def _all(self, url: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor = None
        while True:
            page = self.http.get(url, params={"limit": 200, **({"cursor": cursor} if cursor else {})}).json()
            found += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return found


@dataclass(frozen=True, slots=True)
class Town:
    """Makes people on a stack."""

    stack: LocalStack

    @contextmanager
    def person(self, role: str = "user") -> Iterator[Person]:
        """Somebody new, with a key from the admin function."""
        name = f"{role}{next(_NUMBERS)}"
        event = {"action": "create_key", "user_id": name, "role": role}
        key = invoked(self.stack.aws, self.stack.resources["AdminFunction"], event)["key"]
        headers = {"Authorization": f"Bearer {key}"}
        with httpx.Client(
            base_url=self.stack.ready["api_url"], headers=headers, trust_env=False, timeout=60.0
        ) as client:
            yield Person(name, client)
