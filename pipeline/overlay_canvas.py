"""A picture to draw measurements on: outlines of label images, numbers, a scale bar."""

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .overlay_lines import CASING, draw_thin_edges, edge_lines, lay_over

LONG_SIDE_PX = 2400
"""Longest side of an overlay on disk: outlines of single cells stay readable, files stay small."""

_SMALL_SIDE_PX = 600  # smaller fields are enlarged by a whole factor towards this, to be legible
_LEAST_ENLARGED = 2  # and by no less than this: a line covers half a pixel of the image then
_LINE_STEPS_PX = 600  # an outline gains a pixel of width for each so many of the picture's side


@dataclass(frozen=True)
class Canvas:
    """An RGB picture at the size of the overlay; positions and labels come in the image's pixels.

    Attributes
    ----------
    rgb : numpy.ndarray
        (h, w, 3) uint8, C-contiguous, the canvas's own, drawn on in place.
    scale : float
        Canvas pixels per image pixel.
    """

    rgb: np.ndarray
    scale: float

    @classmethod
    def of(cls, rgb: np.ndarray) -> "Canvas":
        """Fit an image: a large one is reduced, a small one enlarged by a whole factor.

        Parameters
        ----------
        rgb : numpy.ndarray
            (H, W, 3) uint8; not changed.
        """
        height, width = rgb.shape[:2]
        long_side = max(height, width)
        factor = min(1.0, LONG_SIDE_PX / long_side)
        if long_side <= _SMALL_SIDE_PX:
            factor = float(max(_LEAST_ENLARGED, _SMALL_SIDE_PX // long_side))
        if factor == 1.0:
            return cls(rgb.copy(), 1.0)
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        if factor > 1:
            return cls(cv2.resize(rgb, size, interpolation=cv2.INTER_CUBIC), factor)
        reduced = Image.fromarray(rgb).resize(size, Image.Resampling.BOX)
        return cls(np.array(reduced), factor)

    @property
    def line_px(self) -> int:
        """Width of an outline that shows when the whole picture fills a screen."""
        return max(1, round(max(self.rgb.shape[:2]) / _LINE_STEPS_PX))

    def position(self, y_px: float, x_px: float) -> tuple[float, float]:
        """Canvas position (x, y) of a position in the image."""
        return (x_px + 0.5) * self.scale, (y_px + 0.5) * self.scale

    def resample(self, labels: np.ndarray) -> np.ndarray:
        """Take a label image, of the image's size or another, to the canvas (nearest pixel)."""
        height, width = self.rgb.shape[:2]
        if labels.shape == (height, width):
            return labels
        rows = (np.arange(height) * labels.shape[0]) // height
        columns = (np.arange(width) * labels.shape[1]) // width
        # columns first: the rows, of which there are more then, are copied whole
        return labels.take(columns, axis=1).take(rows, axis=0)

    def outline(
        self,
        labels: np.ndarray,
        colour_of: np.ndarray,
        palette: tuple[str, ...],
        *,
        cased: bool = False,
        opacity: float = 1.0,
    ) -> None:
        """Draw the edge of every label in its colour.

        Parameters
        ----------
        labels : numpy.ndarray
            (H, W) integer label image.
        colour_of : numpy.ndarray
            (n + 1,) uint8: the colour of each label, 1 for the first of `palette`; 0 leaves the
            label out. Labels beyond the array are left out.
        palette : tuple of str
            Colours as ``#rrggbb``.
        cased : bool
            Put a dark line around the bright one.
        opacity : float
            0 to 1; below 1 the image shows through the line.
        """
        shown, factor = self._shown(labels)
        if self.line_px == 1 and not cased:
            draw_thin_edges(
                self.rgb, shown, colour_of, factor=factor, inks=palette, opacity=opacity
            )
            return
        lines, around = edge_lines(
            shown, colour_of, factor=factor, line_px=self.line_px, cased=cased
        )
        lay_over(self.rgb, lines, around, palette, opacity)

    def _shown(self, labels: np.ndarray) -> tuple[np.ndarray, int]:
        """Give a label image to be enlarged by a whole factor, or else at the canvas's size."""
        height, width = self.rgb.shape[:2]
        factor = height // labels.shape[0]
        if (labels.shape[0] * factor, labels.shape[1] * factor) == (height, width):
            return labels, factor
        return self.resample(labels), 1

    def write(self, texts: list[tuple[float, float, str]], *, size_px: int, colour: str) -> None:
        """Write texts centred on canvas positions (x, y), white or coloured with a dark rim."""
        font = _font(size_px)
        for x, y, text in texts:
            # the part around the text alone goes to Pillow and back
            reach = int(font.getlength(_plain(text)) / 2) + size_px, 2 * size_px
            left, top = (max(0, int(at) - far) for at, far in zip((x, y), reach, strict=True))
            right, bottom = (max(0, int(at) + far) for at, far in zip((x, y), reach, strict=True))
            part = self.rgb[top:bottom, left:right]
            if part.size:
                picture = Image.fromarray(part)
                _write_text(ImageDraw.Draw(picture), (x - left, y - top), text, font, colour)
                part[:] = np.asarray(picture)

    @property
    def text_px(self) -> int:
        """Height of text that can be read when the whole picture fills a screen."""
        return max(14, round(max(self.rgb.shape[:2]) / 55))

    def scale_bar(self, px_per_unit: float | None, unit: str) -> None:
        """Draw a bar of a round length at the lower right, if the scale is known.

        Parameters
        ----------
        px_per_unit : float or None
            Image pixels per unit.
        unit : str
            What stands beside the number: mm, µm.
        """
        if px_per_unit is None or not math.isfinite(px_per_unit) or px_per_unit <= 0:
            return
        height, width = self.rgb.shape[:2]
        canvas_px_per_unit = px_per_unit * self.scale
        length = round_length(width / canvas_px_per_unit / 4)
        bar_px = max(1, round(length * canvas_px_per_unit))
        thick, margin = max(3, width // 240), max(10, width // 40)
        right, bottom = width - margin, height - margin
        self.rgb[bottom - thick - 1 : bottom + 1, right - bar_px - 1 : right + 1] = (16, 16, 16)
        self.rgb[bottom - thick : bottom, right - bar_px : right] = 255
        self._write_white(right - bar_px / 2, bottom - thick - self.text_px, f"{length:g} {unit}")

    def _write_white(self, x: float, y: int, text: str) -> None:
        """Write one text as `write` does, to a grey value, from a stamp that is made once."""
        left = math.floor(x)
        reach, stamp = _stamp(text, self.text_px, x - left)
        top, left = y - reach, left - reach
        height, width = self.rgb.shape[:2]
        rows, columns = (
            slice(max(0, at), max(0, min(at + 2 * reach, end)))
            for at, end in ((top, height), (left, width))
        )
        part = self.rgb[rows, columns]
        if part.size:
            held = stamp[:, rows.start - top : rows.stop - top, columns.start - left :]
            dark, bright = held[:, :, : part.shape[1], None].astype(np.uint16)
            part[:] = dark + (part * (bright - dark) + 127) // 255


_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@lru_cache
def _font(size_px: int) -> _Font:
    """Give Pillow's built-in font; making it costs more than writing with it."""
    return ImageFont.load_default(size_px)


@lru_cache
def _stamp(text: str, size_px: int, beyond_px: float) -> tuple[int, np.ndarray]:
    """Give a white text with its rim as it stands on black and on white.

    Parameters
    ----------
    text : str
        The text.
    size_px : int
        Its height.
    beyond_px : float
        How far right of the middle pixel's left edge it is centred.

    Returns
    -------
    reach : int
        The middle is so many pixels from the top and the left.
    stamp : numpy.ndarray
        (2, 2 * reach, 2 * reach) uint8.
    """
    font = _font(size_px)
    reach = int(font.getlength(_plain(text)) / 2) + size_px
    pictures = [Image.new("L", (2 * reach, 2 * reach), grey) for grey in (0, 255)]
    for picture in pictures:
        _write_text(ImageDraw.Draw(picture), (reach + beyond_px, reach), text, font, "#ffffff")
    return reach, np.stack([np.asarray(picture) for picture in pictures])


def _write_text(
    pen: ImageDraw.ImageDraw,
    middle: tuple[float, float],
    text: str,
    font: _Font,
    colour: str,
) -> None:
    """Write one text with a dark rim.

    Pillow's built-in font, the only one that is there on every machine, has no µ: it is made of
    a u and a stem.
    """
    plain = _plain(text)
    left, top, _, bottom = pen.textbbox(middle, plain, font, anchor="mm")
    size_px = getattr(font, "size", bottom - top)
    rim = max(1, size_px // 9)
    x_height = pen.textbbox((0, 0), "u", font, anchor="ls")
    stems = []
    for place, letter in enumerate(text):
        if letter == "µ":
            stem_left = left + font.getlength(plain[:place]) + x_height[0]
            baseline = pen.textbbox(middle, plain.rstrip("gjpqy"), font, anchor="mm")[3]
            stems.append(
                (
                    stem_left,
                    baseline + x_height[1],
                    stem_left + size_px // 11,
                    baseline + size_px // 5,
                )
            )
    for box in stems:
        grown = (box[0] - rim, box[1] - rim, box[2] + rim, box[3] + rim)
        pen.rectangle(grown, fill=CASING)
    pen.text(middle, plain, colour, font, anchor="mm", stroke_width=rim, stroke_fill=CASING)
    for box in stems:
        pen.rectangle(box, fill=colour)


def _plain(text: str) -> str:
    return text.replace("µ", "u")


def round_length(most: float) -> float:
    """Give the largest of 1, 2, 5, 10, 20, 50 … (and tenths) that is not over `most`.

    Examples
    --------
    >>> round_length(73.0), round_length(0.4)
    (50.0, 0.2)
    """
    decade = 10.0 ** math.floor(math.log10(most))
    return next(step * decade for step in (5.0, 2.0, 1.0) if step * decade <= most * (1 + 1e-9))
