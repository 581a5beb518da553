"""Encodes tunes with the encoders of FFmpeg, as PyAV brings them along."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Final, Literal

import av
from av.audio.stream import AudioStream

from cratekeeper_local.provider.synth import RATE_HZ, stereo_tune


@dataclass(frozen=True, slots=True)
class Encoding:
    """One kind of audio file: what FFmpeg calls its container, codec and samples."""

    container: str
    codec: Literal["libmp3lame", "flac", "vorbis", "pcm_s16le", "aac"]
    sample_format: str
    bit_rate: int | None = None
    codec_options: tuple[tuple[str, str], ...] = ()
    container_options: tuple[tuple[str, str], ...] = ()


_FAST_AAC: Final = (("aac_coder", "fast"),)
ENCODINGS: Final[Mapping[str, Encoding]] = MappingProxyType({
    # Where an encoder asks how hard to try, the answer is: not very.
    "mp3": Encoding("mp3", "libmp3lame", "s16p", 128_000, (("compression_level", "7"),)),
    "flac": Encoding("flac", "flac", "s16"),
    # FFmpeg's own Vorbis encoder is marked experimental and has to be asked for.
    "ogg": Encoding("ogg", "vorbis", "fltp", None, (("strict", "-2"),)),
    "wav": Encoding("wav", "pcm_s16le", "s16"),
    # With the index in front a player can start before the end has arrived.
    "m4a": Encoding("ipod", "aac", "fltp", 128_000, _FAST_AAC, (("movflags", "faststart"),)),
    "aac": Encoding("adts", "aac", "fltp", 128_000, _FAST_AAC),
})


def audio_file(seed: str, *, seconds: float, format_name: str) -> bytes:
    """The bytes of a tune in one of ENCODINGS: stereo, 44.1 kHz, `seconds` long.

    The same arguments and the same version of PyAV give the same bytes.
    """
    encoding = ENCODINGS[format_name]
    with TemporaryDirectory(prefix="cratekeeper-provider-") as folder:
        # A real file, not memory: moving the index to the front opens it a second time.
        path = Path(folder, "tune")
        _encode(stereo_tune(seed, seconds), encoding, path)
        return path.read_bytes()


def _encode(tune: Iterator[av.AudioFrame], encoding: Encoding, path: Path) -> None:
    # bitexact: no version texts and no random stream numbers in the file.
    options = {"fflags": "+bitexact", **dict(encoding.container_options)}
    with av.open(str(path), "w", format=encoding.container, container_options=options) as container:
        stream = container.add_stream(
            encoding.codec,
            rate=RATE_HZ,
            options={"flags": "+bitexact", **dict(encoding.codec_options)},
        )
        _configure(stream, encoding)
        for frame in tune:
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _configure(stream: AudioStream, encoding: Encoding) -> None:
    context = stream.codec_context
    context.layout = "stereo"
    context.format = encoding.sample_format
    if encoding.bit_rate is not None:
        context.bit_rate = encoding.bit_rate
