"""What Lambda tells a function of its invocation."""

from datetime import timedelta
from typing import Protocol


class Context(Protocol):
    """Lambda's context, as far as it is used; its own library has no type for it."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the invocation is ended."""
        ...


def remaining(context: Context) -> timedelta:
    """How long the invocation may still last."""
    return timedelta(milliseconds=context.get_remaining_time_in_millis())
