"""Running the command line in a test."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace

import typer
from typer.testing import CliRunner

from cratekeeper_cli.host import Host
from cratekeeper_cli.main import build

APP = build()
COMMAND = typer.main.get_command(APP)
"""Made once: it takes longer than most commands do."""


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
        runner = CliRunner()
        with runner.isolation(input=typed) as (stdout, stderr, _):
            try:
                COMMAND.main(list(arguments), prog_name=runner.get_default_prog_name(COMMAND), obj=self.host)
                code: object = 0
            except SystemExit as ended:
                code = ended.code
            sys.stdout.flush()
            sys.stderr.flush()
            said = [stream.getvalue().decode() for stream in (stdout, stderr)]
        assert isinstance(code, int)
        return Ended(code, *said)

    def having(self, environ: Mapping[str, str | None]) -> "Program":
        """The same with variables changed or, where the value is None, removed."""
        changed = {**self.host.environ, **environ}
        return Program(
            replace(self.host, environ={name: value for name, value in changed.items() if value is not None})
        )
