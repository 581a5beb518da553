"""Small whole media, different for each name, and ids in the shape that the provider uses."""

from hashlib import sha1, sha256
from zlib import compress, crc32

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
RATE_HZ = 8000


def content_id(name: str) -> str:
    """An artist's, album's or track's id: 22 base62 digits."""
    number, digits = int.from_bytes(sha256(name.encode()).digest()), ""
    for _ in range(22):
        number, digit = divmod(number, 62)
        digits += BASE62[digit]
    return digits


def image_id(name: str) -> str:
    """A picture's id: 40 lower-case hex digits."""
    return sha1(name.encode(), usedforsecurity=False).hexdigest()


def noise(name: str, size: int) -> bytes:
    """`size` bytes that only this name has."""
    seed = sha256(name.encode()).digest()
    return (seed * (size // len(seed) + 1))[:size]


def wav(name: str, samples: int = 256) -> bytes:
    """A mono PCM sound of `samples` bytes (WAVE: RIFF header, format, data)."""
    form = b"".join((
        (1).to_bytes(2, "little"),  # PCM
        (1).to_bytes(2, "little"),  # one channel
        RATE_HZ.to_bytes(4, "little"),
        RATE_HZ.to_bytes(4, "little"),
        (1).to_bytes(2, "little"),  # bytes of a frame
        (8).to_bytes(2, "little"),  # bits of a sample
    ))
    chunks = _riff(b"fmt ", form) + _riff(b"data", noise(name, samples))
    return _riff(b"RIFF", b"WAVE" + chunks)


def _riff(name: bytes, body: bytes) -> bytes:
    return name + len(body).to_bytes(4, "little") + body + b"\0" * (len(body) % 2)


def png(name: str) -> bytes:
    """A grey picture of 4 x 4 pixels (signature, IHDR, IDAT, IEND)."""
    size = (4).to_bytes(4) * 2
    rows = b"".join(b"\0" + noise(f"{name}{row}", 4) for row in range(4))
    chunks = (b"IHDR", size + bytes((8, 0, 0, 0, 0))), (b"IDAT", compress(rows)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        len(body).to_bytes(4) + kind + body + crc32(kind + body).to_bytes(4) for kind, body in chunks
    )
