"""Channels given the wrong way round: noticed by what DNA is and a marker needn't be."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from xenoquant.imgproc.channel_order import channels_look_swapped
from xenoquant.imgproc.nuclei import segment_nuclei
from xenoquant.imgproc.phantoms import FluorescenceScene, render_fluorescence
from xenoquant.pipeline.readers import read_image

SCENE = FluorescenceScene(size_px=(384, 384))


def looks_swapped(
    nuclei: np.ndarray, marker: np.ndarray, um_per_px: float | None = 0.5
) -> tuple[bool, bool]:
    """Ask about the channels as they are, and the wrong way round."""
    right = channels_look_swapped(nuclei, marker, segment_nuclei(nuclei, um_per_px))
    return right, channels_look_swapped(marker, nuclei, segment_nuclei(marker, um_per_px))


def test_membranes_are_noticed_and_right_ones_are_not() -> None:
    """Rendered field with a membrane marker, given the right and the wrong way round."""
    channels = render_fluorescence(4, scene=replace(SCENE, compartment="membrane")).channels
    assert looks_swapped(channels["nuclei"], channels["marker"]) == (False, True)


def test_membranes_are_noticed_whatever_found_nuclei_in_them() -> None:
    """Round things found anywhere in a membrane's channel, as networks may, don't hide the swap."""
    channels = render_fluorescence(4, scene=replace(SCENE, compartment="membrane")).channels
    elsewhere = segment_nuclei(channels["nuclei"], 0.5)
    for found in (elsewhere, np.roll(elsewhere, 9, axis=1)):
        assert channels_look_swapped(channels["marker"], channels["nuclei"], found)


@pytest.mark.parametrize("positive", [0.1, 0.3, 0.6])
@pytest.mark.parametrize("um_per_px", [0.25, 0.5, 1.0])
def test_a_nuclear_marker_is_noticed(positive: float, um_per_px: float) -> None:
    """Rendered fields of one extent at several pixel sizes, by the share of cells that carry it."""
    side = round(200 / um_per_px)
    scene = replace(SCENE, positive_fraction=positive, um_per_px=um_per_px, size_px=(side, side))
    channels = render_fluorescence(round(10 * positive), scene=scene).channels
    assert looks_swapped(channels["nuclei"], channels["marker"], um_per_px) == (False, True)


@pytest.mark.parametrize("compartment", ["nucleus", "membrane", "cytoplasm"])
@pytest.mark.parametrize("positive", [0.02, 0.5, 0.98])
@pytest.mark.parametrize("dim", [1.0, 0.2])
def test_right_channels_raise_no_alarm(compartment: str, positive: float, dim: float) -> None:
    """Rendered fields of few, many and nearly all cells positive, strong and weak, and IgG."""
    scene = replace(
        SCENE,
        compartment=compartment,
        positive_fraction=positive,
        positive_photons=dim * SCENE.positive_photons,
        control=positive == 0.02,
    )
    channels = render_fluorescence(8, scene=scene).channels
    nuclei, marker = channels["nuclei"], channels["marker"]
    assert not channels_look_swapped(nuclei, marker, segment_nuclei(nuclei, 0.5))


def test_what_all_nuclei_carry_cant_be_told() -> None:
    """By hand: one picture twice, and a marker that lies in all nuclei: never an alarm."""
    nuclei = render_fluorescence(5, scene=SCENE).channels["nuclei"]
    assert looks_swapped(nuclei, nuclei) == (False, False)
    everywhere = replace(SCENE, positive_fraction=1.0)
    channels = render_fluorescence(5, scene=everywhere).channels
    assert looks_swapped(channels["nuclei"], channels["marker"]) == (False, False)


def test_discs_by_hand() -> None:
    """A grid of 100 discs, of which one channel has all and the other every second, fourth and
    twentieth: the order is told from eighty dark ones on, and from fifteen of a hundred not.
    """
    rng = np.random.default_rng(1)
    centres = [(20 + 24 * k, 20 + 24 * j) for k in range(10) for j in range(10)]

    def drawn(some: list[tuple[int, int]]) -> np.ndarray:
        image = np.zeros((260, 260), np.uint8)
        for centre in some:
            cv2.circle(image, centre, 7, 200, -1)
        blurred = cv2.GaussianBlur(image.astype(np.float32), (0, 0), 1.5)
        return np.clip(blurred + rng.normal(30, 2, image.shape), 0, 255).astype(np.uint8)

    everything = drawn(centres)
    for every in (2, 4, 20):
        assert looks_swapped(everything, drawn(centres[::every]), None) == (False, True)
    most = [centre for k, centre in enumerate(centres) if k % 10 != 0]
    assert looks_swapped(everything, drawn(most), None) == (False, False)


@pytest.mark.parametrize("kind", ["empty", "noise", "nan"])
def test_channels_without_nuclei(kind: str) -> None:
    """A blank, a noisy and a broken marker beside real nuclei: no alarm and no error."""
    nuclei = render_fluorescence(6, scene=SCENE).channels["nuclei"].astype(np.float32)
    marker = {
        "empty": np.zeros(nuclei.shape, np.float32),
        "noise": np.random.default_rng(0).normal(0, 1, nuclei.shape).astype(np.float32),
        "nan": np.full(nuclei.shape, np.nan, np.float32),
    }[kind]
    assert not channels_look_swapped(nuclei, marker, segment_nuclei(nuclei, 0.5))
    blank = np.zeros((0, 0), np.float32)
    assert not channels_look_swapped(blank, blank, np.zeros((0, 0), np.int32))


def test_rendered_sections_in_their_order(shared_data: Path) -> None:
    """Fields by another program: no alarm in the right order; nuclear, membrane and IgG swapped
    are noticed.
    """
    for path in sorted((shared_data / "sections_rendered").glob("if_*.ome.tif")):
        image = read_image(path)
        place = [name.lower() for name in image.channel_names].index("dapi")
        nuclei, marker = image.pixels[place], image.pixels[1 - place]
        right, wrong = looks_swapped(nuclei, marker, image.um_per_px)
        assert not right, path.name
        assert wrong or "cytoplasm" in path.name, path.name


def test_annotated_ki67_and_ph3_in_their_order(shared_data: Path) -> None:
    """Real pictures: DAPI beside Ki67 and the nuclear envelope (DeepLIIF), DNA beside pH3 and
    actin (CellProfiler): no alarm in the right order, and the nuclear markers swapped are noticed.
    """
    pairs = {}
    for tile in sorted((shared_data / "ihc_ki67").iterdir()):
        planes = {
            name: cv2.imread(str(tile / f"{name}.png")).max(axis=2)
            for name in ("DAPI", "Marker", "Lap2")
        }
        pairs[f"{tile.name} Ki67"] = planes["DAPI"], planes["Marker"]
        pairs[f"{tile.name} Lap2"] = planes["DAPI"], planes["Lap2"]
    places = sorted((shared_data / "multichannel").glob("*.tif"))
    dna, ph3, actin = (tifffile.imread(path) for path in places)
    pairs |= {"pH3": (dna, ph3), "actin": (dna, actin)}
    for name, (nuclei, marker) in pairs.items():
        right, wrong = looks_swapped(nuclei, marker, None)
        assert not right, name
        assert wrong or ("Ki67" not in name and "pH3" not in name), name
