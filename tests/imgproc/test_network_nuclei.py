"""Nuclei by the network: against rendered truth, hand-made maps, and its own other ways."""

import hashlib
import importlib.resources
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from xenoquant.imgproc.errors import MeasurementError
from xenoquant.imgproc.network_nuclei import NetworkSegmenter, network_nuclei
from xenoquant.imgproc.nuclei import segment_nuclei
from xenoquant.imgproc.nucleus_network import (
    CHECKSUM,
    WEIGHTS,
    Levels,
    NucleusMaps,
    drawn_maps,
    evened,
    session_of,
    shipped_session,
)
from xenoquant.imgproc.nucleus_votes import _votes, decoded, enlarged
from xenoquant.imgproc.phantoms import FluorescenceScene, render_fluorescence


def _hits(labels: np.ndarray, truth: np.ndarray, least: float) -> int:
    """Pairs of objects that overlap (IoU) by more than `least`."""
    n, m = int(truth.max()), int(labels.max())
    pairs = np.bincount((truth.astype(np.int64) * (m + 1) + labels).ravel(),
                        minlength=(n + 1) * (m + 1)).reshape(n + 1, m + 1)  # fmt: skip
    union = pairs.sum(1)[1:, None] + pairs.sum(0)[None, 1:] - pairs[1:, 1:]
    return int(np.count_nonzero(pairs[1:, 1:] / np.maximum(union, 1) > least))


def _precision(labels: np.ndarray, truth: np.ndarray, least: float) -> float:
    """TP / (TP + FP + FN) of objects that overlap by more than `least`."""
    hits = _hits(labels, truth, least)
    objects = sum(len(np.unique(x[x > 0])) for x in (labels, truth))
    return hits / max(objects - hits, 1)


@pytest.fixture(scope="module")
def field() -> np.ndarray:
    """A rendered nuclear channel, 300 × 340, nuclei of 16 px."""
    scene = FluorescenceScene(size_px=(300, 340), um_per_px=0.5)
    return render_fluorescence(4, scene=scene).channels["nuclei"]


@pytest.fixture(scope="module")
def found(field: np.ndarray) -> np.ndarray:
    return network_nuclei(field, 0.5)


@pytest.mark.parametrize("um_per_px", [0.15, 0.25, 0.5, 1.0])
@pytest.mark.parametrize("known", [True, False])
def test_rendered_nuclei_are_found_at_every_scale(um_per_px: float, known: bool) -> None:
    """Truth of the phantom, which no weight was learned from; scale given, or found by itself."""
    scene = FluorescenceScene(um_per_px=um_per_px, nuclei_log_sd=0.5, uneven_background=0.8)
    phantom = render_fluorescence(11, scene=scene)
    labels = network_nuclei(phantom.channels["nuclei"], um_per_px if known else None)
    scores = [_precision(labels, phantom.nuclei, least) for least in (0.5, 0.75)]
    print(f"{um_per_px} µm/px, scale {'known' if known else 'unknown'}: AP (rendered) {scores}")
    assert scores[0] > 0.8
    assert scores[1] > 0.7


@pytest.mark.parametrize("tile_px", [96, 160])
def test_every_tiling_gives_the_same_labels(
    field: np.ndarray, found: np.ndarray, tile_px: int
) -> None:
    """One tile is the authority."""
    np.testing.assert_array_equal(network_nuclei(field, 0.5, tile_px=tile_px), found)


@pytest.mark.parametrize(
    ("factor", "dtype"),
    [(2**-4, np.uint8), (16, np.uint16), (2**18, np.uint32), (2**-12, np.float32), (1, ">u2")],
)
def test_bit_depth_does_not_matter(
    field: np.ndarray, found: np.ndarray, factor: float, dtype: object
) -> None:
    """The same light in other counts: powers of two change no rounding. 8 bits lose grey levels."""
    image = (field.astype(np.float64) * factor).astype(dtype)
    labels = network_nuclei(image, 0.5)
    if dtype is np.uint8:
        assert _precision(labels, found, 0.75) > 0.9
    else:
        np.testing.assert_array_equal(labels, found)


def test_labels_are_int32_one_to_n_without_gaps(found: np.ndarray) -> None:
    """The segmenters' protocol."""
    assert found.dtype == np.int32
    assert found.max() > 20
    np.testing.assert_array_equal(np.unique(found), np.arange(found.max() + 1))


def test_what_is_not_a_number_is_background(field: np.ndarray, found: np.ndarray) -> None:
    """A patch of NaN gives what a dark patch gives, and no nucleus in it."""
    image = field.astype(np.float64)
    image[100:160, 100:180] = np.nan
    dark = np.where(np.isnan(image), np.nanmin(image), image)
    labels = network_nuclei(image, 0.5)
    np.testing.assert_array_equal(labels, network_nuclei(dark, 0.5))
    assert not labels[110:150, 110:170].any()
    assert _precision(labels[180:], found[180:], 0.75) > 0.9
    assert not network_nuclei(np.full((64, 64), np.nan)).any()


@pytest.mark.parametrize("shape", [(0, 0), (0, 9), (1, 40), (20, 20), (64, 64)])
def test_an_even_image_has_no_nucleus(shape: tuple[int, int]) -> None:
    """Nothing to see, at any size, is an honest zero."""
    labels = network_nuclei(np.full(shape, 100, np.uint16), 0.5)
    assert labels.shape == shape
    assert not labels.any()


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("um_per_px", [0.5, None])
def test_noise_alone_has_no_nucleus(seed: int, um_per_px: float | None) -> None:
    """Poisson noise of an empty field: there is nothing to find."""
    image = np.random.default_rng(seed).poisson(50, (256, 256)).astype(np.uint16)
    assert network_nuclei(image, um_per_px).max() == 0


def test_one_nucleus_on_twenty_pixels_is_found() -> None:
    """A disc of radius 6 drawn by hand."""
    y, x = np.indices((20, 20))
    disc = (y - 10) ** 2 + (x - 9) ** 2 <= 36
    labels = network_nuclei(np.where(disc, 200, 10).astype(np.uint8), 0.7)
    assert _precision(labels, disc.astype(np.int32), 0.7) == 1.0


@pytest.mark.parametrize("image", [np.zeros((9, 9, 3)), np.zeros(9), np.zeros((9, 9), complex)])
def test_what_is_no_plane_is_refused(image: np.ndarray) -> None:
    with pytest.raises(MeasurementError, match="one 2-D plane of real numbers") as caught:
        network_nuclei(image, 0.5)
    assert "choose one channel" in caught.value.remedy


def test_a_diameter_needs_a_pixel_size(field: np.ndarray) -> None:
    with pytest.raises(MeasurementError, match="can't be looked for"):
        network_nuclei(field, None, diameter_um=8)


def test_the_segmenter_is_the_function(field: np.ndarray) -> None:
    expected = network_nuclei(field, 0.5, diameter_um=8.0)
    np.testing.assert_array_equal(NetworkSegmenter(8.0)(field, 0.5), expected)


def _shipped() -> bytes:
    return importlib.resources.files("xenoquant.data").joinpath(WEIGHTS.name).read_bytes()


def test_the_weights_are_those_that_were_measured() -> None:
    """The checksum in the code is that of the file, which the model card names too."""
    assert hashlib.sha256(_shipped()).hexdigest() == CHECKSUM
    card = importlib.resources.files("xenoquant.data").joinpath("weights/nuclei.md")
    assert CHECKSUM in card.read_text(encoding="utf-8")


def test_missing_and_damaged_weights_are_said() -> None:
    with pytest.raises(MeasurementError, match="not in this installation") as caught:
        WEIGHTS.checked(None)
    assert "install the program again" in caught.value.remedy
    damaged = bytearray(_shipped())
    damaged[len(damaged) // 2] ^= 1
    with pytest.raises(MeasurementError, match="damaged: SHA-256"):
        WEIGHTS.checked(bytes(damaged))
    with pytest.raises(MeasurementError, match="can't be read"):
        session_of(_shipped()[:1000])


def test_the_package_stays_small() -> None:
    """A wheel below 10 MB: all of its files, compressed as a wheel's are."""
    root = Path(__file__).resolve().parents[2]
    rooms = ("imgproc", "stats", "pipeline", "napari_plugin", "data")
    files = [
        file
        for room in rooms
        for file in (root / room).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    ]
    packed = sum(len(zlib.compress(file.read_bytes())) for file in files)
    print(f"{packed / 1e6:.1f} MB of files, compressed")
    assert packed < 9.5e6


def test_the_network_loads_quickly() -> None:
    """Under 0.3 s of a fresh process's own time, onnxruntime's import apart."""
    program = (
        "import time, onnxruntime\n"
        "from xenoquant.imgproc.nucleus_network import shipped_session\n"
        "start = time.process_time()\n"
        "shipped_session()\n"
        "print(time.process_time() - start)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    print(f"loaded in {float(done.stdout):.3f} s")
    assert float(done.stdout) < 0.3


def _maps_of(labels: np.ndarray) -> NucleusMaps:
    """The maps of a network that is always right."""
    y, x = np.indices(labels.shape)
    way = np.zeros((2, *labels.shape))
    for number in range(1, labels.max() + 1):
        mask = labels == number
        for axis, place in enumerate((y, x)):
            way[axis][mask] = place[mask].mean() - place[mask]
    inside = np.where(labels > 0, 255, 0).astype(np.uint8)
    nothing = np.zeros_like(inside)
    return NucleusMaps(inside, nothing, nothing, np.rint(way / 10 * 1024).astype(np.int16))


def _touching() -> np.ndarray:
    """Three touching discs, and one alone at the edge."""
    y, x = np.indices((90, 90))
    labels = np.zeros((90, 90), np.int32)
    for number, (cy, cx) in enumerate([(30, 30), (30, 50), (48, 40), (70, 88)], start=1):
        labels[((y - cy) ** 2 + (x - cx) ** 2 <= 100) & (labels == 0)] = number
    return labels


def test_right_maps_give_back_the_labels() -> None:
    """The truth is drawn by hand; votes put every pixel where it belongs."""
    truth = _touching()
    labels = decoded(_maps_of(truth))
    assert labels.max() == 4
    assert _precision(labels, truth, 0.97) == 1.0


def test_labels_are_enlarged_with_smooth_outlines() -> None:
    """Discs of radius 10, drawn 2.5 times as large, are discs of radius 25.6: area within 4 %."""
    truth = _touching()[:66, :66]
    maps = _maps_of(truth)
    labels = enlarged(decoded(maps), maps, (165, 165))
    expected = np.bincount(truth.ravel())[1:] * 2.5**2
    np.testing.assert_allclose(
        np.sort(np.bincount(labels.ravel())[1:]), np.sort(expected), rtol=0.04
    )


def test_votes_are_the_plain_sum() -> None:
    """Equal to adding each pixel's four shares one by one with numpy."""
    rng = np.random.default_rng(3)
    inside = rng.random((40, 50)) < 0.6
    way = rng.normal(0, 6, (2, 40, 50)).astype(np.float32)
    y, x = np.nonzero(inside)
    v, u = np.clip(y + way[0][inside], 0, 39), np.clip(x + way[1][inside], 0, 49)
    plain = np.zeros((41, 51))
    for dy in (0, 1):
        for dx in (0, 1):
            share = np.abs(1 - dy - v % 1) * np.abs(1 - dx - u % 1)
            np.add.at(plain, (v.astype(int) + dy, u.astype(int) + dx), share)
    np.testing.assert_allclose(_votes(inside, way), plain[:40, :50], atol=1e-4)


def test_dim_objects_and_fragments_are_left_out() -> None:
    """Of four right nuclei, one is made unsure and one cut to a sliver."""
    truth = _touching()
    maps = _maps_of(truth)
    maps.foreground[truth == 1] = 140
    maps.foreground[(truth == 4) & (np.indices(truth.shape)[0] > 61)] = 0
    assert decoded(maps).max() == 2


def test_evened_images_are_the_same_at_any_gain_and_offset(field: np.ndarray) -> None:
    """By hand: (a·I + b) has the same percentiles' shares as I."""
    np.testing.assert_allclose(evened(field * 3.0 + 70.0), evened(field), atol=1e-5)


def test_a_part_is_lit_as_the_slide_it_belongs_to(field: np.ndarray) -> None:
    """The slide holds the rendered field, and once more at 1/2000 of its brightness.

    Alone, the faint part is stretched until its specks are nuclei; by the slide's levels it has
    none, as in the slide searched in one go. The bright part is as it is alone.
    """
    dark = np.percentile(field, 1)
    faint = (dark + (field - dark) / 2000).astype(np.float32)
    levels = Levels.of([field, faint])
    alone, by_slide = network_nuclei(faint, 0.5), network_nuclei(faint, 0.5, levels=levels)
    assert alone.max() > 50
    assert by_slide.max() == 0
    bright = network_nuclei(field, 0.5, levels=levels)
    assert _precision(bright, network_nuclei(field, 0.5), 0.75) > 0.95


def test_levels_of_one_plane_are_its_own(field: np.ndarray) -> None:
    """By hand: first percentile to 0, and 99.8th to 1, where noise is small."""
    levels = Levels.of([field])
    low, high = np.percentile(field, (1, 99.8))
    assert (levels.dark, levels.reach) == pytest.approx((low, high - low))
    np.testing.assert_array_equal(evened(field, levels), evened(field))
    assert Levels.of([]).reach == Levels.of([np.full((9, 9), 7)]).reach == 0


def test_maps_have_the_shape_of_the_plane() -> None:
    maps = drawn_maps(np.zeros((37, 53), np.float32), shipped_session())
    assert maps.foreground.shape == maps.edge.shape == maps.distance.shape == (37, 53)
    assert maps.way.shape == (2, 37, 53)


@pytest.mark.shared_data
def test_annotated_fields_held_out(shared_data: Path) -> None:
    """Annotations of BBBC038: fields held out, which nothing was learned from or chosen on.

    The classical method is the bar: the network is the default because it finds more nuclei right,
    with outlines as near.
    """
    folder = shared_data / "nuclei_dsb2018"
    split = pd.read_csv(Path(__file__).resolve().parents[2] / "data/weights/nuclei.split.csv")
    names = sorted(split.loc[split["part"] == "test", "name"])
    scores = {}
    for find in (network_nuclei, segment_nuclei):
        hits, objects = np.zeros(2), 0
        for name in names:
            image, truth = (
                cv2.imread(str(folder / part / f"{name}.png"), cv2.IMREAD_UNCHANGED)
                for part in ("images", "labels")
            )
            labels, truth = find(image), truth.astype(np.int64)
            hits += [_hits(labels, truth, least) for least in (0.5, 0.75)]
            objects += sum(len(np.unique(x[x > 0])) for x in (labels, truth))
        scores[find.__name__] = hits / (objects - hits)
        print(f"{len(names)} images, {find.__name__}: AP {scores[find.__name__].round(3)}")
    network, classical = scores["network_nuclei"], scores["segment_nuclei"]
    assert network[0] > classical[0]
    assert network[1] > classical[1] - 0.01
    assert (network > (0.87, 0.7)).all()
