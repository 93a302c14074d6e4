"""What a pixel of a lobe looks like: colour against its lobe, blobs, edges, glare, place."""

from dataclasses import dataclass

import cv2
import numba
import numpy as np

from .glare import fill, glare_mask, normalised_blur
from .lobe_patch import LobePatch
from .lung_tissue import Appearance, chroma

BLUR_MM = (0.05, 0.1, 0.2, 0.4, 0.8)
BLOB_RADII_MM = (0.1, 0.16, 0.26, 0.42, 0.68, 1.1, 1.6)
HESSIAN_MM = (0.08, 0.16, 0.32, 0.64)
VOTE_RADII_MM = ((0.1, 0.25), (0.25, 0.5), (0.5, 0.9), (0.9, 1.5))
LIGHT_MM = (0.08, 0.2, 0.5)

_PLAIN_PERCENTILE = 60  # of a lobe's saturation: plain tissue, even where half is nodules
_RIM_MM = 0.12  # the background's colour bleeds this far into a lobe (blur, JPEG chroma)
_FLOOR = 0.03  # of full scale: keeps logarithms of dark pixels from being noise
_FAR_MM = 2.0  # beyond this the distance to the rim says nothing


@dataclass(frozen=True)
class Surface:
    """A lobe's surface with glare and rim filled from around them.

    Attributes
    ----------
    pale : numpy.ndarray of float32, shape (h, w)
        Share of the lobe's own yellow that is missing: 0 plain tissue, 1 white.
    tint : numpy.ndarray of float32, shape (h, w)
        Natural log of green to red, against the lobe's median.
    light : numpy.ndarray of float32, shape (h, w)
        Natural log of brightness, against the lobe's median.
    glare : numpy.ndarray of bool, shape (h, w)
        Reflections.
    mask : numpy.ndarray of bool, shape (h, w)
        The lobe.
    stump : numpy.ndarray of float32, shape (h, w)
        Outside the lobe: how much lighter and greyer than the background around it, as by a
        bronchus or fat that sticks out.
    px_per_mm : float
        Scale.
    """

    pale: np.ndarray
    tint: np.ndarray
    light: np.ndarray
    glare: np.ndarray
    mask: np.ndarray
    stump: np.ndarray
    px_per_mm: float


def inner(mask: np.ndarray, distance_px: float) -> np.ndarray:
    """Pixels farther than a distance from a mask's edge."""
    return rim_distance(mask) > distance_px


def rim_distance(mask: np.ndarray) -> np.ndarray:
    """Distance in pixels from the nearest pixel outside a mask."""
    padded = np.pad(mask, 1).astype(np.uint8)
    return cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1]


def _stump(patch: LobePatch) -> np.ndarray:
    """CIE Lab distance from the background, for pixels outside every lobe, 0 to 1."""
    outside = ~(patch.mask | patch.others)
    margin = rim_distance(~(patch.mask | patch.others))
    far = outside & (margin > 0.7 * patch.px_per_mm)
    lab = cv2.cvtColor(cv2.GaussianBlur(patch.rgb, (0, 0), 0.8), cv2.COLOR_RGB2LAB)
    if not far.any():
        return np.zeros(outside.shape, np.float32)
    level = np.median(lab[far], axis=0)
    # shadows are darker than the background; a stump is lighter, or of another colour
    rise = np.clip(lab[..., 0] - level[0], 0, None)
    colour = np.hypot(lab[..., 1] - level[1], lab[..., 2] - level[2])
    beyond = outside & (margin > 0.15 * patch.px_per_mm)
    return np.where(beyond, np.clip((rise + colour) / 40.0, 0, 1), 0).astype(np.float32)


def surface(patch: LobePatch, appearance: Appearance = "bouin") -> Surface:
    """Prepare a lobe: glare found and filled, colour relative to the lobe's own tissue.

    Parameters
    ----------
    patch : LobePatch
    appearance : {"bouin", "dark-lung"}

    Returns
    -------
    Surface
    """
    scale = patch.px_per_mm
    glare = glare_mask(patch.rgb, px_per_mm=scale) & patch.mask
    known = inner(patch.mask, _RIM_MM * scale) & ~glare
    if not known.any():
        known = patch.mask
    smooth = cv2.GaussianBlur(patch.rgb, (0, 0), 0.7)
    logs = np.log(np.maximum(smooth, 0) + np.float32(_FLOOR))
    if appearance == "bouin":
        yellow = chroma(smooth)
        level = max(float(np.percentile(yellow[known], _PLAIN_PERCENTILE)), 0.05)
        pale = (level - yellow) / level
    else:
        bright = smooth.mean(axis=2)
        pale = bright - float(np.percentile(bright[known], 100 - _PLAIN_PERCENTILE))
    tint = logs[..., 1] - logs[..., 0]
    light = logs.mean(axis=2)
    planes = np.stack(
        [pale, tint - np.median(tint[known]), light - np.median(light[known])], axis=2
    ).astype(np.float32)
    filled = fill(planes, known, sigma_px=0.12 * scale)
    return Surface(
        pale=np.ascontiguousarray(filled[..., 0]),
        tint=np.ascontiguousarray(filled[..., 1]),
        light=np.ascontiguousarray(filled[..., 2]),
        glare=glare,
        mask=patch.mask,
        stump=_stump(patch),
        px_per_mm=scale,
    )


def _hessian(image: np.ndarray, sigma: float) -> list[np.ndarray]:
    """Both eigenvalues of the scale-normalised Hessian, the smaller first."""
    smooth = cv2.GaussianBlur(image, (0, 0), sigma) * np.float32(sigma**2)
    xx = cv2.Sobel(smooth, cv2.CV_32F, 2, 0, ksize=3, scale=0.25)
    yy = cv2.Sobel(smooth, cv2.CV_32F, 0, 2, ksize=3, scale=0.25)
    xy = cv2.Sobel(smooth, cv2.CV_32F, 1, 1, ksize=3, scale=0.25)
    middle, spread = (xx + yy) / 2, np.sqrt(((xx - yy) / 2) ** 2 + xy**2)
    return [middle - spread, middle + spread]


@numba.njit(cache=True, nogil=True)
def _vote(
    gy: np.ndarray, gx: np.ndarray, low: float, high: float, step: float, least: float
) -> np.ndarray:  # pragma: no cover - compiled
    """Every edge votes for the places its gradient points to, between two distances."""
    height, width = gy.shape
    votes = np.zeros((height, width), np.float32)
    for y in range(height):
        for x in range(width):
            size = np.sqrt(gy[y, x] ** 2 + gx[y, x] ** 2)
            if size < least:
                continue
            weight = min(size, 10 * least) / size
            distance = low
            while distance <= high:
                row = round(y + gy[y, x] / size * distance)
                column = round(x + gx[y, x] / size * distance)
                if 0 <= row < height and 0 <= column < width:
                    votes[row, column] += weight * size / distance
                distance += step
    return votes


def radial_votes(image: np.ndarray, *, px_per_mm: float) -> list[np.ndarray]:
    """Where gradients of an image meet, for each range of `VOTE_RADII_MM`."""
    smooth = cv2.GaussianBlur(image, (0, 0), 0.06 * px_per_mm)
    gy = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, ksize=3, scale=0.125)
    gx = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, ksize=3, scale=0.125)
    layers = []
    for low, high in VOTE_RADII_MM:
        votes = _vote(gy, gx, low * px_per_mm, high * px_per_mm, 1.0, 0.008)
        layers.append(cv2.GaussianBlur(votes, (0, 0), 0.25 * low * px_per_mm + 0.7))
    return layers


def _colour_layers(lobe: Surface) -> dict[str, np.ndarray]:
    weight = lobe.mask.astype(np.float32)
    layers = {"pale": lobe.pale, "tint": lobe.tint, "light": lobe.light}
    for sigma in BLUR_MM:
        layers[f"pale_{sigma}"] = normalised_blur(lobe.pale, weight, sigma * lobe.px_per_mm)
    for sigma in LIGHT_MM:
        layers[f"tint_{sigma}"] = normalised_blur(lobe.tint, weight, sigma * lobe.px_per_mm)
        wide = normalised_blur(lobe.light, weight, 2.5 * sigma * lobe.px_per_mm)
        narrow = normalised_blur(lobe.light, weight, sigma * lobe.px_per_mm)
        layers[f"relief_{sigma}"] = narrow - wide
    return layers


def _blob_layers(lobe: Surface) -> dict[str, np.ndarray]:
    weight = lobe.mask.astype(np.float32)
    layers = {}
    for radius in BLOB_RADII_MM:
        sigma = radius / np.sqrt(2) * lobe.px_per_mm
        centre = normalised_blur(lobe.pale, weight, 0.7 * sigma)
        layers[f"blob_{radius}"] = centre - normalised_blur(lobe.pale, weight, 1.6 * sigma)
    for sigma in HESSIAN_MM:
        low, high = _hessian(lobe.pale, sigma * lobe.px_per_mm)
        layers[f"hessian_low_{sigma}"], layers[f"hessian_high_{sigma}"] = low, high
    votes = radial_votes(lobe.pale, px_per_mm=lobe.px_per_mm)
    layers.update({f"votes_{k}": layer for k, layer in enumerate(votes)})
    return layers


def _place_layers(lobe: Surface) -> dict[str, np.ndarray]:
    scale = lobe.px_per_mm
    shiny = lobe.glare.astype(np.float32)
    weight = lobe.mask.astype(np.float32)
    mean = normalised_blur(lobe.pale, weight, 0.15 * scale)
    square = normalised_blur(lobe.pale**2, weight, 0.15 * scale)
    high = float(np.percentile(lobe.pale[lobe.mask], 95)) if lobe.mask.any() else 0.0
    return {
        "glare_near": cv2.GaussianBlur(shiny, (0, 0), 0.08 * scale),
        "glare_wide": cv2.GaussianBlur(shiny, (0, 0), 0.5 * scale),
        "rim_mm": np.minimum(rim_distance(lobe.mask) / scale, _FAR_MM).astype(np.float32),
        "texture": np.sqrt(np.maximum(square - mean**2, 0)),
        "stump": cv2.GaussianBlur(lobe.stump, (0, 0), 0.4 * scale),
        "lobe_pale": np.full(lobe.pale.shape, high, np.float32),
    }


def pixel_features(lobe: Surface) -> dict[str, np.ndarray]:
    """All features of every pixel of a lobe, by name.

    Parameters
    ----------
    lobe : Surface

    Returns
    -------
    dict of str to numpy.ndarray of float32, shape (h, w)
        In a fixed order; finite everywhere.
    """
    return {**_colour_layers(lobe), **_blob_layers(lobe), **_place_layers(lobe)}


def context_features(cone: np.ndarray, lobe: Surface) -> dict[str, np.ndarray]:
    """Features of a first cone map around every pixel, for the second round.

    Parameters
    ----------
    cone : numpy.ndarray of float32, shape (h, w)
    lobe : Surface

    Returns
    -------
    dict of str to numpy.ndarray of float32, shape (h, w)
        In a fixed order.
    """
    weight = lobe.mask.astype(np.float32)
    layers = {"cone": cone}
    for sigma in BLUR_MM:
        layers[f"cone_{sigma}"] = normalised_blur(cone, weight, sigma * lobe.px_per_mm)
    for radius in BLOB_RADII_MM:
        sigma = radius / np.sqrt(2) * lobe.px_per_mm
        centre = normalised_blur(cone, weight, 0.7 * sigma)
        layers[f"cone_blob_{radius}"] = centre - normalised_blur(cone, weight, 1.6 * sigma)
    for sigma in HESSIAN_MM[:3]:
        low, high = _hessian(cone, sigma * lobe.px_per_mm)
        layers[f"cone_low_{sigma}"], layers[f"cone_high_{sigma}"] = low, high
    votes = radial_votes(cone, px_per_mm=lobe.px_per_mm)
    layers.update({f"cone_votes_{k}": layer for k, layer in enumerate(votes)})
    return layers


def stacked(layers: dict[str, np.ndarray], where: np.ndarray) -> np.ndarray:
    """Rows of features for the pixels of a mask.

    Returns
    -------
    numpy.ndarray of float32, shape (n_pixels, n_features)
    """
    return np.stack([layer[where] for layer in layers.values()], axis=1).astype(np.float32)
