"""Makes up short tunes with FFmpeg's filters: the same seed always gives the same sound."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import av
from av.filter import Graph
from av.filter.context import FilterContext

RATE_HZ: Final = 44_100
PENTATONIC: Final = (0, 2, 4, 7, 9)


@dataclass(frozen=True, slots=True)
class _Voice:
    """One line of notes of equal length, and how loud it is in each ear."""

    pitches_hz: tuple[float, ...]
    note_s: float
    left: float
    right: float


def stereo_tune(seed: str, seconds: float) -> Iterator[av.AudioFrame]:
    """A tune of exactly `seconds`: 16-bit stereo at RATE_HZ, frame by frame."""
    graph = Graph()
    voices = _voices(seed, seconds)
    mixed = graph.add("amix", inputs=str(len(voices)), normalize="0")
    for number, voice in enumerate(voices):
        _panned(graph, voice).link_to(mixed, 0, number)
    graph.link_nodes(
        mixed,
        graph.add("aecho", in_gain="0.9", out_gain="0.9", delays="110|190", decays="0.3|0.2"),
        # The echo rings on and the last note may be cut: fill up, then cut to the sample.
        graph.add("apad", whole_dur=str(seconds)),
        graph.add("atrim", end=str(seconds)),
        graph.add("aformat", sample_fmts="s16", channel_layouts="stereo"),
        graph.add("abuffersink"),
    ).configure()
    return _pulled(graph)


def _voices(seed: str, seconds: float) -> Sequence[_Voice]:
    dice = _dice(seed)
    root_hz = 220.0 * 2 ** (next(dice) % 12 / 12)
    beat_s = 1 / (3 + next(dice) % 3)
    beats, bars = int(seconds / beat_s) + 1, int(seconds / beat_s / 4) + 1
    melody = tuple(_pitch(root_hz, next(dice) % 10) for _ in range(beats))
    bass = tuple(_pitch(root_hz / 4, next(dice) % 3) for _ in range(bars))
    overtones = tuple(2 * hz for hz in melody)
    return (
        _Voice(melody, beat_s, left=2.6, right=1.7),
        _Voice(overtones, beat_s, left=0.5, right=1.1),
        _Voice(bass, 4 * beat_s, left=2.2, right=2.2),
    )


def _pitch(root_hz: float, step: int) -> float:
    octave, degree = divmod(step, len(PENTATONIC))
    return root_hz * 2 ** (octave + PENTATONIC[degree] / 12)


def _dice(seed: str) -> Iterator[int]:
    turn = 0
    while True:
        yield from hashlib.sha256(f"{seed}#{turn}".encode()).digest()
        turn += 1


def _panned(graph: Graph, voice: _Voice) -> FilterContext:
    joined = graph.add("concat", n=str(len(voice.pitches_hz)), v="0", a="1")
    length = f"{voice.note_s:.6f}"
    for number, hz in enumerate(voice.pitches_hz):
        note = graph.add("sine", frequency=f"{hz:.3f}", duration=length, sample_rate=str(RATE_HZ))
        # Dying away makes a plucked string of it, and hides the joint to the next note.
        fade = graph.add("afade", type="out", duration=length, curve="cub")
        note.link_to(fade)
        fade.link_to(joined, 0, number)
    ears = graph.add("pan", f"stereo|c0={voice.left}*c0|c1={voice.right}*c0")
    joined.link_to(ears)
    return ears


def _pulled(graph: Graph) -> Iterator[av.AudioFrame]:
    while True:
        try:
            frame = graph.pull()
        except EOFError:
            return
        if isinstance(frame, av.AudioFrame):
            yield frame
