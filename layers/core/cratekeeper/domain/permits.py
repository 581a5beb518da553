"""What a permit is still good for (protocol rules 1 and 3)."""

from datetime import datetime
from typing import Final

from cratekeeper.domain.bars import Reason
from cratekeeper.domain.control import Permit
from cratekeeper.domain.models import Download

_FOR_THIS_ROUND: Final = frozenset({Reason.PAUSED, Reason.ENDED, Reason.CAPACITY})
"""What ends the round, or makes room for others until a window ends: nobody claims under a permit of before."""


def is_spent(permit: Permit, item: Download | None, now: datetime) -> bool:
    """Whether neither a claim that runs nor one that can still be made is the permit's, so that it may be handed on.

    The item may have moved on since it was read, but epochs and rounds only rise: a permit that is
    newer than the item as read belongs to somebody who knows more.

    Args:
        permit: as stored.
        item: as read, None = it is gone.
        now: when.
    """
    if item is None:
        return True
    if permit.round != item.round:
        return permit.round < item.round
    if permit.epoch != item.epoch:
        return permit.epoch < item.epoch and not (permit.epoch + 1 == item.epoch and item.is_running)
    bar = item.bar(now)
    return item.awaits_children or (bar is not None and bar.reason in _FOR_THIS_ROUND)
