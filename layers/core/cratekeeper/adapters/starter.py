"""Jobs begun in a process of their own (`Starter`): an asynchronous invocation that nobody waits for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cratekeeper.adapters.aws import outages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_lambda import LambdaClient


class LambdaStarter:
    """The port `Starter` on Lambda.

    Args:
        client: Lambda.
        functions: the name of the function that runs a job, by job id.
        other: the function that runs all other jobs.

    """

    def __init__(self, client: LambdaClient, functions: Mapping[str, str], *, other: str) -> None:
        self._client = client
        self._functions = functions
        self._other = other

    def start(self, job_id: str, run_id: str) -> None:
        """One Invoke of type Event."""
        payload = json.dumps({"job": job_id, "run_id": run_id}).encode()
        function = self._functions.get(job_id, self._other)
        with outages():
            self._client.invoke(FunctionName=function, InvocationType="Event", Payload=payload)
