"""What AWS tells the jobs function of a deployment, told here: the emulator's CloudFormation sends no events."""

import threading
import time
from collections.abc import Callable
from typing import Final

from cratekeeper_local.aws import Aws
from cratekeeper_local.emulator.settings import ACCOUNT, REGION
from cratekeeper_local.errors import LocalStackError
from cratekeeper_local.invoking import invoked

STOPPED: Final = {"action": "stopped"}
"""Only here does the machine itself stop: every run that was under way has stopped with it."""

_STACK: Final = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/cratekeeper/local"


def announce(aws: Aws, function: str, *, resumed: bool, warn: Callable[[str], None]) -> None:
    """Have runs of an earlier life marked as stopped, and then the hook `OnStartup` begin its jobs, beside the rest."""
    if resumed:
        _tell(aws, function, STOPPED, warn)
    threading.Thread(target=_tell, args=(aws, function, _deployed(), warn), daemon=True, name="startup").start()


def _tell(aws: Aws, function: str, event: object, warn: Callable[[str], None]) -> None:
    try:
        invoked(aws, function, event)
    except LocalStackError as error:
        warn(f"background jobs did not hear of the start: {error}")


def _deployed() -> dict[str, object]:
    """The event of EventBridge's default bus."""
    return {
        "version": "0",
        "id": "startup",
        "detail-type": "CloudFormation Stack Status Change",
        "source": "aws.cloudformation",
        "account": ACCOUNT,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "region": REGION,
        "resources": [_STACK],
        "detail": {"stack-id": _STACK, "status-details": {"status": "UPDATE_COMPLETE", "status-reason": ""}},
    }
