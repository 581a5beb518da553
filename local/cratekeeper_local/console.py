"""What a person sees while the stack starts: progress on stderr, results on stdout."""

import time
from typing import Any

from rich.console import Console
from rich.markup import escape


class Progress:
    """Lines on stderr, each with the seconds since the start."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Time since the start."""
        return time.monotonic() - self._started

    def step(self, text: str) -> None:
        """Something was done."""
        self._console.print(f"[dim]{self.seconds:5.1f} s[/dim]  {escape(text)}")

    def warn(self, text: str) -> None:
        """Something is not as it should be, but the stack goes on."""
        self._console.print(f"[yellow]warning[/yellow]  {escape(text)}")

    def good(self, text: str) -> None:
        """What the person waited for."""
        self._console.print(f"[bold green]{escape(text)}[/bold green]")

    def note(self, text: str = "") -> None:
        """A line that explains."""
        self._console.print(escape(text))


def show_json(text: Any) -> None:
    """A result on stdout, indented, and coloured on a terminal."""
    Console(soft_wrap=True).print_json(data=text)
