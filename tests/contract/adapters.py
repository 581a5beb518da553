"""Every adapter of AWS at once, for tests of what they call."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import count

from cratekeeper.adapters.aws import Aws
from cratekeeper.adapters.bus import EventBridgeBus
from cratekeeper.adapters.dynamodb.catalog import DynamoCatalog
from cratekeeper.adapters.dynamodb.expected import DynamoExpectedMedia
from cratekeeper.adapters.dynamodb.history import DynamoHistory
from cratekeeper.adapters.dynamodb.idempotency import DynamoIdempotency
from cratekeeper.adapters.dynamodb.identity import DynamoIdentities
from cratekeeper.adapters.dynamodb.jobs import DynamoJobs
from cratekeeper.adapters.dynamodb.library import DynamoLibrary
from cratekeeper.adapters.dynamodb.patience import Patience
from cratekeeper.adapters.dynamodb.permits import DynamoPermits
from cratekeeper.adapters.dynamodb.plays import DynamoPlays
from cratekeeper.adapters.dynamodb.store import DynamoDownloadStore
from cratekeeper.adapters.dynamodb.upkeep import DynamoOldHistory, DynamoUsageRecords
from cratekeeper.adapters.inventory import S3Inventory
from cratekeeper.adapters.s3 import S3Media
from cratekeeper.adapters.secrets import SecretsManagerSecrets
from cratekeeper.adapters.sqs import SqsBell
from cratekeeper.adapters.system import SystemDice
from cratekeeper.domain.lanes import Lane
from tests.contract.conftest import LIMIT, Tables
from tests.contract.emulator import Emulator

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Resources:
    """Physical names by the template's logical ids; queues by their URLs."""

    names: Mapping[str, str]

    def arn(self, logical_id: str) -> str:
        """The resource's ARN, for policies."""
        name = self.names[logical_id]
        if logical_id.endswith("Table"):
            return f"arn:aws:dynamodb:*:*:table/{name}"
        if logical_id.endswith("Queue"):
            return f"arn:aws:sqs:*:*:{name.rpartition('/')[2]}"
        if logical_id.endswith("Bucket"):
            return f"arn:aws:s3:::{name}"
        return f"arn:aws:events:*:*:event-bus/{name}" if logical_id == "EventBus" else name


def create_resources(emulator: Emulator, tables: Tables) -> Resources:
    """Queues, buckets, a bus and a secret beside the tables."""
    number = next(_numbers)
    sqs = emulator.aws.sqs
    queues = {
        f"{lane.name.capitalize()}Queue": sqs.create_queue(QueueName=f"{lane.name}-{number}")["QueueUrl"]
        for lane in Lane
    }
    emulator.aws.s3.create_bucket(Bucket=f"media-{number}")
    emulator.aws.events.create_event_bus(Name=f"events-{number}")
    secret = emulator.aws.secretsmanager.create_secret(Name=f"secret-{number}", SecretString="pepper")
    return Resources({
        "QueueTable": tables.queue,
        "CatalogTable": tables.catalog,
        "PlaysTable": tables.plays,
        "HistoryTable": tables.history,
        "IdentityTable": tables.identity,
        "MediaBucket": f"media-{number}",
        "EventBus": f"events-{number}",
        "PepperSecret": secret["ARN"],
        **queues,
    })


class Adapters:
    """All of them, on the clients of one identity; each is made when it is first asked for."""

    def __init__(self, aws: Aws, resources: Resources) -> None:
        self.aws = aws
        self.names = resources.names
        self._patience = Patience(dice=SystemDice())

    @cached_property
    def store(self) -> DynamoDownloadStore:
        table = self.names["QueueTable"]
        return DynamoDownloadStore(self.aws.dynamodb, table, patience=self._patience, default_limit=LIMIT)

    @cached_property
    def permits(self) -> DynamoPermits:
        return DynamoPermits(self.aws.dynamodb, self.names["QueueTable"], default_limit=LIMIT)

    @cached_property
    def catalog(self) -> DynamoCatalog:
        return DynamoCatalog(self.aws.dynamodb, self.names["CatalogTable"], patience=self._patience)

    @cached_property
    def library(self) -> DynamoLibrary:
        return DynamoLibrary(self.aws.dynamodb, self.names["CatalogTable"], patience=self._patience)

    @cached_property
    def plays(self) -> DynamoPlays:
        return DynamoPlays(self.aws.dynamodb, self.names["PlaysTable"], patience=self._patience)

    @cached_property
    def history(self) -> DynamoHistory:
        table = self.names["HistoryTable"]
        return DynamoHistory(self.aws.dynamodb, table, patience=self._patience, retention_days=90)

    @cached_property
    def identities(self) -> DynamoIdentities:
        return DynamoIdentities(self.aws.dynamodb, self.names["IdentityTable"])

    @cached_property
    def idempotency(self) -> DynamoIdempotency:
        return DynamoIdempotency(self.aws.dynamodb, self.names["QueueTable"])

    @cached_property
    def bell(self) -> SqsBell:
        return SqsBell(self.aws.sqs, {lane: self.names[f"{lane.name.capitalize()}Queue"] for lane in Lane})

    @cached_property
    def media(self) -> S3Media:
        return S3Media(self.aws.s3, self.names["MediaBucket"])

    @cached_property
    def inventory(self) -> S3Inventory:
        return S3Inventory(self.aws.s3, self.names["MediaBucket"])

    @cached_property
    def expected(self) -> DynamoExpectedMedia:
        return DynamoExpectedMedia(self.aws.dynamodb, self.names["CatalogTable"])

    @cached_property
    def jobs(self) -> DynamoJobs:
        return DynamoJobs(self.aws.dynamodb, self.names["QueueTable"], patience=self._patience, retention_days=90)

    @cached_property
    def usage(self) -> DynamoUsageRecords:
        return DynamoUsageRecords(self.aws.dynamodb, self.names["QueueTable"])

    @cached_property
    def old_history(self) -> DynamoOldHistory:
        return DynamoOldHistory(self.aws.dynamodb, self.names["HistoryTable"], patience=self._patience)

    @cached_property
    def bus(self) -> EventBridgeBus:
        return EventBridgeBus(self.aws.events, self.names["EventBus"])

    @cached_property
    def secrets(self) -> SecretsManagerSecrets:
        return SecretsManagerSecrets(self.aws.secretsmanager, self.names["PepperSecret"])
