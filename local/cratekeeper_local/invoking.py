"""Calling a function of the stack as an operator: through Lambda's Invoke."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from cratekeeper_local.aws import Aws
from cratekeeper_local.errors import LocalStackError

EXAMPLE: Final = "Bearer ck_example"
"""The caller of the HTTP events in events/, whom no stack knows."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an invocation gave: `failed` if the function raised or timed out; `log` is the end of what it wrote."""

    payload: Any
    failed: bool
    log: str


def invoke(aws: Aws, function: str, event: object) -> Outcome:
    """Run a function, wait for it, however it ends. Raises LocalStackError if it cannot be run at all."""
    try:
        answer = aws.functions.invoke(FunctionName=function, LogType="Tail", Payload=json.dumps(event).encode())
    except (BotoCoreError, ClientError) as error:
        raise LocalStackError(f"{function} cannot be invoked: {error}") from error
    log = base64.b64decode(answer.get("LogResult", "")).decode(errors="replace")
    return Outcome(json.loads(answer["Payload"].read() or b"null"), "FunctionError" in answer, log)


def in_the_name_of(key: str, event: object) -> object:
    """The event with `key` in place of the example's, if it carries that; any other as it is."""
    match event:
        case {"headers": {"authorization": str(caller)} as headers, **rest} if caller == EXAMPLE:
            return {**rest, "headers": {**headers, "authorization": f"Bearer {key}"}}
    return event


def invoked(aws: Aws, function: str, event: object) -> Mapping[str, Any]:
    """The answer of a function that must succeed. Raises LocalStackError with what it said."""
    outcome = invoke(aws, function, event)
    if outcome.failed or not isinstance(outcome.payload, Mapping):
        said = outcome.payload.get("errorMessage") if isinstance(outcome.payload, Mapping) else outcome.payload
        raise LocalStackError(f"{function} failed: {said}")
    return outcome.payload
