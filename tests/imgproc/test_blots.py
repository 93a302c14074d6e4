"""Blots and gels: volumes of rendered bands, a ladder of known mass, and what a file reveals."""

import json

import numpy as np
import pytest
import tifffile
from pydantic import ValidationError

from xenoquant.imgproc.blot_background import rolling_ball
from xenoquant.imgproc.blots import BlotOptions, measure_blot
from xenoquant.imgproc.errors import MeasurementError
from xenoquant.imgproc.phantom_blots import BlotPhantom, BlotScene, render_blot

# DNA per band of the ladder's lanes, from the top, in ng (the first ten bands).
LADDER_NG = np.array([40, 40, 48, 40, 32, 120, 40, 57, 45, 122])
CLOSE_PX = 6.0


def measured(phantom: BlotPhantom, **options: object):
    scene = phantom.scene
    return measure_blot(
        phantom.image, lanes=scene.lanes, bands=scene.bands, options=BlotOptions(**options)
    )


def errors(phantom: BlotPhantom, column: str = "volume") -> np.ndarray:
    """Relative error of each rendered band; fails unless each is found once and nothing else."""
    objects = measured(phantom).objects
    assert len(objects) == len(phantom.bands)
    found = []
    for truth in phantom.bands.to_dict("records"):
        near = objects[
            (objects["lane"] == truth["lane"])
            & ((objects["y_px"] - truth["y_px"]).abs() < CLOSE_PX)
            & ((objects["x_px"] - truth["x_px"]).abs() < CLOSE_PX)
        ]
        assert len(near) == 1, truth
        found.append(near[column].item() / truth["volume"] - 1)
    return np.array(found)


SCENES = {
    "level": {},
    "8 bits": {"bit_depth": 8},
    "light": {"bands": "light"},
    "tilted": {"tilt_deg": 2.5},
    "tilted the other way": {"tilt_deg": -3.0},
    "smiling": {"smile_px": 10.0},
    "bent bands": {"lane_smile_px": 4.0},
    "all of it": {"tilt_deg": 2.0, "smile_px": 8.0, "lane_smile_px": 3.0, "bit_depth": 8},
    "twelve lanes": {"lanes": 12, "size_px": (240, 700)},
    "a strip of one row": {"rows": (0.5,), "size_px": (60, 480)},
    "three rows": {"rows": (0.2, 0.5, 0.8), "lane_fill": 0.8},
}


@pytest.mark.parametrize("name", SCENES)
def test_volumes_of_rendered_bands_are_within_3_percent(name):
    """Authority: the rendered bands' own light (rendered images)."""
    every = np.concatenate(
        [errors(render_blot(seed, scene=BlotScene(**SCENES[name]))) for seed in (11, 12)]
    )
    print(f"{name}: median {np.median(np.abs(every)):.4f}, largest {np.abs(every).max():.4f}")
    assert np.abs(every).max() < 0.03


def test_without_noise_and_slope_local_and_global_agree_with_the_truth():
    """Authority: the rendered bands; what is left is the tail beyond three SDs."""
    phantom = render_blot(3, scene=BlotScene(noise=0.0, slope=0.0))
    assert np.abs(errors(phantom, "volume_local")).max() < 0.003
    assert np.abs(errors(phantom, "volume_global")).max() < 0.003


def test_a_large_rolling_ball_agrees_with_the_truth():
    """Authority: as before; a ball of 50 px takes part of a faint band, one of 300 px doesn't."""
    phantom = render_blot(3, scene=BlotScene(noise=0.0))
    volumes = {
        radius: measured(phantom, background="rolling_ball", rolling_ball_px=radius).objects
        for radius in (50.0, 300.0)
    }
    truth = phantom.bands["volume"].sum()
    small, large = (volumes[radius]["volume"].sum() / truth - 1 for radius in (50.0, 300.0))
    print(f"ball of 50 px {small:.3f}, of 300 px {large:.3f}")
    assert -0.15 < small < large
    assert abs(large) < 0.03


def test_a_rolling_ball_lies_under_the_surface_and_keeps_a_plane():
    """Authority: an opening is never above the image, and a slow plane is its own background."""
    rows, columns = np.mgrid[:100, :120].astype(np.float32)
    plane = 20 + 0.05 * rows + 0.02 * columns
    ball = rolling_ball(plane, radius_px=20.0, level_per_px=1.0)
    assert np.abs(ball - plane)[25:-25, 25:-25].max() < 0.3
    spotted = plane.copy()
    spotted[48:52, 50:70] += 100
    under = rolling_ball(spotted, radius_px=20.0, level_per_px=1.0)
    assert under[50, 60] < plane[50, 60] + 5


@pytest.mark.parametrize("background", ["local", "global", "rolling_ball"])
def test_the_straight_gels_volumes_rise_with_mass(shared_data, background):
    """Authority: the ladder's mass a band; R² of the linear fit over ten bands in each lane."""
    image = tifffile.imread(shared_data / "gels" / "ladder_reference_gel.tif")
    found = measure_blot(
        image, lanes=4, bands="light", options=BlotOptions(background=background)
    ).objects
    for lane, held in found.groupby("lane"):
        volume = held.sort_values("y_px")["volume"].to_numpy()[:10]
        r = np.corrcoef(LADDER_NG, volume)[0, 1]
        print(f"{background}, lane {lane}: {len(held)} bands, R² {r**2:.4f}")
        assert r**2 >= 0.9
        assert r > 0


def test_the_bent_gels_first_lane(shared_data):
    """Authority: the same masses on an overheated gel, whose bands lean by 10 px a lane."""
    image = tifffile.imread(shared_data / "gels" / "overheated_ref.tif")
    found = measure_blot(image, lanes=2, bands="light")
    volume = found.objects[found.objects["lane"] == 1]["volume"].to_numpy()[:10]
    r = np.corrcoef(LADDER_NG, volume)[0, 1]
    print(f"R² {r**2:.4f}, bend {found.regions['bend_px'][0]:.1f} px")
    assert r**2 >= 0.9
    assert found.regions["bend_px"][0] > 5


def test_dark_and_light_give_the_same_numbers():
    """Authority: symmetry; one image is the other's negative."""
    dark = render_blot(5)
    light = 65535 - dark.image
    first = measure_blot(dark.image, lanes=6, bands="dark").objects
    second = measure_blot(light, lanes=6, bands="light").objects
    assert first.equals(second)


def test_numbers_rise_with_the_light():
    """Authority: volumes are sums; ten times the peak is ten times the volume."""
    scene = BlotScene(lanes=3, rows=(0.5,), peaks=((0.05, 0.1, 0.5),), noise=0.001)
    volume = measured(render_blot(0, scene=scene)).objects["volume"].to_numpy()
    assert volume / volume[0] == pytest.approx([1, 2, 10], rel=0.03)


def test_saturated_bands_are_marked_and_no_others():
    """Authority: what was clipped in rendering."""
    peaks = ((0.3, 1.2, 0.5, 0.7), (0.2, 0.6, 1.5, 0.4))
    for bits in (8, 16):
        scene = BlotScene(lanes=4, peaks=peaks, bit_depth=bits)
        phantom = render_blot(1, scene=scene)
        found = measured(phantom)
        order = phantom.bands.sort_values(["lane", "row"])["clipped_fraction"].to_numpy()
        assert (found.objects["saturated"].to_numpy() == (order > 0)).all()
        assert "saturated" in found.flags
    assert "saturated" not in measured(render_blot(1)).flags


def test_a_ceiling_below_full_scale_is_seen():
    """Authority: a 12-bit camera in a 16-bit file clips at 4095."""
    scene = BlotScene(lanes=2, rows=(0.5,), peaks=((1.3, 0.3),), bands="light")
    image = np.minimum(render_blot(0, scene=scene).image // 16, 4095).astype(np.uint16)
    found = measure_blot(image, lanes=2, bands="light")
    assert found.notes["saturation_level"] == 4095
    assert found.objects["saturated"].tolist() == [True, False]


FLAGS = {
    "jpeg_blocks": {"bit_depth": 8, "jpeg_quality": 80},
    "rescaled_contrast": {"bit_depth": 8, "bands": "light", "contrast": 1.4},
    "spliced": {"splice_after_lane": 3},
    "background_clipped": {"bit_depth": 8, "background": -0.01, "slope": 0.0},
}


@pytest.mark.parametrize("flag", FLAGS)
def test_what_was_done_to_the_file_is_flagged(flag):
    """Authority: what was done in rendering; clean images of the same kind carry no flag."""
    for seed in (1, 2):
        assert measured(render_blot(seed, scene=BlotScene(**FLAGS[flag]))).flags == (flag,)
    for bits in (8, 16):
        assert measured(render_blot(1, scene=BlotScene(bit_depth=bits))).flags == ()


def test_a_splice_is_placed():
    """Authority: the column between lanes 3 and 4 where the rendered background jumps."""
    scene = BlotScene(splice_after_lane=3)
    [column] = measured(render_blot(1, scene=scene)).notes["splices_px"]
    steps = np.diff(
        render_blot(1, scene=BlotScene(splice_after_lane=3, noise=0.0)).image[5].astype(int)
    )
    assert column == int(np.argmax(np.abs(steps)))


@pytest.mark.parametrize("blank", [(3,), (1,), (5,), (1, 4), (2, 3)])
def test_blank_lanes_keep_the_count(blank):
    """Authority: the rendered lanes; the image ends where another arrangement wouldn't fit."""
    peaks = [0.5, 0.3, 0.45, 0.4, 0.2]
    for lane in blank:
        peaks[lane - 1] = 0.0
    phantom = render_blot(2, scene=BlotScene(lanes=5, rows=(0.5,), peaks=(tuple(peaks),)))
    found = measured(phantom)
    assert found.regions["bands"].tolist() == [0 if n in blank else 1 for n in range(1, 6)]
    assert np.abs(errors(phantom)).max() < 0.03


def test_lanes_that_cant_be_placed_are_refused():
    """Authority: with wide margins a blank lane may lie on either side; a number is a guess."""
    scene = BlotScene(lanes=5, rows=(0.5,), peaks=((0.0, 0.3, 0.5, 0.4, 0.2),), noise=0.0)
    wide = np.pad(render_blot(2, scene=scene).image, ((0, 0), (200, 200)), mode="edge")
    with pytest.raises(MeasurementError, match="5 lanes were expected, and 4") as caught:
        measure_blot(wide, lanes=5)
    assert "lane sheet" in caught.value.remedy
    with pytest.raises(MeasurementError, match="3 lanes were expected, and 6"):
        measure_blot(render_blot(2).image, lanes=3)


def test_without_a_count_the_lanes_with_bands_are_counted():
    phantom = render_blot(2)
    assert len(measure_blot(phantom.image, lanes=None).regions) == phantom.scene.lanes


def test_a_blank_blot_is_a_measurement_of_no_band():
    """Authority: nothing was rendered; tables keep their columns and types."""
    blank = render_blot(0, scene=BlotScene(rows=()))
    full = measured(render_blot(0))
    for image in (blank.image, np.full((100, 200), 200, np.uint8)):
        found = measure_blot(image, lanes=6)
        assert found.objects.empty
        assert "no_band" in found.flags
        assert (found.objects.dtypes == full.objects.dtypes).all()
        assert (found.regions.dtypes == full.regions.dtypes).all()
        assert found.profiles["band_rows"].shape == (0, 2)


def test_labels_profiles_and_notes_agree_with_the_tables():
    """Authority: the contract of a Measurement."""
    found = measured(render_blot(4, scene=BlotScene(tilt_deg=2.0)))
    numbers = np.unique(found.labels["bands"])
    assert numbers.tolist() == [0, *found.objects["object"]]
    areas = np.bincount(found.labels["bands"].ravel())[1:]
    assert areas.tolist() == found.objects["area_px"].tolist()
    for row in found.objects.to_dict("records"):
        y, x = round(row["y_px"]), round(row["x_px"])
        assert found.labels["bands"][y, x] == row["object"]
        assert found.labels["lanes"][y, x] == row["lane"]
    assert found.profiles["lane_profiles"].shape == (6, 240)
    assert found.labels["bands"].dtype == np.int32
    assert json.loads(json.dumps(found.notes)) == found.notes


def test_touching_bands_are_marked():
    """Authority: rows 7 px apart with an SD of 3.5 px run together where both are seen."""
    scene = BlotScene(rows=(0.4, 0.45), peaks=((0.4,) * 4, (0.4,) * 4), lanes=4, noise=0.001)
    found = measured(render_blot(1, scene=scene))
    assert "touching_bands" in found.flags
    assert found.objects["touching"].all()


def test_the_same_image_gives_the_same_numbers_and_is_left_alone():
    phantom = render_blot(6)
    before = phantom.image.copy()
    first, second = measured(phantom), measured(phantom)
    assert first.objects.equals(second.objects)
    assert (phantom.image == before).all()


@pytest.mark.parametrize(
    "image",
    [np.zeros((50, 50, 3), np.uint8), np.zeros((50, 50), float), np.zeros((8, 50), np.uint8)],
    ids=["colour", "float", "too small"],
)
def test_what_isnt_a_grey_scan_is_refused(image):
    with pytest.raises(MeasurementError):
        measure_blot(image, lanes=2)


def test_options_that_cant_be():
    for options in ({"background": "none"}, {"rolling_ball_px": 0}, {"faintest_band": 1.5}):
        with pytest.raises(ValidationError):
            BlotOptions(**options)
