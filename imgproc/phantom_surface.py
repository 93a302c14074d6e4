"""Skin of the lung phantoms: colours of tissue and nodules, vessels, patches, wet glare."""

from dataclasses import dataclass

import cv2
import numpy as np

from .phantom_lobes import Dome, LobeShape
from .phantom_nodules import Relief
from .phantom_optics import blurred, fractal_noise, smooth_noise, to_linear, unit_normals

TISSUE_SRGB: dict[str, tuple[tuple[float, float, float], ...]] = {
    "bouin": (
        (198, 160, 52), (205, 150, 42), (178, 148, 44), (214, 168, 84),
        (190, 132, 48), (165, 138, 60), (216, 182, 70), (182, 120, 40),
    ),
    "dark-lung": ((34, 32, 36), (48, 46, 50), (22, 24, 30), (60, 52, 50)),
}  # fmt: skip
"""Picric-acid yellow to ochre and olive; lung filled with India ink."""

NODULE_SRGB: dict[str, tuple[tuple[float, float, float], ...]] = {
    "bouin": (
        (236, 226, 200), (228, 214, 178), (232, 208, 186), (222, 222, 196), (238, 230, 214),
        (206, 200, 180), (194, 198, 180), (214, 194, 174),
    ),
    "dark-lung": ((236, 234, 228), (226, 220, 206), (232, 226, 220)),
}  # fmt: skip
"""Cream, ivory, pinkish, greenish and greyish white."""

PATCH_LINEAR = (0.72, 0.42, 0.30)
"""Factors on red, green, blue that turn yellow tissue brown (old blood under the pleura)."""


@dataclass(frozen=True)
class Lights:
    """Lamps over the lungs.

    Attributes
    ----------
    directions : numpy.ndarray
        (n, 3) unit vectors towards the lamps, z towards the camera.
    strengths : numpy.ndarray
        (n,) share of each.
    ambient : float
        Light from everywhere.
    falloff : float
        How much darker the surface is where it turns away from the camera, 0 to 1.
    """

    directions: np.ndarray
    strengths: np.ndarray
    ambient: float
    falloff: float


@dataclass(frozen=True)
class Wetness:
    """How the surface shines: glare 0..1, bright rims 0..1, and the scale of its ripples."""

    glare: float
    rim_light: float
    px_per_mm: float


def lamps(rng: np.random.Generator) -> Lights:
    """One to three lamps, a ring about the lens, or a window's row of lights."""
    kind = rng.choice(["lamps", "ring", "window"], p=[0.65, 0.2, 0.15])
    azimuth = rng.uniform(0, 2 * np.pi)
    if kind == "ring":
        count = 6
        turn = azimuth + np.arange(count) * (2 * np.pi / count)
        height = np.full(count, rng.uniform(1.05, 1.3))
        strengths = np.ones(count)
    elif kind == "window":
        count = 4
        turn = azimuth + np.linspace(-0.25, 0.25, count)
        height = rng.uniform(0.7, 1.2) + rng.uniform(-0.06, 0.06, count)
        strengths = np.ones(count)
    else:
        count = int(rng.integers(1, 4))
        turn = azimuth + np.arange(count) * rng.uniform(1.2, 2.6)
        height = rng.uniform(0.75, 1.35, count)
        strengths = np.array([1.0, *rng.uniform(0.25, 0.8, count - 1)])
    flat = np.cos(height)
    directions = np.stack([np.cos(turn) * flat, np.sin(turn) * flat, np.sin(height)], axis=1)
    return Lights(
        directions, strengths / strengths.sum(), rng.uniform(0.12, 0.5), rng.uniform(0, 0.85)
    )


def tissue_colour(rng: np.random.Generator, appearance: str) -> np.ndarray:
    """Linear colour of one lobe's tissue."""
    palette = to_linear(np.array(TISSUE_SRGB[appearance]))
    weight = rng.dirichlet(np.full(len(palette), 0.6))
    return (weight @ palette).astype(np.float32) * np.float32(np.exp(rng.normal(0, 0.08)))


def nodule_colours(
    rng: np.random.Generator,
    appearance: str,
    tissue: np.ndarray,
    paleness: np.ndarray,
    *,
    own_tint: float = 0.6,
) -> np.ndarray:
    """Linear colours of one lobe's nodules: between its tissue (paleness 0) and pale (1).

    Nodules of a lobe are alike: a colour of the lobe, with up to a share `own_tint` of their own.
    """
    palette = to_linear(np.array(NODULE_SRGB[appearance]))
    common = rng.dirichlet(np.ones(len(palette))) @ palette
    own = palette[rng.integers(len(palette), size=len(paleness))]
    share = rng.uniform(0, own_tint, (len(paleness), 1))
    pale = (common * (1 - share) + own * share) * np.exp(rng.normal(0, 0.03, own.shape))
    weight = paleness[:, None]
    return (tissue * (1 - weight) + pale * weight).astype(np.float32)


def contrast_of(nodule: np.ndarray, tissue: np.ndarray) -> float:
    """Michelson contrast of two linear colours in blue, where Bouin's yellow is darkest."""
    return float((nodule[2] - tissue[2]) / (nodule[2] + tissue[2]))


def tissue_albedo(
    rng: np.random.Generator,
    shape: tuple[int, int],
    colour: np.ndarray,
    *,
    px_per_mm: float,
    texture: float,
) -> np.ndarray:
    """Mottled reflectance of a lobe without its nodules, float32 (height, width, 3)."""
    lobules = fractal_noise(rng, shape, rng.uniform(0.5, 1.1) * px_per_mm, octaves=2)
    alveoli = smooth_noise(rng, shape, max(1.0, rng.uniform(0.07, 0.14) * px_per_mm))
    regions = fractal_noise(rng, shape, rng.uniform(3, 6) * px_per_mm, octaves=2)
    value = 1 + np.float32(texture) * (0.11 * lobules + 0.07 * alveoli + 0.13 * regions)
    albedo = colour * np.maximum(value, 0.3)[..., None]
    fixed = smooth_noise(rng, shape, rng.uniform(3, 7) * px_per_mm)  # uneven uptake of the dye
    albedo[..., 2] *= np.exp(np.float32(0.35 * texture) * fixed)
    albedo[..., 1] *= np.exp(np.float32(0.08 * texture) * fixed)
    return albedo.astype(np.float32)


def add_patches(
    rng: np.random.Generator, albedo: np.ndarray, mask: np.ndarray, count: int, px_per_mm: float
) -> None:
    """Brown patches with ragged soft edges, in place."""
    ys, xs = np.nonzero(mask)
    if not len(ys):
        return
    for _ in range(count):
        at = int(rng.integers(len(ys)))
        radius = rng.uniform(0.4, 1.8) * px_per_mm
        stretch, turn = rng.uniform(1, 2.2), rng.uniform(0, np.pi)
        reach = int(2 * radius * stretch) + 2
        rows = slice(max(0, ys[at] - reach), ys[at] + reach)
        columns = slice(max(0, xs[at] - reach), xs[at] + reach)
        part = albedo[rows, columns]
        y, x = np.ogrid[: part.shape[0], : part.shape[1]]
        dy, dx = y + rows.start - ys[at], x + columns.start - xs[at]
        u = (np.cos(turn) * dx + np.sin(turn) * dy) / (radius * stretch)
        v = (np.cos(turn) * dy - np.sin(turn) * dx) / radius
        ragged = u**2 + v**2 + 0.35 * smooth_noise(rng, part.shape[:2], 0.5 * px_per_mm)
        cover = rng.uniform(0.25, 0.85) / (1 + np.exp(np.minimum(5 * (ragged - 1), 60)))
        factor = np.array(PATCH_LINEAR) * np.exp(rng.normal(0, 0.1, 3))
        part *= (1 - cover[..., None] * (1 - factor)).astype(np.float32)


def add_vessels(
    rng: np.random.Generator,
    albedo: np.ndarray,
    lobe: LobeShape,
    *,
    px_per_mm: float,
    strength: float,
) -> None:
    """Branching vessels that run from the hilum into the lobe, in place."""
    height, width = albedo.shape[:2]
    canvas = np.zeros((height, width), np.float32)
    heading = np.arctan2(lobe.inward[1], lobe.inward[0])
    reach = float(np.ptp(lobe.outline, axis=0).max())
    stack = [
        (lobe.hilum, heading + rng.uniform(-0.9, 0.9), rng.uniform(0.1, 0.22), 0)
        for _ in range(int(rng.integers(2, 5)))
    ]
    while stack:
        point, angle, thickness, order = stack.pop()
        steps = int(rng.uniform(0.25, 0.7) * reach / (0.4 * px_per_mm) / (1 + 0.6 * order))
        path = [point]
        for _ in range(max(steps, 3)):
            angle += rng.normal(0, 0.16)
            point = point + 0.4 * px_per_mm * np.array([np.cos(angle), np.sin(angle)])
            path.append(point)
            if order < 2 and rng.random() < 0.1:
                side = rng.choice([-1.0, 1.0]) * rng.uniform(0.35, 0.8)
                stack.append((point, angle + side, 0.65 * thickness, order + 1))
        corners = np.rint(np.array(path) * 8).astype(np.int32)
        wide = max(1, round(thickness * px_per_mm))
        thin = float(np.clip(thickness * px_per_mm, 0.3, 1))
        cv2.polylines(canvas, [corners], False, thin, wide, cv2.LINE_AA, 3)
    soft = blurred(canvas, max(0.5, 0.03 * px_per_mm)) * np.float32(
        strength * rng.uniform(0.3, 0.9)
    )
    tint = np.array((0.55, 0.75, 0.8)) if rng.random() < 0.25 else np.array((0.75, 0.9, 1.0))
    albedo *= 1 - soft[..., None] * tint.astype(np.float32)


def paint_nodules(
    rng: np.random.Generator,
    albedo: np.ndarray,
    relief: Relief,
    colours: np.ndarray,
    *,
    softness: np.ndarray,
    dark_centre: np.ndarray,
) -> np.ndarray:
    """Lay the nodules' colours over the tissue, in place.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    albedo : numpy.ndarray
        Tissue, float32 (height, width, 3).
    relief : Relief
        Footprints of the nodules.
    colours : numpy.ndarray
        (n, 3) linear colours.
    softness : numpy.ndarray
        (n,) share of the depth (0..1) over which a nodule fades into tissue at its edge.
    dark_centre : numpy.ndarray
        (n,) how dark the centre is, 0 for none.

    Returns
    -------
    numpy.ndarray
        float32, (height, width), how much of each pixel is nodule.
    """
    inside = relief.label > 0
    weight = np.zeros(relief.label.shape, np.float32)
    if not inside.any():
        return weight
    which = relief.label[inside] - 1
    depth = relief.depth[inside]
    fade = np.clip(depth / np.maximum(softness[which], 1e-3), 0, 1)
    weight[inside] = 0.35 + 0.65 * fade * fade * (3 - 2 * fade)
    speckle = smooth_noise(rng, relief.label.shape, 6.0)[inside]
    centre = 1 - dark_centre[which] * np.clip((depth - 0.8) / 0.15, 0, 1)
    shade = (centre * (1 + 0.03 * speckle)).astype(np.float32)
    brownish = np.stack([shade ** np.float32(k) for k in (0.8, 1.0, 1.15)], axis=1)
    layer = weight[inside][:, None]
    albedo[inside] = (
        albedo[inside] * (1 - layer) + colours[which].astype(np.float32) * brownish * layer
    )
    return weight


def shade(
    rng: np.random.Generator, normal: np.ndarray, lights: Lights, wet: Wetness
) -> tuple[np.ndarray, np.ndarray]:
    """Light on a wet surface, and the light that its film mirrors, float32 (height, width, 1).

    The camera sees reflectance times the first plus the second, linear. Matt light is after
    Lambert with a little wrapped round (tissue scatters), glare after Blinn and Phong on normals
    rippled by the wet film, with a Fresnel-like brightening where the surface turns away.
    """
    scale = wet.px_per_mm
    dull = np.full(normal.shape[:2], lights.ambient, np.float32) * (0.55 + 0.45 * normal[..., 2])
    for direction, strength in zip(lights.directions, lights.strengths, strict=True):
        facing = normal @ direction.astype(np.float32)
        dull += np.float32(strength) * np.maximum(facing + 0.2, 0) / np.float32(1.2)
    away = 1 - np.clip(normal[..., 2], 0, 1)
    dull *= 1 - np.float32(lights.falloff) * np.minimum(1.6 * away, 1) ** 1.5
    rim = away**3
    shine = (
        np.float32(0.35 * wet.rim_light)
        * rim
        * (0.6 + 0.4 * np.clip(smooth_noise(rng, rim.shape, 1.5 * scale), -1, 1))
    )
    if wet.glare > 0:
        shine = shine + _glare(rng, normal, lights, wet)
    return dull[..., None], shine[..., None]


def _glare(
    rng: np.random.Generator, normal: np.ndarray, lights: Lights, wet: Wetness
) -> np.ndarray:
    """Mirror images of the lamps in the wet film, broken into spots by its ripples."""
    shape, scale = normal.shape[:2], wet.px_per_mm
    ripple = max(2.0, rng.uniform(0.2, 0.5) * scale)
    fine = 0.05 * smooth_noise(rng, shape, max(1.5, 0.08 * scale))
    bumpy = normal.copy()
    for axis in (0, 1):
        wave = 0.11 * fractal_noise(rng, shape, ripple, octaves=2) + fine
        bumpy[..., axis] += wave * np.float32(rng.uniform(0.6, 1.4))
    bumpy = unit_normals(bumpy)
    film = np.clip(0.8 + 0.5 * smooth_noise(rng, shape, 3 * scale), 0, 1.3)
    total = np.zeros(shape, np.float32)
    sharpness = np.float32(np.exp(rng.uniform(np.log(90), np.log(500))))
    sheen = np.float32(rng.uniform(0.05, 0.25))
    strongest = lights.strengths.max()
    # Many small lamps each mirror less than one lamp of their sum, but more than their share.
    brightness = np.float32(rng.uniform(2.0, 4.5) * np.sqrt(strongest))
    for direction, share in zip(lights.directions, lights.strengths, strict=True):
        half = direction + np.array([0, 0, 1.0])
        half = (half / np.linalg.norm(half)).astype(np.float32)
        log_toward = np.log(np.maximum(bumpy @ half, 1e-3))
        total += np.float32(share / strongest) * brightness * np.exp(sharpness * log_toward)
        total += np.float32(share) * sheen * np.exp(14 * log_toward)
    return np.float32(wet.glare) * total * film


def surface_normals(
    rng: np.random.Generator,
    dome: Dome,
    relief: Relief,
    weight: np.ndarray,
    px_per_mm: float,
    *,
    meniscus: float = 0.0,
) -> np.ndarray:
    """Normals of the lobe with its nodules, the unevenness of the pleura and the film's menisci."""
    normal = dome.normal.copy()
    for axis in (0, 1):
        normal[..., axis] += np.float32(0.05) * fractal_noise(
            rng, dome.mask.shape, 0.9 * px_per_mm, octaves=2
        )
    if meniscus > 0:  # the film climbs up a nodule's foot, and so tilts away from it
        slope = blurred((relief.label > 0).astype(np.float32), 0.06 * px_per_mm)
        tilt = np.float32(0.12 * meniscus * px_per_mm)
        normal[..., 0] -= tilt * cv2.Sobel(slope, cv2.CV_32F, 1, 0, ksize=3, scale=0.125)
        normal[..., 1] -= tilt * cv2.Sobel(slope, cv2.CV_32F, 0, 1, ksize=3, scale=0.125)
    blend = np.clip(weight * 1.2, 0, 1)[..., None]
    normal = normal * (1 - blend) + relief.normal * blend
    normal = blurred(normal, max(0.6, 0.02 * px_per_mm))
    return unit_normals(normal)
