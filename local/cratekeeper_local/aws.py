"""Clients for the emulator, or whatever else answers at an AWS endpoint."""

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config

from cratekeeper_local.emulator.settings import REGION, ROOT_KEY

if TYPE_CHECKING:
    from mypy_boto3_apigatewayv2 import ApiGatewayV2Client
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_scheduler import EventBridgeSchedulerClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient


_SERVICES: Final[Mapping[str, str]] = {
    "objects": "s3",
    "stacks": "cloudformation",
    "tables": "dynamodb",
    "queues": "sqs",
    "roles": "iam",
    "functions": "lambda",
    "apis": "apigatewayv2",
    "events": "events",
    "schedules": "scheduler",
    "logs": "logs",
    "secrets": "secretsmanager",
    "alarms": "cloudwatch",
}
_RARE: Final = frozenset({"alarms", "schedules"})
# A function may run for 15 minutes; a failed call to the own machine is an error, not a blip.
_CONFIG: Final = Config(
    read_timeout=910, retries={"max_attempts": 0}, s3={"addressing_style": "path"}, max_pool_connections=32, proxies={}
)


class Aws:
    """The operator's view of one endpoint, for any thread; a client is built at its first use."""

    alarms: "CloudWatchClient"
    apis: "ApiGatewayV2Client"
    events: "EventBridgeClient"
    functions: "LambdaClient"
    logs: "CloudWatchLogsClient"
    objects: "S3Client"
    queues: "SQSClient"
    roles: "IAMClient"
    schedules: "EventBridgeSchedulerClient"
    secrets: "SecretsManagerClient"
    stacks: "CloudFormationClient"
    tables: "DynamoDBClient"

    def __init__(self, endpoint_url: str) -> None:
        self.endpoint_url = endpoint_url
        self._session: Any = boto3.Session(
            aws_access_key_id=ROOT_KEY, aws_secret_access_key=ROOT_KEY, region_name=REGION
        )
        self._building = threading.Lock()

    def build_clients(self) -> None:
        """Build now what every start needs; reading the services' descriptions takes half a second."""
        for name in _SERVICES:
            if name not in _RARE:
                getattr(self, name)

    def __getattr__(self, name: str) -> Any:
        """Build a client; found as a plain attribute from then on."""
        if name not in _SERVICES:
            raise AttributeError(name)
        with self._building:  # a session builds one client at a time
            if name not in self.__dict__:
                client = self._session.client(_SERVICES[name], endpoint_url=self.endpoint_url, config=_CONFIG)
                self.__dict__[name] = client
        return self.__dict__[name]
