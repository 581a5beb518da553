"""Running the command line in a test."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from typer.testing import CliRunner

from cratekeeper_cli.host import Host
from cratekeeper_cli.main import build

APP = build()


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended, and what it wrote."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.stdout)
        return found


@dataclass(frozen=True, slots=True)
class Program:
    """`cratekeeper` on a given machine; call it with the arguments."""

    host: Host

    def __call__(self, *arguments: str, typed: str = "") -> Ended:
        result = CliRunner().invoke(APP, list(arguments), obj=self.host, input=typed, catch_exceptions=False)
        return Ended(result.exit_code, result.stdout, result.stderr)

    def having(self, environ: Mapping[str, str | None]) -> "Program":
        """The same with variables changed or, where the value is None, removed."""
        changed = {**self.host.environ, **environ}
        return Program(
            replace(self.host, environ={name: value for name, value in changed.items() if value is not None})
        )
