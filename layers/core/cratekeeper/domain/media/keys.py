"""S3 keys of media, built from validated ids only."""

import re
from typing import Final, NamedTuple

from cratekeeper.domain.media.types import CorruptMedia, Kind, media_type

_CONTENT_ID: Final = re.compile(r"[0-9A-Za-z]{22}")
_IMAGE_ID: Final = re.compile(r"[0-9a-f]{40}")

MEDIA_KEY: Final = re.compile(
    r"audio/(?P<track>[0-9A-Za-z]{22})\.(?P<sound>ogg|mp3|flac|wav|aac|m4a)"
    r"|images/(?P<image>[0-9a-f]{40})\.(?P<picture>jpg|png|webp)"
)
"""Every key of the media bucket matches this pattern in full (`fullmatch`)."""


class MediaOfKey(NamedTuple):
    """What a key says: the kind, the track or image id, the extension without its dot."""

    kind: Kind
    id: str
    extension: str


def is_content_id(text: str) -> bool:
    """Whether `text` has the shape of an artist, album or track id: 22 base62 digits."""
    return _CONTENT_ID.fullmatch(text) is not None


def is_image_id(text: str) -> bool:
    """Whether `text` has the shape of a file id: 40 lower-case hex digits."""
    return _IMAGE_ID.fullmatch(text) is not None


def audio_key(track_id: str, content_type: str) -> str:
    """`audio/{track_id}.{ext}`. Raises ValueError for an id or an audio type that is none."""
    if not is_content_id(track_id):
        raise ValueError("a track id is 22 base62 digits")
    return f"audio/{track_id}.{_extension(content_type, 'audio')}"


def image_key(image_id: str, content_type: str = "image/jpeg") -> str:
    """`images/{image_id}.{ext}`. Raises ValueError for an id or an image type that is none."""
    if not is_image_id(image_id):
        raise ValueError("an image id is 40 lower-case hex digits")
    return f"images/{image_id}.{_extension(content_type, 'image')}"


def media_of_key(key: str) -> MediaOfKey:
    """The way back from a key. Raises ValueError for text that is no key of the media bucket."""
    match = MEDIA_KEY.fullmatch(key)
    if match is None:
        raise ValueError("not a media key")
    if match["track"] is not None:
        return MediaOfKey("audio", match["track"], match["sound"])
    return MediaOfKey("image", match["image"], match["picture"])


def _extension(content_type: str, kind: Kind) -> str:
    try:
        return media_type(content_type, kind).extension
    except CorruptMedia as error:
        raise ValueError(str(error)) from error
