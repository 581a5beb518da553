"""What can go wrong with the local stack, told in one line."""

from typing import Final

FAILED: Final = 1
USAGE: Final = 2


class LocalStackError(Exception):
    """The local stack cannot do what was asked; the text is one line for the person who asked.

    `exit_code` is 2 where the call must change (a port, a setting, a folder), else 1.
    """

    def __init__(self, message: str, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code
