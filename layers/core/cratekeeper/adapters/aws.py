"""One session for all clients, and which of the SDK's errors mean that AWS does not answer.

The endpoint, the region and the credentials come from the environment alone (`AWS_ENDPOINT_URL`, …),
so an emulator or AWS itself can stand in.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Final

import boto3
from botocore import exceptions
from botocore.config import Config

from cratekeeper.domain.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient

CALLS: Final = Config(
    retries={"mode": "standard", "total_max_attempts": 3},
    connect_timeout=2,
    read_timeout=10,
    max_pool_connections=16,
)
"""A call answers in milliseconds, so one that is silent for 10 s is lost; three attempts stay below a lease."""

BYTES: Final = CALLS.merge(
    Config(signature_version="s3v4", s3={"addressing_style": "path"}, read_timeout=60),
)
"""As CALLS, for objects: a part takes its time, and only these two settings sign links that every endpoint checks."""

WORK: Final = CALLS.merge(Config(retries={"mode": "standard", "total_max_attempts": 1}, read_timeout=18))
"""As CALLS, for one piece of work: asked once, and waited for as long as a caller of the API can wait."""

_OUTAGES: Final = frozenset({
    "InternalFailure",
    "InternalServerError",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestTimeout",
    "ServiceUnavailable",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionInProgressException",
})
_SERVER_FAULT: Final = 500


def code_of(error: exceptions.ClientError) -> str:
    """The service's name of an error."""
    return error.response.get("Error", {}).get("Code", "")


@contextmanager
def outages() -> Iterator[None]:
    """Throttling, server faults and broken connections become Unavailable; every other error flies on."""
    try:
        yield
    except exceptions.ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code_of(error) not in _OUTAGES and status < _SERVER_FAULT:
            raise
        raise Unavailable(f"{error.operation_name}: {code_of(error) or status}") from error
    except (exceptions.ConnectionError, exceptions.HTTPClientError) as error:
        raise Unavailable(str(error)) from error


class Aws:
    """The clients, each made when it is first asked for: a function pays only for what it uses.

    Args:
        session: where they come from; one for all saves the time to load the SDK's data again.

    """

    def __init__(self, session: boto3.Session | None = None) -> None:
        self._session = session or boto3.Session()
        # A session must not make two clients at once; the clients themselves may be shared.
        self._making = Lock()

    @cached_property
    def dynamodb(self) -> DynamoDBClient:
        """Tables."""
        with self._making:
            return self._session.client("dynamodb", config=CALLS)

    @cached_property
    def sqs(self) -> SQSClient:
        """Queues."""
        with self._making:
            return self._session.client("sqs", config=CALLS)

    @cached_property
    def s3(self) -> S3Client:
        """Objects."""
        with self._making:
            return self._session.client("s3", config=BYTES)

    @cached_property
    def events(self) -> EventBridgeClient:
        """The bus."""
        with self._making:
            return self._session.client("events", config=CALLS)

    @cached_property
    def functions(self) -> LambdaClient:
        """Functions."""
        with self._making:
            return self._session.client("lambda", config=WORK)

    @cached_property
    def secretsmanager(self) -> SecretsManagerClient:
        """Secrets."""
        with self._making:
            return self._session.client("secretsmanager", config=CALLS)
