"""What the provider was asked for and what it sent, counted by itself."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class Counts:
    """Running counts since the start or the last reset; `audio_now` outlives a reset."""

    requests: Counter[str] = field(default_factory=Counter)
    audio_requests: Counter[str] = field(default_factory=Counter)
    audio_refused: Counter[str] = field(default_factory=Counter)
    audio_now: int = 0
    audio_max: int = 0
    bytes: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def audio(self, track_id: str) -> Iterator[None]:
        """Counts a download of audio as running for as long as the block does."""
        self.audio_requests[track_id] += 1
        self.audio_now += 1
        self.audio_max = max(self.audio_max, self.audio_now)
        try:
            yield
        finally:
            self.audio_now -= 1

    def refuse_audio(self, track_id: str) -> None:
        """Counts a download that was turned away because another one runs."""
        self.audio_requests[track_id] += 1
        self.audio_refused[track_id] += 1

    def reset(self) -> None:
        """Start over; what runs now stays counted as running."""
        for counter in (self.requests, self.audio_requests, self.audio_refused, self.bytes):
            counter.clear()
        self.audio_max = self.audio_now

    def rows(self) -> dict[str, object]:
        """The answer of ``GET /__stats``."""
        return {
            "requests": dict(self.requests),
            "audio_requests": dict(self.audio_requests),
            "audio_refused": dict(self.audio_refused),
            "audio_now": self.audio_now,
            "audio_max": self.audio_max,
            "bytes": dict(self.bytes),
        }
