"""What the emulator process is told by its environment, and how the launcher writes it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ACCOUNT: Final = "000000000000"
REGION: Final = "us-east-1"
ROOT_KEY: Final = "test"
# Below this path the process takes orders from the launcher; see `gate`.
ORDERS: Final = "/_cratekeeper/"

# Queue URLs carry host and port. The emulator keys its queues by them, so a port that changed
# from run to run would lose every message: it is told this one, whatever it listens on.
_NAMED_PORT: Final = "4566"
_LISTENER: Final = "CRATEKEEPER_LISTENER"
_SHELF: Final = "CRATEKEEPER_SHELF"
_LOGS: Final = "CRATEKEEPER_LOGS"


@dataclass(frozen=True, slots=True)
class Settings:
    """`listener` is the descriptor of the bound socket; snapshots go to `shelf`, function logs to `logs`."""

    listener: int
    shelf: Path
    logs: Path

    @classmethod
    def read(cls) -> "Settings":
        """From the environment of this process."""
        return cls(
            listener=int(os.environ[_LISTENER]),
            shelf=Path(os.environ[_SHELF]),
            logs=Path(os.environ[_LOGS]),
        )

    def environment(self, *, endpoint: str, state: Path, objects: Path, temp: Path) -> Mapping[str, str]:
        """Variables for the child: `state` is the snapshot to start from, `objects` the bytes of S3."""
        return {
            _LISTENER: str(self.listener),
            _SHELF: str(self.shelf),
            _LOGS: str(self.logs),
            "AUTH": "true",
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": _NAMED_PORT,
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "LAMBDA_EXECUTOR": "local",
            "LAMBDA_WARM_TTL_SECONDS": "60",
            "LOG_LEVEL": "WARNING",
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "MINISTACK_REGION": REGION,
            "PERSIST_STATE": "1",
            "STATE_DIR": str(state),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(objects),
            "TMPDIR": str(temp),
            # What functions find; their role's credentials come from the emulator.
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": ROOT_KEY,
            "AWS_SECRET_ACCESS_KEY": ROOT_KEY,
        }
