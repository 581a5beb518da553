"""The worker asked by name: the processor function is invoked, so that nobody else needs its rights."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ReadTimeoutError

from cratekeeper.adapters.aws import outages
from cratekeeper.domain.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


class LambdaWorker:
    """The port `Worker` on Lambda.

    Args:
        client: Lambda; how long it waits for an answer is part of its configuration.
        function: name of the processor.

    """

    def __init__(self, client: LambdaClient, function: str) -> None:
        self._client = client
        self._function = function

    def run(self, download_id: str) -> bool:
        """One invocation; one that goes on beyond the wait is not stopped by that."""
        payload = json.dumps({"action": "process", "id": download_id})
        try:
            with outages():
                answer: Any = self._client.invoke(FunctionName=self._function, Payload=payload.encode())
                said = answer["Payload"].read()
        except Unavailable as error:
            if isinstance(error.__cause__, ReadTimeoutError):
                return True
            raise
        if answer.get("FunctionError"):
            raise Unavailable("the worker did not answer")
        return bool(json.loads(said)["taken"])
