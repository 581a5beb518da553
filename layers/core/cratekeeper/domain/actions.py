"""What people may ask of a download."""

from enum import StrEnum


class Action(StrEnum):
    """The actions of the HTTP contract on one download."""

    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    RETRY = "retry"
    PRIORITY = "priority"
