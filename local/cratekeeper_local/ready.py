"""What a running stack tells other programs about itself."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from cratekeeper_local import lock
from cratekeeper_local.datadir import DataDir
from cratekeeper_local.errors import LocalStackError
from cratekeeper_local.keys import write_private

NOT_RUNNING: Final = 3  # the command line's code for "nothing answers"


@dataclass(frozen=True, slots=True)
class Ready:
    """The ready file: addresses, keys, and the physical name of each resource by its logical id."""

    api_url: str
    web_url: str
    aws_endpoint_url: str
    keys: Mapping[str, str]
    resources: Mapping[str, str]

    def write(self, path: Path) -> None:
        """Put it where it is expected, whole or not at all, for its owner's eyes only."""
        content = asdict(self)
        content = {**{k: v for k, v in content.items() if k not in {"keys", "resources"}}, **self.keys}
        write_private(path, json.dumps({**content, "resources": dict(self.resources)}, indent=2) + "\n")


def found_in(data: DataDir) -> tuple[int, dict[str, Any]]:
    """(process, content of the ready file) of the stack that runs on `data`. Raises LocalStackError if none does."""
    process = lock.holder_of(data.lock)
    if process is None:
        raise LocalStackError(f"no local stack is running on {data.root}; start one: cratekeeper local up", NOT_RUNNING)
    try:
        return process, json.loads(data.ready.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise LocalStackError(f"the stack on {data.root} is not ready yet", NOT_RUNNING) from error
