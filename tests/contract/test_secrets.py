"""The port Secrets."""

from itertools import count

import pytest
from botocore.exceptions import ClientError

from cratekeeper.adapters.secrets import SecretsManagerSecrets
from cratekeeper.ports import Secrets
from tests.contract.emulator import Emulator
from tests.contract.wire import error, meeting
from tests.memory.records import MemorySecrets

_numbers = count(1)


def a_pepper(emulator: Emulator) -> str:
    name = f"pepper-{next(_numbers)}"
    emulator.aws.secretsmanager.create_secret(Name=name, SecretString="pépper of the tests")
    return name


@pytest.fixture
def secrets(backend: str, request: pytest.FixtureRequest) -> Secrets:
    if backend == "memory":
        return MemorySecrets()
    emulator: Emulator = request.getfixturevalue("emulator")
    return SecretsManagerSecrets(emulator.aws.secretsmanager, a_pepper(emulator))


def test_the_pepper_is_the_same_each_time(secrets: Secrets) -> None:
    assert secrets.pepper() == secrets.pepper() != b""


def test_the_pepper_is_fetched_once(emulator: Emulator) -> None:
    client = emulator.aws.secretsmanager
    secrets = SecretsManagerSecrets(client, a_pepper(emulator))
    with meeting(client, "GetSecretValue") as wire:
        assert {secrets.pepper() for _ in range(3)} == {"pépper of the tests".encode()}
    assert wire.requests == 1


def test_a_failure_is_not_kept(emulator: Emulator) -> None:
    client = emulator.aws.secretsmanager
    secrets = SecretsManagerSecrets(client, a_pepper(emulator))
    with meeting(client, "GetSecretValue", error("AccessDeniedException")), pytest.raises(ClientError):
        secrets.pepper()
    assert secrets.pepper()
