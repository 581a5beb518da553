"""Makes the bytes of media: what needs the encoders, and only that."""

from cratekeeper_local.provider.encode import audio_file
from cratekeeper_local.provider.images import jpeg
from cratekeeper_local.provider.library import Picture, Sound


def make(wanted: Sound | Picture) -> bytes:
    """The file of a sound (its `wav_bytes` aside) or picture, the same bytes each time."""
    if isinstance(wanted, Picture):
        return jpeg(wanted.title, seed=wanted.seed, side=wanted.side)
    return audio_file(wanted.seed, seconds=wanted.seconds, format_name=wanted.format)
