"""Media: ids and S3 keys, allowed types, and the inspection of bodies as they stream by."""

from cratekeeper.domain.media.disposition import content_disposition
from cratekeeper.domain.media.inspect import Inspected, Inspector
from cratekeeper.domain.media.keys import (
    MEDIA_KEY,
    MediaOfKey,
    audio_key,
    image_key,
    is_content_id,
    is_image_id,
    media_of_key,
)
from cratekeeper.domain.media.types import MEDIA_TYPES, CorruptMedia, Kind, MediaType, media_type

__all__ = [
    "MEDIA_KEY",
    "MEDIA_TYPES",
    "CorruptMedia",
    "Inspected",
    "Inspector",
    "Kind",
    "MediaOfKey",
    "MediaType",
    "audio_key",
    "content_disposition",
    "image_key",
    "is_content_id",
    "is_image_id",
    "media_of_key",
    "media_type",
]
