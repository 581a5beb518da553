"""Where things go: results to stdout, notes and progress to stderr, JSON alone on stdout."""

import json
import sys
from typing import Final

from rich.console import Console, RenderableType
from rich.table import Table

from cratekeeper_cli.answers import Json
from cratekeeper_cli.errors import CliError
from cratekeeper_cli.exits import Exit
from cratekeeper_cli.host import Host

_WIDE: Final = 400  # for pipes and files: cutting is the reader's business


class Output:
    """The two streams of one command."""

    def __init__(self, host: Host, *, json_only: bool) -> None:
        """With `json_only`, stdout carries one JSON document and nothing else."""
        self.json_only = json_only
        self.stdout = _console(host, to_stderr=False)
        self.stderr = _console(host, to_stderr=True)

    def result(self, document: Json, *shown: RenderableType) -> None:
        """The answer: `document` with `--json`, else `shown`."""
        if self.json_only:
            self.write_json(document)
            return
        for part in shown:
            self.show(part)

    def show(self, part: RenderableType) -> None:
        """Print on stdout; a table that is too wide gives up width where it can spare some."""
        if isinstance(part, Table):
            part.expand = self.stdout.measure(part).maximum >= self.stdout.width
        if self.stdout.is_terminal:
            self.stdout.print(part)
            return
        with self.stdout.capture() as capture:
            self.stdout.print(part)
        sys.stdout.writelines(f"{line.rstrip()}\n" for line in capture.get().splitlines())

    def write_json(self, document: Json) -> None:
        """One document, in ASCII so that no byte of it can steer a terminal."""
        sys.stdout.write(f"{json.dumps(document, indent=2)}\n")

    def note(self, text: str) -> None:
        """A line for people, never wrapped, so that commands in it can be copied."""
        self.stderr.print(text, soft_wrap=True)

    def refuse(self, error: CliError, *, hint: str | None) -> None:
        """Say why the command ends, and what to do."""
        if self.json_only:
            self.write_json(error.document())
        if error.exit_code == Exit.DETACHED:
            self.note(error.line)
            return
        self.stderr.print(f"error: {error.line}", style="red", soft_wrap=True)
        if hint:
            self.note(f"hint:  {hint}")


def _console(host: Host, *, to_stderr: bool) -> Console:
    """A console that prints every text as it is: no markup, no emoji, no guessed colours."""
    console = Console(stderr=to_stderr, markup=False, emoji=False, highlight=False, _environ=host.environ)
    if not console.is_terminal and host.env("COLUMNS") is None:
        console.width = _WIDE
    return console
