"""The HTTP API: requests, pages and problems. Routes are named by the commands."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Final, Self

import httpx

from cratekeeper_cli.answers import Json, Query, items_of
from cratekeeper_cli.endpoint import Endpoint
from cratekeeper_cli.errors import ApiProblem, LineBroke, Unreachable, Unsure
from cratekeeper_cli.host import Host

MAX_PAGE: Final = 200
_TIMEOUT: Final = httpx.Timeout(35, connect=5)  # API Gateway gives up after 30 s
_ERROR: Final = 400
_NO_CONTENT: Final = 204
_NOT_MODIFIED: Final = 304
_TRIES: Final = 3
_ERRNO: Final = re.compile(r"^\[Errno -?\d+\] ")
_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """A JSON object with what its headers say; `now` is the server's clock, if it sent one."""

    document: Json
    etag: str | None
    now: datetime | None


class Api:
    """One server, one key. Every method raises ApiProblem or Unreachable."""

    def __init__(self, endpoint: Endpoint, host: Host) -> None:
        """Open no connection yet."""
        self.endpoint = endpoint
        self._host = host
        self._http = httpx.Client(
            base_url=endpoint.url,
            headers={"Authorization": f"Bearer {endpoint.key}", "Accept": "application/json"},
            timeout=_TIMEOUT,
            transport=host.transport,
            trust_env=not endpoint.is_loopback,  # a proxy cannot see this machine's loopback
        )

    def __enter__(self) -> Self:
        """Use as a context manager to close the connections."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connections."""
        self._http.close()

    def get(self, path: str, params: Query | None = None) -> Json:
        """The JSON object at `path`."""
        return self.look(path, params).document

    def look(self, path: str, params: Query | None = None) -> Answer:
        """The JSON object at `path` with what its headers say."""
        return self._answer(self._insist(self._http.build_request("GET", path, params=params or {})))

    def get_if_changed(self, path: str, etag: str | None) -> Answer | None:
        """The object at `path` with its new ETag, or None while `etag` still stands."""
        headers = {} if etag is None else {"If-None-Match": etag}
        response = self._send(self._http.build_request("GET", path, headers=headers))
        return None if response.status_code == _NOT_MODIFIED else self._answer(response)

    def glance(self, path: str, params: Query, *, within_s: float) -> Json:
        """The object at `path`, asked for once and with little patience: for completion."""
        request = self._http.build_request("GET", path, params=params, timeout=within_s)
        return self._answer(self._send(request)).document

    def create(self, path: str, body: Json, *, key: str | None = None) -> Json:
        """POST `body`; the Idempotency-Key makes sending it again after a broken line safe.

        `key` None is a fresh one. If even the last try is lost, the hint names the key.
        """
        kept = key or self._host.new_key()
        request = self._http.build_request("POST", path, json=body, headers={"Idempotency-Key": kept})
        try:
            return self._answer(self._insist(request)).document
        except Unsure as error:
            hint = f"it may be queued all the same; to ask again without harm add: --idempotency-key {kept}"
            raise Unsure(error.line, hint=hint) from error

    def ensure(self, method: str, path: str, body: Json | None = None) -> Json:
        """Ask for a state rather than a change: a broken line is tried again, since twice does no harm."""
        return self._content(self._insist(self._http.build_request(method, path, json=body)))

    def act(self, method: str, path: str, *, body: Json | None = None, params: Query | None = None) -> Json:
        """Ask for a change, once. An answer without content (204) is an empty object."""
        request = self._http.build_request(method, path, json=body, params=params or {})
        try:
            response = self._send(request)
        except Unsure as error:
            raise Unsure(error.line, hint="it may have been done all the same: look before you repeat it") from error
        return self._content(response)

    def pages(self, path: str, params: Query, *, at_most: int | None = None) -> Iterator[Json]:
        """The pages of a list, following cursors until `at_most` items are seen (None: all)."""
        left, cursor = at_most, ""
        while left is None or left > 0:
            size = MAX_PAGE if left is None else min(left, MAX_PAGE)
            page = self.get(path, {**params, "limit": size, **({"cursor": cursor} if cursor else {})})
            yield page
            left = None if left is None else left - len(items_of(page))
            following = page.get("next_cursor")
            if not isinstance(following, str) or following == cursor:
                return
            cursor = following

    def _insist(self, request: httpx.Request) -> httpx.Response:
        """Send up to three times over a line that breaks, or while a twin is at work."""
        for _ in range(_TRIES - 1):
            try:
                response = self._send(request)
                self._refuse(response)
            except ApiProblem as problem:
                if problem.code != "idempotency_in_progress":
                    raise
                self._host.sleep(min(problem.retry_after_s or _PAUSE_S, _LONGEST_PAUSE_S))
            except LineBroke:
                self._host.sleep(_PAUSE_S)
            else:
                return response
        return self._send(request)

    def _send(self, request: httpx.Request) -> httpx.Response:
        url = self.endpoint.url
        try:
            return self._http.send(request)
        except httpx.ConnectError as error:
            raise Unreachable(f"cannot reach {url}: {_ERRNO.sub('', str(error))}", hint=self._what_to_do()) from error
        except httpx.ConnectTimeout as error:
            raise Unreachable(f"{url} does not answer in time", hint=self._what_to_do()) from error
        except httpx.TimeoutException as error:
            raise Unsure(f"{url} does not answer in time", hint=self._what_to_do()) from error
        except httpx.HTTPError as error:
            raise LineBroke(f"the line to {url} broke: {error}") from error

    def _what_to_do(self) -> str:
        if self.endpoint.is_loopback:
            return "is the local stack running? start it with: cratekeeper local up"
        return "check the network, or choose another server with: cratekeeper login"

    def _refuse(self, response: httpx.Response) -> None:
        """Raise ApiProblem for an error status."""
        if response.status_code >= _ERROR:
            raise ApiProblem(
                response.status_code,
                _json_object(response) or {},
                retry_after_s=_retry_after(response),
            )

    def _content(self, response: httpx.Response) -> Json:
        """The JSON object, empty for 204."""
        self._refuse(response)
        return {} if response.status_code == _NO_CONTENT else self._answer(response).document

    def _answer(self, response: httpx.Response) -> Answer:
        self._refuse(response)
        document = _json_object(response)
        if document is None:
            raise Unreachable(
                f"{self.endpoint.url} answers with {response.status_code} but not as Cratekeeper",
                hint="check the URL; choose another with: cratekeeper login",
            )
        return Answer(document, response.headers.get("ETag"), _date(response))


def _json_object(response: httpx.Response) -> Json | None:
    try:
        found = json.loads(response.content)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _retry_after(response: httpx.Response) -> float | None:
    text: str = response.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() else None


def _date(response: httpx.Response) -> datetime | None:
    try:
        return parsedate_to_datetime(response.headers["Date"])
    except (KeyError, ValueError, TypeError):
        return None
