"""How fast it goes and how long it will take, from what was seen so far."""

from dataclasses import dataclass, replace
from typing import Final

_WINDOW_S: Final = 15.0
_SHORTEST_S: Final = 0.4  # below this a rate says more about polling than about the line


@dataclass(frozen=True, slots=True)
class Sample:
    """What was there at one instant of a monotonic clock."""

    at_s: float
    size_bytes: int
    ended: int


@dataclass(frozen=True, slots=True)
class Pace:
    """The samples of the last 15 seconds, oldest first. Immutable: another thread may draw it."""

    samples: tuple[Sample, ...] = ()

    def after(self, sample: Sample) -> "Pace":
        """The pace with one more sample; one sample older than the window stays as its edge."""
        edge_s = sample.at_s - _WINDOW_S
        before = [known for known in self.samples if known.at_s <= edge_s]
        within = [known for known in self.samples if known.at_s > edge_s]
        return replace(self, samples=(*before[-1:], *within, sample))

    def rate(self, now_s: float) -> float | None:
        """Bytes a second over the window, falling while nothing arrives; None before it is known."""
        if not self.samples or now_s - self.samples[0].at_s < _SHORTEST_S:
            return None
        gained = self.samples[-1].size_bytes - self.samples[0].size_bytes
        return max(gained, 0) / (now_s - self.samples[0].at_s)

    def left_s(self, now_s: float, *, total: int) -> float | None:
        """Seconds until all `total` children have ended, if they are as large as those before.

        None while nothing has ended or nothing moves.
        """
        rate = self.rate(now_s)
        if not rate or not self.samples[-1].ended:
            return None
        last = self.samples[-1]
        return (total - last.ended) * (last.size_bytes / last.ended) / rate
