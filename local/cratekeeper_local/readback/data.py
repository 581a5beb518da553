"""Readers of what holds data: tables, queues, buckets, secrets."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from cratekeeper_local.aws import Aws
from cratekeeper_local.readback.resource import Properties, Reader, Resource

_QUEUE_DOCUMENTS: Final = frozenset({"RedrivePolicy", "RedriveAllowPolicy"})


def table(aws: Aws, resource: Resource) -> Properties:
    """A table with its indexes, stream, TTL, backups and encryption."""
    found = aws.tables.describe_table(TableName=resource.physical)["Table"]
    ttl = aws.tables.describe_time_to_live(TableName=resource.physical)["TimeToLiveDescription"]
    backups = aws.tables.describe_continuous_backups(TableName=resource.physical)["ContinuousBackupsDescription"]
    recovery = backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus")
    return {
        **found,
        "BillingMode": found.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED"),
        "TimeToLiveSpecification": {
            "AttributeName": ttl.get("AttributeName"),
            "Enabled": ttl.get("TimeToLiveStatus") in {"ENABLED", "ENABLING"},
        },
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": recovery == "ENABLED"},
        "SSESpecification": {"SSEEnabled": found.get("SSEDescription", {}).get("Status") == "ENABLED"},
    }


def queue(aws: Aws, resource: Resource) -> Properties:
    """A queue's attributes, its redrive as a document."""
    found = aws.queues.get_queue_attributes(QueueUrl=resource.physical, AttributeNames=["All"])["Attributes"]
    return {name: json.loads(value) if name in _QUEUE_DOCUMENTS else value for name, value in found.items()}


def queue_policy(aws: Aws, resource: Resource) -> Properties:
    """The policy, if each of the queues that the template names has it."""
    policies = [
        aws.queues.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"]).get("Attributes", {}).get("Policy")
        for url in resource.expected["Queues"]
    ]
    documents = [json.loads(policy) for policy in policies if policy]
    whole = len(documents) == len(policies) and all(document == documents[0] for document in documents)
    return {"Queues": resource.expected["Queues"], "PolicyDocument": documents[0] if whole and documents else None}


def bucket(aws: Aws, resource: Resource) -> Properties:
    """A bucket's protection and life cycle; what is not set is absent."""
    s3, name = aws.objects, resource.physical
    reads: Mapping[str, Callable[[], Any]] = {
        "PublicAccessBlockConfiguration": lambda: s3.get_public_access_block(Bucket=name)[
            "PublicAccessBlockConfiguration"
        ],
        "OwnershipControls": lambda: s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"],
        "BucketEncryption": lambda: _encryption(s3.get_bucket_encryption(Bucket=name)),
        "LifecycleConfiguration": lambda: _life_cycle(s3.get_bucket_lifecycle_configuration(Bucket=name)),
        "VersioningConfiguration": lambda: s3.get_bucket_versioning(Bucket=name),
    }
    return {prop: read for prop in resource.expected if prop in reads and (read := _or_none(reads[prop]))}


def bucket_policy(aws: Aws, resource: Resource) -> Properties:
    """The policy of the bucket that the template names."""
    name = resource.expected["Bucket"]
    policy = _or_none(lambda: aws.objects.get_bucket_policy(Bucket=name)["Policy"])
    return {"Bucket": name, "PolicyDocument": json.loads(policy) if policy else None}


def secret(aws: Aws, resource: Resource) -> Properties:
    """A secret that has a value; how it was generated cannot be read."""
    found = aws.secrets.describe_secret(SecretId=resource.physical)
    generated = resource.expected.get("GenerateSecretString") if found.get("VersionIdsToStages") else None
    return {"Name": found.get("Name"), "GenerateSecretString": generated}


def _encryption(found: Mapping[str, Any]) -> Properties:
    rules = found["ServerSideEncryptionConfiguration"]["Rules"]
    return {
        "ServerSideEncryptionConfiguration": [
            {"ServerSideEncryptionByDefault": rule["ApplyServerSideEncryptionByDefault"]} for rule in rules
        ]
    }


def _life_cycle(found: Mapping[str, Any]) -> Properties:
    """In the template's words: Id for ID."""
    return {"Rules": [{"Id": rule.get("ID"), **rule} for rule in found["Rules"]]}


def _or_none(read: Callable[[], Any]) -> Any:
    """None where the service answers that nothing is configured."""
    try:
        return read()
    except ClientError:
        return None


READERS: Final[Mapping[str, Reader]] = {
    "AWS::DynamoDB::Table": table,
    "AWS::SQS::Queue": queue,
    "AWS::SQS::QueuePolicy": queue_policy,
    "AWS::S3::Bucket": bucket,
    "AWS::S3::BucketPolicy": bucket_policy,
    "AWS::SecretsManager::Secret": secret,
}
