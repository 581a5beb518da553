"""What the machine gives a command: environment, folder, network, clock."""

import os
import secrets
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx


@dataclass(frozen=True, slots=True)
class Host:
    """Everything outside the program, so that a test can be one too.

    `transport` None is the real network, `is_interactive` whether a person can be asked.
    `monotonic` counts seconds, `sleep` waits that many.
    `new_key` makes Idempotency-Keys.
    """

    environ: Mapping[str, str]
    cwd: Path
    transport: "httpx.BaseTransport | None" = None
    is_interactive: bool = False
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    new_key: Callable[[], str] = field(default=lambda: secrets.token_hex(16))

    @classmethod
    def real(cls) -> "Host":
        """The machine the program runs on."""
        can_be_asked = sys.stdin is not None and sys.stdin.isatty()
        return cls(environ=os.environ, cwd=Path.cwd(), is_interactive=can_be_asked)

    def env(self, name: str) -> str | None:
        """The variable `name`; a blank one counts as not set."""
        return self.environ.get(name, "").strip() or None
