"""Tags that stand before or after the frames of MP3, AAC and FLAC files (id3.org, APEv2)."""

from typing import Final

from cratekeeper.domain.media.stream import Steps, Stream
from cratekeeper.domain.media.types import CorruptMedia

ID3V1_SIZE: Final = 128

_ID3V2_FOOTER: Final = 0x10
_APE_HEADER_SIZE: Final = 32


def skip_leading(stream: Stream) -> Steps[None]:
    """Pass every ID3v2 tag at this place (ID3v2.4.0 structure, 3.1: a size of four 7-bit bytes)."""
    while (yield from stream.peek(3)) == b"ID3":
        header = yield from stream.take(10)
        size = 0
        for byte in header[6:]:
            if byte >> 7:
                raise CorruptMedia("ID3v2 tag with an impossible size")
            size = size << 7 | byte
        yield from stream.skip(size + (10 if header[5] & _ID3V2_FOOTER else 0))


def skip_trailing(stream: Stream) -> Steps[None]:
    """Pass an APEv2 tag that has a header, then an ID3v1 tag, where they stand at this place."""
    if (yield from stream.peek(8)) == b"APETAGEX":
        header = yield from stream.take(_APE_HEADER_SIZE)
        # The size counts the items and the footer, not the header.
        yield from stream.skip(int.from_bytes(header[12:16], "little"))
    if (yield from stream.peek(3)) == b"TAG":
        yield from stream.skip(ID3V1_SIZE)
