"""Whether a body is the media that its headers say, told while it streams by."""

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from cratekeeper.domain.media import adts, flac, jpeg, mp3, mp4, ogg, png, riff
from cratekeeper.domain.media.stream import Steps, Stream
from cratekeeper.domain.media.types import CorruptMedia, Kind, media_type

_PARSERS: Final = MappingProxyType[str, Callable[[Stream], Steps[None]]]({
    "audio/ogg": ogg.parse,
    "audio/mpeg": mp3.parse,
    "audio/flac": flac.parse,
    "audio/wav": riff.parse_wav,
    "audio/aac": adts.parse,
    "audio/mp4": mp4.parse,
    "image/jpeg": jpeg.parse,
    "image/png": png.parse,
    "image/webp": riff.parse_webp,
})


@dataclass(frozen=True, slots=True)
class Inspected:
    """A whole body of the type it claims to be."""

    content_type: str
    """In the spelling of `MEDIA_TYPES`."""
    size_bytes: int
    extension: str
    """Of the S3 key, without the dot."""


class Inspector:
    """Judges one body from byte 0 on: length, signature, header, and that its structure is closed.

    What the format states to be there must be there. Whether the body ends as it should is left
    to `Content-Length` or chunked framing if there was one; otherwise the format's own end must
    be found, with nothing behind it (proof I17).

    State is at most 64 KiB beside the piece being fed and cannot be saved: a body that is resumed
    in another process is inspected anew from the stored bytes, as its SHA-256 is.
    """

    def __init__(
        self,
        content_type: str | None,
        *,
        declared_length: int | None,
        complete_by_framing: bool,
        kind: Kind | None = None,
    ) -> None:
        """Expect a body of the type that the header `content_type` names, and of that `kind`.

        `declared_length` in bytes, None if not declared; a declared one is checked, and is framing.
        Raises CorruptMedia for a type that may not be stored.
        """
        self._type = media_type(content_type, kind)
        self._declared = declared_length
        self._stream = Stream(is_framed=complete_by_framing or declared_length is not None)
        self._parser = _PARSERS[self._type.content_type](self._stream)
        self._is_parsed = False
        self._failure: CorruptMedia | None = None
        self._size = 0

    def feed(self, chunk: bytes) -> None:
        """Judge the next bytes, of any number. Raises CorruptMedia as soon as that is certain."""
        self._size += len(chunk)
        if self._declared is not None and self._size > self._declared:
            self._fail(f"more than the declared {self._declared} bytes")
        self._stream.push(chunk)
        self._go_on()

    def finish(self) -> Inspected:
        """Judge the body as a whole. Raises CorruptMedia if it is not all that it says."""
        if not self._size:
            self._fail("empty body")
        if self._declared is not None and self._size < self._declared:
            self._fail(f"{self._size} of {self._declared} declared bytes")
        self._stream.end()
        self._go_on()
        return Inspected(self._type.content_type, self._size, self._type.extension)

    def _go_on(self) -> None:
        if self._failure is not None:
            raise self._failure
        try:
            self._is_parsed = self._is_parsed or next(self._parser, True) is True
        except CorruptMedia as error:
            self._failure = error
            raise
        if self._is_parsed:
            self._stream.release()
            if not self._stream.is_framed and self._size > self._stream.offset:
                self._fail(f"more bytes behind the end at byte {self._stream.offset}")

    def _fail(self, message: str) -> None:
        self._failure = self._failure or CorruptMedia(message)
        raise self._failure
