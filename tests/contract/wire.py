"""Faults on the wire: what the SDK meets between us and the service, for real calls of real clients."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from json import dumps
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ConnectionClosedError
from botocore.httpsession import URLLib3Session


class _Raw(BytesIO):
    """A body as the SDK's HTTP client hands it over."""

    def stream(self, **_: object) -> Iterator[bytes]:
        yield self.read()


Fault = Callable[[AWSPreparedRequest], AWSResponse | None]
"""Answers in the service's place; None lets the request through."""


def answer(status: int, **body: object) -> Fault:
    """The service's JSON answer."""
    raw = dumps(body).encode()
    headers = HTTPHeaders.from_dict({"content-type": "application/x-amz-json-1.0", "content-length": str(len(raw))})
    return lambda request: AWSResponse(request.url, status, headers, _Raw(raw))


def error(code: str, *, status: int = 400, **more: object) -> Fault:
    """The service's JSON error."""
    return answer(status, __type=f"com.amazonaws.dynamodb.v20120810#{code}", message=code, **more)


def cancelled(*codes: str, **items: dict[str, Any]) -> Fault:
    """A cancelled transaction: a reason for each write; `item1=…` is the item that refused the second."""
    reasons = [
        {"Code": code, **({"Item": items[f"item{number}"]} if f"item{number}" in items else {})}
        for number, code in enumerate(codes)
    ]
    return error("TransactionCanceledException", CancellationReasons=reasons)


def lost(request: AWSPreparedRequest) -> AWSResponse | None:
    """The request arrives and is carried out; its answer does not come."""
    URLLib3Session().send(request)
    raise ConnectionClosedError(endpoint_url=request.url)


def broken(request: AWSPreparedRequest) -> AWSResponse | None:
    """The request does not arrive."""
    raise ConnectionClosedError(endpoint_url=request.url)


@dataclass(slots=True)
class Wire:
    """What the next requests of one operation meet; `requests` counts attempts."""

    faults: list[Fault]
    requests: int = 0

    def __call__(self, request: AWSPreparedRequest, **_: object) -> AWSResponse | None:
        self.requests += 1
        return self.faults.pop(0)(request) if self.faults else None


@contextmanager
def meeting(client: Any, operation: str, *faults: Fault) -> Iterator[Wire]:
    """The next requests of an operation meet these faults, one each; later ones go through."""
    wire = Wire(list(faults))
    name = f"before-send.{client.meta.service_model.service_id.hyphenize()}.{operation}"
    client.meta.events.register_first(name, wire)
    try:
        yield wire
    finally:
        client.meta.events.unregister(name, wire)
