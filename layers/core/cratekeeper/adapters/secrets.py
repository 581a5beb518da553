"""Secrets of the deployment, from Secrets Manager."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from cratekeeper.adapters.aws import outages

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


class SecretsManagerSecrets:
    """The port `Secrets`: fetched once, then kept for the life of the process.

    Args:
        client: Secrets Manager.
        pepper_id: name or ARN of the pepper.

    """

    def __init__(self, client: SecretsManagerClient, pepper_id: str) -> None:
        self._client = client
        self._pepper_id = pepper_id

    def pepper(self) -> bytes:
        """One GetSecretValue, the first time. Replacing the secret voids every key."""
        return self._pepper

    @cached_property
    def _pepper(self) -> bytes:
        with outages():
            return self._client.get_secret_value(SecretId=self._pepper_id)["SecretString"].encode()
