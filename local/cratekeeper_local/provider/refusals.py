"""Errors as the contract shapes them."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from cratekeeper_local.provider.messages import Answer, Headers

ERROR_CODES: Final[Mapping[int, str]] = MappingProxyType({
    400: "BAD_REQUEST",
    404: "NOT_FOUND",
    405: "BAD_REQUEST",
    429: "TOO_MANY_REQUESTS",
    503: "SERVICE_UNAVAILABLE",
    504: "TIMEOUT",
})


class Refused(Exception):
    """A request that is answered with an error of the contract.

    `headers` are sent besides, such as Retry-After.
    """

    def __init__(self, status: int, message: str, *, headers: Headers = ()) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers

    def answer(self) -> Answer:
        """The error as the contract shapes it: ``{error, code, message}``."""
        code = ERROR_CODES.get(self.status, f"HTTP_{self.status}")
        body = {"error": code, "code": code, "message": str(self)}
        answer = Answer.json(body, status=self.status)
        return replace(answer, headers=answer.headers + self.headers)
