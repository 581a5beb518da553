"""Waiting for a moment, and trying again: what a conflict of transactions or a half-done batch needs."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from cratekeeper.ports import Dice

TRIES: Final = 6
FIRST_WAIT_S: Final = 0.04


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Tries with waits between them: at most 40, 80, … 640 ms, and any share of that by dice.

    Without the dice, writers that met once would meet again.
    """

    dice: Dice
    sleep: Callable[[float], None] = time.sleep

    def tries(self) -> Iterator[int]:
        """Numbers 0..5; each but the first comes after a wait."""
        for attempt in range(TRIES):
            if attempt:
                self.sleep(FIRST_WAIT_S * 2 ** (attempt - 1) * self.dice.roll())
            yield attempt
