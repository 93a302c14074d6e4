"""Tissue, lumen, ink and folds against rendered and drawn truth."""

import numpy as np
import pytest

from xenoquant.imgproc.artefacts import find_artefacts
from xenoquant.imgproc.optics import darker_than, optical_density, transmission_density
from xenoquant.imgproc.phantoms import DabPhantom, DabScene, render_dab
from xenoquant.imgproc.stains import StainVectors, separate
from xenoquant.imgproc.tissue import (
    BLACK_OD,
    GLASS_MARGIN_OD,
    GLASS_PIXELS,
    GLASS_SIGMAS,
    INK_OD,
    INK_WIDTH_UM,
    NORMAL_MAD,
    THINNEST_TISSUE_OD,
    _opened,
    find_folds,
    find_ink,
    find_tissue,
    glass_threshold,
)
from xenoquant.imgproc.white import ChosenWhite, choose_white

WHITE = np.full(3, 240.0)


def painted(density: np.ndarray) -> np.ndarray:
    """Camera counts of an optical density image under a white of 240."""
    return np.rint(240 * 10 ** -np.asarray(density)).astype(np.uint8)


def overlap(found: np.ndarray, truth: np.ndarray) -> float:
    return float((found & truth).sum() / (found | truth).sum())


@pytest.mark.parametrize("kind", ["tumour", "hepatocyte", "stroma"])
@pytest.mark.parametrize("with_blank", [True, False])
def test_tissue_of_rendered_fields(kind: str, with_blank: bool) -> None:
    """Against the rendered tissue: IoU at least 0.95 and the area within 3 % of the field."""
    field = render_dab(21, scene=DabScene(tissue=kind, gaps=0.15))  # type: ignore[arg-type]
    white = choose_white(
        field.rgb, um_per_px=field.um_per_px, blank=field.blank if with_blank else None
    )
    found = find_tissue(field.rgb, white, um_per_px=field.um_per_px).pieces > 0
    print(f"{kind}, blank {with_blank}: IoU {overlap(found, field.tissue):.3f}")
    assert overlap(found, field.tissue) > 0.95
    assert abs(found.mean() - field.tissue.mean()) < 0.03


def test_pieces_lumen_and_specks_of_a_drawn_field() -> None:
    """Two squares 60 µm apart are two pieces, a hole of 400 µm² is lumen, one of 9 µm² is not, a
    speck of 9 µm² is nothing; areas as drawn, within the pixel that smoothing moves an outline.
    """
    density = np.zeros((400, 400, 3))
    density[20:180, 20:180] = 0.2
    density[300:380, 300:380] = 0.2
    density[60:100, 60:100] = 0  # 40 px of 0.5 µm: 400 µm²
    density[140:146, 140:146] = 0
    density[30:36, 300:306] = 0.2
    tissue = find_tissue(painted(density), ChosenWhite(WHITE, "given"), um_per_px=0.5)
    assert tissue.pieces.max() == 2
    assert len(np.unique(tissue.pieces[20:180, 20:180])) == 2
    assert tissue.pieces[80, 80] == 0
    assert tissue.lumen[80, 80]
    assert tissue.pieces[143, 143] > 0
    assert tissue.pieces[33, 303] == 0
    assert (tissue.pieces > 0).sum() == pytest.approx(160**2 - 40**2 + 80**2, rel=0.06)
    assert not tissue.lumen[0, 0]


def test_all_white_has_no_tissue() -> None:
    """An empty field with camera noise: no piece, no lumen."""
    noise = np.random.default_rng(0).normal(240, 2, (200, 200, 3))
    rgb = np.rint(noise).clip(0, 255).astype(np.uint8)
    tissue = find_tissue(rgb, choose_white(rgb), um_per_px=0.5)
    assert tissue.pieces.max() == 0
    assert not tissue.lumen.any()


def stained_field(seed: int = 31) -> DabPhantom:
    return render_dab(seed, scene=DabScene(size_px=(384, 384), uneven_light=0.0, gaps=0.1))


@pytest.mark.parametrize(
    "ink", [(0.05, 0.9, 0.2), (0.9, 0.5, 0.9), (1.8, 1.8, 1.8)], ids=["pink", "green", "black"]
)
def test_ink_is_found_and_tissue_is_not_ink(ink: tuple[float, float, float]) -> None:
    """A pen stroke painted over a rendered field, 40 µm wide: most of it is found, and of the
    unpainted field next to nothing.
    """
    field = stained_field()
    stroke = np.zeros(field.tissue.shape, bool)
    stroke[150:230] = True
    rgb = field.rgb.copy()
    rgb[stroke] = np.rint(rgb[stroke] * 10 ** -np.array(ink)).astype(np.uint8)
    white = choose_white(field.rgb, blank=field.blank).level
    tissue = np.ones(stroke.shape, bool)
    found = find_artefacts(
        rgb, white, separate(rgb, white, StainVectors()), tissue, StainVectors(), um_per_px=0.5
    )
    assert found.ink[stroke].mean() > 0.9
    assert found.ink[~stroke].mean() < 0.02


def test_clean_fields_have_no_artefacts() -> None:
    """Rendered fields of H-DAB alone: no ink, and pigment and folds on less than 0.5 %."""
    for seed, positive in ((41, 0.0), (42, 0.5)):
        field = render_dab(seed, scene=DabScene(positive_fraction=positive, vector_jitter=0.0))
        white = choose_white(field.rgb, blank=field.blank).level
        amounts = separate(field.rgb, white, StainVectors())
        found = find_artefacts(
            field.rgb, white, amounts, field.tissue, StainVectors(), um_per_px=0.5
        )
        assert not found.ink.any()
        assert not found.other_stain
        assert found.share(found.pigment) < 0.005
        assert found.folds[field.tissue].mean() < 0.005


def test_yellow_pigment_is_counted_and_dab_is_not() -> None:
    """Drawn discs of dense yellow-brown 14 degrees off DAB, and as many of DAB: the first are
    pigment over their inner part, the second not at all.
    """
    density = np.zeros((200, 200, 3)) + 0.06 * StainVectors().matrix()[0]
    y, x = np.mgrid[:200, :200]
    disc = {
        name: np.hypot(y - 100, x - centre) < 20 for name, centre in (("old", 50), ("dab", 150))
    }
    density[disc["old"]] += 0.8 * np.array([0.187, 0.374, 0.908])
    density[disc["dab"]] += 0.8 * StainVectors().matrix()[1]
    rgb = painted(density)
    amounts = separate(rgb, WHITE, StainVectors())
    tissue = np.ones(rgb.shape[:2], bool)
    found = find_artefacts(rgb, WHITE, amounts, tissue, StainVectors(), um_per_px=0.5)
    assert found.pigment[disc["old"]].mean() > 0.9
    assert not found.pigment[disc["dab"]].any()
    assert found.share(found.pigment) == pytest.approx(disc["old"].mean(), rel=0.15)


def test_eosin_is_another_stain() -> None:
    """Hematoxylin and eosin by QuPath's default eosin vector: not a slide to score DAB on."""
    density = np.zeros((200, 200, 3)) + 0.5 * np.array([0.2159, 0.8012, 0.5581])
    density[::20] += 0.5 * StainVectors().matrix()[0]
    rgb = painted(density)
    amounts = separate(rgb, WHITE, StainVectors())
    tissue = np.ones(rgb.shape[:2], bool)
    assert find_artefacts(rgb, WHITE, amounts, tissue, StainVectors()).other_stain


def test_fold_is_found_between_nuclei_that_are_not_folds() -> None:
    """Drawn: nuclei of 8 µm at 0.6 OD on 0.08, and a band of 20 µm lying ten times as dense."""
    hematoxylin = np.full((300, 300), 0.08, np.float32)
    y, x = np.mgrid[:300, :300]
    hematoxylin[np.hypot(y % 40 - 20, x % 40 - 20) < 8] = 0.6
    band = (x > 200) & (x < 240)
    hematoxylin[band] = 0.8
    folds = find_folds(hematoxylin, np.ones(band.shape, bool), um_per_px=0.5)
    assert overlap(folds, band) > 0.9


def test_no_tissue_no_folds_no_ink() -> None:
    """Nothing in, nothing out."""
    nothing = np.zeros((50, 50), np.float32)
    assert not find_folds(nothing, nothing > 0, um_per_px=None).any()
    rgb = np.full((50, 50, 3), 240, np.uint8)
    assert not find_ink(rgb, WHITE, nothing > 0, um_per_px=None).any()
    assert optical_density(rgb, WHITE).max() == 0


@pytest.mark.parametrize("share", [0.0, 0.001, 0.6, 1.0])
def test_glass_threshold_by_the_plain_formula(share: float) -> None:
    """Every k-th pixel of the glass by numpy's own selection, its median and absolute deviation."""
    chance = np.random.default_rng(7)
    density = chance.normal(0.002, 0.004, (700, 500)).astype(np.float32)
    glass = chance.random(density.shape) < share
    seen = density[glass]
    seen = seen[:: max(1, seen.size // GLASS_PIXELS)]
    expected = THINNEST_TISSUE_OD[0]
    if seen.size:
        middle = float(np.median(seen))
        spread = NORMAL_MAD * float(np.median(np.abs(seen - middle)))
        expected = float(
            np.clip(middle + GLASS_SIGMAS * spread + GLASS_MARGIN_OD, *THINNEST_TISSUE_OD)
        )
    assert glass_threshold(density, glass) == expected


@pytest.mark.parametrize("shading", [False, True])
def test_ink_looks_at_foreign_pixels_only(shading: bool) -> None:
    """Foreign colours from 0.2 OD on, or black: as when the density of every pixel is taken."""
    chance = np.random.default_rng(8)
    rgb = np.kron(chance.integers(0, 250, (6, 8, 3)), np.ones((60, 60, 1))).astype(np.uint8)
    white = np.array([241.0, 239, 236])
    if shading:
        white = white * np.linspace(0.8, 1, rgb.shape[1])[:, None] * np.ones((len(rgb), 1, 1))
    foreign = np.kron(chance.random((6, 8)) < 0.4, np.ones((60, 60))) > 0
    dense = transmission_density(rgb, white) > INK_OD
    marked = darker_than(rgb, white, 10**-BLACK_OD) | (foreign & dense)
    found = find_ink(rgb, white, foreign, um_per_px=0.5)
    np.testing.assert_array_equal(found, _opened(marked, INK_WIDTH_UM / 0.5))
    assert found.any()
