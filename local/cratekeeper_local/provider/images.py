"""Draws covers and portraits: quiet circles on a ground, with the title below."""

import hashlib
from colorsys import hsv_to_rgb
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]


def jpeg(title: str, *, seed: str, side: int) -> bytes:
    """A square JPEG of `side` pixels; the same arguments give the same bytes."""
    dice = hashlib.sha256(seed.encode()).digest()
    ground, ink = _colours(dice)
    image = Image.new("RGB", (side, side), ground)
    draw = ImageDraw.Draw(image)
    _circles(draw, dice, ink, side)
    _title(draw, title, ink, side)
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


def _colours(dice: bytes) -> tuple[Colour, Colour]:
    # A dark ground and a light ink stand apart whatever their hues.
    return _rgb(dice[0], 0.55, 0.35), _rgb(dice[1], 0.35, 0.95)


def _rgb(hue: int, saturation: float, value: float) -> Colour:
    red, green, blue = hsv_to_rgb(hue / 256, saturation, value)
    return int(red * 255), int(green * 255), int(blue * 255)


def _circles(draw: ImageDraw.ImageDraw, dice: bytes, ink: Colour, side: int) -> None:
    for x, y, size in zip(dice[3:12], dice[12:21], dice[21:30], strict=True):
        centre_x, centre_y = side * x // 255, side * y * 3 // 4 // 255
        radius = side // 24 + side * size // 1400
        box = (centre_x - radius, centre_y - radius, centre_x + radius, centre_y + radius)
        draw.ellipse(box, outline=ink, width=max(1, side // 160))


def _title(draw: ImageDraw.ImageDraw, title: str, ink: Colour, side: int) -> None:
    font = ImageFont.load_default(size=side // 16)
    draw.line((side // 16, side * 27 // 32, side * 15 // 16, side * 27 // 32), fill=ink, width=2)
    draw.text((side // 16, side * 28 // 32), title[:40], fill=ink, font=font)
