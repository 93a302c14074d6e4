"""Light, glass and sensors for the phantoms: noise fields, stain mixing, blur, photons, JPEG."""

import cv2
import numpy as np

SRGB_LINEAR_LIMIT = 0.0031308
"""Below this linear value the sRGB curve is a straight line (IEC 61966-2-1)."""

ENCODE_STEPS = 4096
"""Entries of the table that encodes linear light; finer than any step of 8-bit sRGB above 1."""

WIDE_BLUR_PX = 6.0
"""Standard deviation above which a blur is made on a reduced image."""

SAMPLES_PER_SCALE = 6.0
"""Pixels per scale at which a coarse noise field is made before it is enlarged."""

HEMATOXYLIN = (0.651, 0.701, 0.290)
"""Optical density of hematoxylin in red, green, blue (Ruifrok and Johnston 2001, as QuPath)."""

DAB = (0.269, 0.568, 0.778)
"""Optical density of DAB in red, green, blue (Ruifrok and Johnston 2001, as QuPath)."""


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], scale_px: float) -> np.ndarray:
    """Smooth random field of about unit variance.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    shape : tuple of int
        Height and width.
    scale_px : float
        Distance between the independent values that the field passes through.

    Returns
    -------
    numpy.ndarray
        float32, shape ``shape``, mean about 0 and variance about 1.
    """
    height, width = shape
    if scale_px <= 1:
        return rng.standard_normal(shape, dtype=np.float32)
    if scale_px > 2 * SAMPLES_PER_SCALE:
        factor = SAMPLES_PER_SCALE / scale_px
        small = (max(2, int(np.ceil(height * factor))), max(2, int(np.ceil(width * factor))))
        return cv2.resize(smooth_noise(rng, small, SAMPLES_PER_SCALE), (width, height))
    side = int(np.ceil(np.hypot(height, width) / scale_px)) + 5
    grid = rng.standard_normal((side, side), dtype=np.float32)
    angle = rng.uniform(0, 2 * np.pi)  # turned, so that no grid shows in sums of fields
    cosine, sine = np.cos(angle) / scale_px, np.sin(angle) / scale_px
    shift = side / 2 - 0.5 + rng.uniform(-0.5, 0.5, 2)
    middle_x, middle_y = width / 2, height / 2
    place = np.array(
        [
            [cosine, -sine, shift[0] - cosine * middle_x + sine * middle_y],
            [sine, cosine, shift[1] - sine * middle_x - cosine * middle_y],
        ]
    )
    field = cv2.warpAffine(
        grid,
        place,
        (width, height),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    return field * np.float32(1.25)  # cubic interpolation between grid points costs variance


def fractal_noise(
    rng: np.random.Generator,
    shape: tuple[int, int],
    scale_px: float,
    *,
    octaves: int = 3,
    persistence: float = 0.5,
) -> np.ndarray:
    """Sum of smooth fields at halving scales, unit variance.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    shape : tuple of int
        Height and width.
    scale_px : float
        Scale of the coarsest field.
    octaves : int
        Number of fields.
    persistence : float
        Amplitude of each field relative to the coarser one before it.

    Returns
    -------
    numpy.ndarray
        float32, shape ``shape``.
    """
    total = np.zeros(shape, np.float32)
    amplitude, power = 1.0, 0.0
    for octave in range(octaves):
        total += np.float32(amplitude) * smooth_noise(rng, shape, scale_px / 2**octave)
        power += amplitude**2
        amplitude *= persistence
    return total / np.float32(np.sqrt(power))


def blurred(image: np.ndarray, sigma_px: float) -> np.ndarray:
    """Gaussian blur; the image itself where sigma is zero.

    Wide blurs are made on a reduced image, where they cost little and differ by less than a
    hundredth of the range.
    """
    if sigma_px <= 0:
        return image
    if sigma_px > WIDE_BLUR_PX:
        factor = WIDE_BLUR_PX / 2 / sigma_px
        height, width = image.shape[:2]
        small = (max(2, round(width * factor)), max(2, round(height * factor)))
        reduced = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
        return cv2.resize(blurred(reduced, WIDE_BLUR_PX / 2), (width, height))
    return cv2.GaussianBlur(image, (0, 0), float(sigma_px), borderType=cv2.BORDER_REFLECT_101)


def unit_normals(vectors: np.ndarray) -> np.ndarray:
    """Vectors along the last axis scaled to length 1, float32."""
    length = np.sqrt(np.einsum("...k,...k->...", vectors, vectors))
    return (vectors / np.maximum(length, 1e-6)[..., None]).astype(np.float32)


def light_field(rng: np.random.Generator, shape: tuple[int, int], unevenness: float) -> np.ndarray:
    """Illumination over a field: a slope and a fall-off to the corners, mean about 1.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    shape : tuple of int
        Height and width.
    unevenness : float
        0 for a flat field; 1 where the darkest corner gets about half of the brightest part.

    Returns
    -------
    numpy.ndarray
        float32, shape ``shape``, positive.
    """
    y, x = np.ogrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
    angle = rng.uniform(0, 2 * np.pi)
    centre_y, centre_x = rng.uniform(-0.4, 0.4, 2)
    slope = 0.22 * (np.cos(angle) * x + np.sin(angle) * y)
    falloff = -0.14 * ((x - centre_x) ** 2 + (y - centre_y) ** 2)
    field = 1 + unevenness * (slope + falloff + 0.09)
    return np.maximum(field, 0.05).astype(np.float32)


def to_linear(srgb: np.ndarray | tuple[float, float, float]) -> np.ndarray:
    """Linear light of sRGB values in 0 to 255 (IEC 61966-2-1)."""
    value = np.asarray(srgb, np.float32) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4).astype(
        np.float32
    )


def to_srgb(linear: np.ndarray) -> np.ndarray:
    """8-bit sRGB of linear light in 0 to 1, clipped (IEC 61966-2-1)."""
    steps = np.linspace(0, 1, ENCODE_STEPS)
    curve = np.where(steps <= SRGB_LINEAR_LIMIT, 12.92 * steps, 1.055 * steps ** (1 / 2.4) - 0.055)
    table = np.rint(255 * curve).astype(np.uint8)
    index = np.clip(linear * (ENCODE_STEPS - 1) + 0.5, 0, ENCODE_STEPS - 1).astype(np.uint16)
    return table[index]


def jpeg(rgb: np.ndarray, quality: int | None) -> np.ndarray:
    """An RGB image after compression as JPEG, or itself where quality is None.

    Parameters
    ----------
    rgb : numpy.ndarray
        (H, W, 3) uint8.
    quality : int or None
        1 to 100.

    Returns
    -------
    numpy.ndarray
        (H, W, 3) uint8.

    Raises
    ------
    ValueError
        If OpenCV can't compress it.
    """
    if quality is None:
        return rgb
    done, code = cv2.imencode(
        ".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, int(quality)]
    )
    if not done:
        raise ValueError(f"OpenCV could not compress an image of shape {rgb.shape} as JPEG.")
    return cv2.cvtColor(cv2.imdecode(code, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def shot_noise(linear: np.ndarray, rng: np.random.Generator, full_well: float) -> np.ndarray:
    """Linear light with photon noise of a sensor that holds `full_well` electrons at 1.

    The normal approximation of the Poisson law, good at the thousands of electrons of a
    photograph; `full_well` of infinity adds none.
    """
    if not np.isfinite(full_well):
        return linear
    sigma = np.sqrt(np.maximum(linear, 1e-4) / np.float32(full_well), dtype=np.float32)
    return linear + sigma * rng.standard_normal(linear.shape, dtype=np.float32)


def detected(
    photons: np.ndarray,
    rng: np.random.Generator,
    *,
    gain: float,
    offset: float,
    read_noise: float,
    bit_depth: int,
) -> np.ndarray:
    """Grey values of a detector: Poisson counts, amplified, offset, with read noise.

    Parameters
    ----------
    photons : numpy.ndarray
        Expected photons per pixel, any shape.
    rng : numpy.random.Generator
        Source of randomness.
    gain : float
        Grey values per photon.
    offset : float
        Grey value of darkness.
    read_noise : float
        Standard deviation of the electronics, in grey values.
    bit_depth : int
        Values are clipped to ``0 .. 2**bit_depth - 1``.

    Returns
    -------
    numpy.ndarray
        uint16, mean ``offset + gain * photons``, variance ``gain**2 * photons + read_noise**2``
        (plus 1/12 from rounding) where nothing clips.
    """
    counts = rng.poisson(np.maximum(photons, 0)).astype(np.float64)
    grey = offset + gain * counts
    if read_noise > 0:
        grey += read_noise * rng.standard_normal(photons.shape)
    return np.clip(np.rint(grey), 0, 2**bit_depth - 1).astype(np.uint16)


def transmitted(optical_density: np.ndarray, light: np.ndarray) -> np.ndarray:
    """Light behind an absorber: ``light * 10**-OD`` (Beer and Lambert).

    Parameters
    ----------
    optical_density : numpy.ndarray
        (height, width, 3), decadic.
    light : numpy.ndarray
        Light without the absorber, broadcastable to the same shape.

    Returns
    -------
    numpy.ndarray
        float32, (height, width, 3).

    Examples
    --------
    >>> import numpy as np
    >>> float(transmitted(np.array([[[1.0]]]), np.array(250.0))[0, 0, 0])
    25.0
    """
    return (light * np.exp(np.float32(-np.log(10)) * optical_density)).astype(np.float32)


def unit_vector(vector: np.ndarray | tuple[float, float, float]) -> np.ndarray:
    """A stain's vector scaled to length 1, so that amounts are optical densities along it."""
    value = np.asarray(vector, np.float64)
    return value / np.linalg.norm(value)
