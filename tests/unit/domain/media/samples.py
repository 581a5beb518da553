"""Real media files, 0.3 s or 48 pixels each, made by the encoders that everybody uses."""

import math
from array import array
from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from io import BytesIO

import av
from PIL import Image

CONTENT_TYPES: Mapping[str, str] = {
    "ogg-opus": "audio/ogg",
    "ogg-vorbis": "audio/ogg",
    "ogg-flac": "audio/ogg",
    "mp3": "audio/mpeg",
    "mp3-mono-22k": "audio/mpeg",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "aac": "audio/aac",
    "m4a": "audio/mp4",
    "m4a-moov-first": "audio/mp4",
    "m4a-fragments": "audio/mp4",
    "jpeg": "image/jpeg",
    "jpeg-progressive": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "webp-lossless": "image/webp",
    "webp-alpha": "image/webp",
    "webp-animation": "image/webp",
}
"""What each sample is, by its name."""

NO_END = ("aac",)
"""Samples of a format that cannot say where it ends."""

_AUDIO: Mapping[str, tuple[str, str, dict[str, str], dict[str, str]]] = {
    # name: container, codec, options of the codec, options of the container
    "ogg-opus": ("ogg", "libopus", {}, {}),
    "ogg-vorbis": ("ogg", "vorbis", {"strict": "-2"}, {}),
    "ogg-flac": ("ogg", "flac", {}, {}),
    "mp3": ("mp3", "libmp3lame", {}, {}),
    "mp3-mono-22k": ("mp3", "libmp3lame", {}, {}),
    "mp3-without-xing": ("mp3", "libmp3lame", {}, {"write_xing": "0"}),
    "flac": ("flac", "flac", {}, {}),
    "wav": ("wav", "pcm_s16le", {}, {}),
    "aac": ("adts", "aac", {}, {}),
    "m4a": ("mp4", "aac", {}, {}),
    "m4a-moov-first": ("mp4", "aac", {}, {"moov_size": "1200"}),
    "m4a-fragments": ("mp4", "aac", {}, {"movflags": "frag_keyframe+empty_moov", "frag_duration": "100000"}),
}


@cache
def sample(name: str) -> bytes:
    """The whole file of that name."""
    return _sound(name) if name in _AUDIO else _picture(name)


def _sound(name: str) -> bytes:
    container, codec, codec_options, container_options = _AUDIO[name]
    rate, layout = (22050, "mono") if "mono" in name else (48000, "stereo")
    file = BytesIO()
    with av.open(file, "w", format=container, options=container_options) as output:
        stream = output.add_stream(codec, rate=rate, options=codec_options, layout=layout)
        assert isinstance(stream, av.AudioStream)
        context = stream.codec_context
        context.open()
        resampler = av.AudioResampler(context.format.name, layout, rate, context.frame_size or 1024)
        tone = _tone(rate=rate, layout=layout, samples=rate * 3 // 10)
        for frame in (*resampler.resample(tone), *resampler.resample(None), None):
            output.mux(stream.encode(frame))
    return file.getvalue()


def _tone(*, rate: int, layout: str, samples: int) -> av.AudioFrame:
    """A tone with some noise, so that encoders have something to do."""
    channels = 1 if layout == "mono" else 2
    pcm = array("h", (int(9000 * math.sin(n // channels / 20)) + n * 7919 % 613 for n in range(samples * channels)))
    frame = av.AudioFrame(format="s16", layout=layout, samples=samples)
    frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
    frame.planes[0].update(pcm.tobytes())
    return frame


def _picture(name: str) -> bytes:
    mode = "RGBA" if "alpha" in name else "RGB"
    pixels = bytes((n * n // 7 + n * 31) % 251 for n in range(48 * 48 * len(mode)))
    image, file = Image.frombytes(mode, (48, 48), pixels), BytesIO()
    if name == "webp-animation":
        image.save(file, "WEBP", save_all=True, append_images=[image.rotate(90)], duration=100)
    else:
        options = {"lossless": "lossless" in name} | ({"progressive": True} if "progressive" in name else {})
        image.save(file, name.partition("-")[0].upper(), **options)
    return file.getvalue()
