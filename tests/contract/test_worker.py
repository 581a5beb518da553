"""The port Worker on Lambda: a function that answers, one that takes its time, one that breaks, and none."""

import io
import json
import zipfile
from itertools import count
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from cratekeeper.adapters.worker import LambdaWorker
from cratekeeper.domain.errors import Unavailable
from tests.contract.emulator import Emulator, a_session
from tests.contract.samples import an_id

WAIT_S = 2
SOURCE = """
import time

def handler(event, context):
    print(event)
    assert event["action"] == "process"
    time.sleep(float(event["id"].partition("slow")[2] or 0))
    return {"taken": not event["id"].startswith("not")}
"""

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}

_numbers = count(1)


def deployed(emulator: Emulator) -> str:
    """A function that does as the id says."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("handler.py", SOURCE)
    name = f"worker-{next(_numbers)}"
    role = emulator.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    emulator.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.12",
        Role=role,
        Handler="handler.handler",
        Timeout=20,
        Code={"ZipFile": archive.getvalue()},
    )
    return name


@pytest.fixture(scope="module")
def worker(emulator: Emulator) -> LambdaWorker:
    return worker_of(emulator, deployed(emulator))


def worker_of(emulator: Emulator, function: str) -> LambdaWorker:
    """As it is built, but for a shorter wait."""
    session: Any = a_session(emulator.url)
    once = Config(retries={"mode": "standard", "total_max_attempts": 1}, read_timeout=WAIT_S)
    return LambdaWorker(session.client("lambda", config=once), function)


@pytest.mark.parametrize(("download_id", "taken"), [(an_id(), True), ("not mine", False)])
def test_a_worker_says_whether_the_item_was_its_to_run(worker: LambdaWorker, download_id: str, taken: bool) -> None:
    assert worker.run(download_id) is taken


def test_a_worker_that_is_still_at_it_has_taken_the_item(worker: LambdaWorker) -> None:
    worker.run(an_id())
    assert worker.run(f"slow{WAIT_S + 2}") is True


def test_a_worker_that_breaks_is_unavailable(worker: LambdaWorker) -> None:
    with pytest.raises(Unavailable, match="the worker did not answer"):
        worker.run("slow?")


def test_a_worker_that_is_not_there_is_a_fault_of_the_deployment(emulator: Emulator) -> None:
    with pytest.raises(ClientError, match="ResourceNotFound"):
        worker_of(emulator, "none").run(an_id())
