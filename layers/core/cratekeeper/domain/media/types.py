"""Content types that may be stored, and the one way to say that a body is none of them."""

from types import MappingProxyType
from typing import Final, Literal, NamedTuple

Kind = Literal["audio", "image"]

MESSAGE_MAX: Final = 200
"""Longest message of `CorruptMedia`, in bytes: it is stored in the item."""


class CorruptMedia(Exception):
    """The body is not what it says: wrong type, wrong length, cut short, or not decodable.

    The message is printable ASCII of at most `MESSAGE_MAX` bytes, whatever the provider sent.
    """

    def __init__(self, message: str) -> None:
        printable = "".join(sign if " " <= sign <= "~" else "?" for sign in message[:MESSAGE_MAX])
        super().__init__(printable)


class MediaType(NamedTuple):
    """A content type in the spelling that is stored, its S3 key's extension, and its kind."""

    content_type: str
    extension: str
    kind: Kind


MEDIA_TYPES: Final = MappingProxyType({
    media.content_type: media
    for media in (
        MediaType("audio/ogg", "ogg", "audio"),
        MediaType("audio/mpeg", "mp3", "audio"),
        MediaType("audio/flac", "flac", "audio"),
        MediaType("audio/wav", "wav", "audio"),
        MediaType("audio/aac", "aac", "audio"),
        MediaType("audio/mp4", "m4a", "audio"),
        MediaType("image/jpeg", "jpg", "image"),
        MediaType("image/png", "png", "image"),
        MediaType("image/webp", "webp", "image"),
    )
})
"""Everything that may be stored, by content type."""

_ALIASES: Final = MappingProxyType({
    "audio/mp3": "audio/mpeg",
    "audio/x-flac": "audio/flac",
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "audio/aacp": "audio/aac",
    "audio/m4a": "audio/mp4",
    "audio/x-m4a": "audio/mp4",
    "image/jpg": "image/jpeg",
})


def media_type(content_type: str | None, kind: Kind | None = None) -> MediaType:
    """The type that a `Content-Type` header names; parameters, case and common aliases do not matter.

    With `kind`, only types of that kind. Raises CorruptMedia for no header and any other type.
    """
    name = (content_type or "").partition(";")[0].strip().lower()
    found = MEDIA_TYPES.get(_ALIASES.get(name, name))
    if found is None or kind not in (None, found.kind):
        raise CorruptMedia(f"{name or 'no content type'} is no {kind or 'media'} type")
    return found
