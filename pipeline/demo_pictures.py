"""The demo's images: what each will show, rendered with its truth."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..imgproc.dab import CUTOFFS_OD, classify_dab, h_score
from ..imgproc.phantoms import (
    DabScene,
    FluorescenceScene,
    LungScene,
    render_dab,
    render_fluorescence,
    render_lungs,
)
from .overlays import write_picture
from .samples import BLANK, NEGATIVE_CONTROL, SAMPLE

FIELDS = 2  # confocal fields an animal
CONTROLS = 3  # images without the specific antibody, for each stain
SEED = 20130307


@dataclass(frozen=True)
class Diet:
    """One group of the demo: mean and standard deviation of what its images are rendered with.

    Nodules per lobe are the paper's (Figure 1C: 13.7, 13.9 and 22.9; SD = SEM √9). For Snai1 and
    ferritin the paper prints no numbers: their direction is the paper's, their size is chosen.
    """

    name: str
    nodules: tuple[float, float]
    snai1: tuple[float, float]
    ferritin: tuple[float, float]


DIETS = (
    Diet("350 ppm", (13.7, 8.1), (0.15, 0.04), (0.60, 0.06)),
    Diet("35 ppm", (13.9, 7.2), (0.20, 0.04), (0.55, 0.06)),
    Diet("3.5 ppm", (22.9, 7.8), (0.45, 0.06), (0.20, 0.05)),
)


@dataclass(frozen=True)
class Picture:
    """One image to render: its row of the sheet, and what to render it with."""

    assay: str
    image: str
    animal: str
    group: str
    role: str
    seed: int
    level: float
    batch: str = ""

    def row(self) -> dict[str, str]:
        """Give the image's row of the sample sheet."""
        identity = {"assay": self.assay, "image": self.image, "animal": self.animal}
        return {**identity, "diet": self.group, "role": self.role, "batch": self.batch}


def plan_pictures(animals: int) -> list[Picture]:
    """Plan every image of the demo: what it is called and what it will show."""
    rng = np.random.default_rng(SEED)
    pictures: list[Picture] = []
    for number, diet in enumerate(DIETS):
        levels = {
            name: _spread(getattr(diet, name), animals, rng)
            for name in ("nodules", "snai1", "ferritin")
        }
        for place in range(animals):
            animal = f"m{number * animals + place + 1:02d}"
            seeds = rng.integers(0, 2**31, FIELDS + 2)
            pictures += _animal_pictures(
                animal, diet.name, [int(s) for s in seeds], {k: v[place] for k, v in levels.items()}
            )
    for place in range(CONTROLS):
        seed = int(rng.integers(0, 2**31))
        igg = f"if/igg_{place + 1}.ome.tif"
        pictures.append(Picture("snai1", igg, "", "", NEGATIVE_CONTROL, seed, 0.0))
        name = f"noprimary_{place + 1}"
        pictures.append(
            Picture("ferritin", f"dab/{name}.jpg", "", "", NEGATIVE_CONTROL, seed, 0.0, name)
        )
    return pictures


def _animal_pictures(
    animal: str, group: str, seeds: Sequence[int], levels: dict[str, float]
) -> list[Picture]:
    lungs = Picture(
        "lungs", f"lungs/{animal}.jpg", animal, group, SAMPLE, seeds[0], levels["nodules"]
    )
    section = Picture(
        "ferritin", f"dab/{animal}.jpg", animal, group, SAMPLE, seeds[1], levels["ferritin"], animal
    )
    fields = [
        Picture(
            "snai1", f"if/{animal}_{i + 1}.ome.tif", animal, group, SAMPLE, seed, levels["snai1"]
        )
        for i, seed in enumerate(seeds[2:])
    ]
    return [lungs, *fields, section]


def _spread(target: tuple[float, float], n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw values whose mean and standard deviation are the target's exactly."""
    scores = rng.standard_normal(n)
    scores = (scores - scores.mean()) / scores.std(ddof=1)
    mean, sd = target
    return np.clip(mean + sd * scores, 0, None)


def rows_of(picture: Picture) -> list[dict[str, str]]:
    """Give an image's row of the sheet, and its blank's where it has one."""
    if picture.assay != "ferritin":
        return [picture.row()]
    blank = {"image": _blank_name(picture), "animal": "", "diet": "", "role": BLANK}
    return [picture.row(), {**picture.row(), **blank}]


def _blank_name(picture: Picture) -> str:
    return picture.image.replace(".jpg", "_blank.png")


def render_picture(job: tuple[Path, Picture]) -> tuple[str, dict[str, float]]:
    """Render one image, write it, and give its name and its true features."""
    directory, picture = job
    file = directory / picture.image
    file.parent.mkdir(parents=True, exist_ok=True)
    return picture.image, _RENDERERS[picture.assay](picture, file)


def _render_lungs(picture: Picture, file: Path) -> dict[str, float]:
    backgrounds = ("black", "blue", "white", "green")
    scene = LungScene(
        nodules=round(picture.level),
        background=backgrounds[picture.seed % len(backgrounds)],  # type: ignore[arg-type]
        ruler=picture.seed % 3 == 0,
        jpeg_quality=None,
    )
    phantom = render_lungs(picture.seed, scene=scene)
    write_picture(phantom.rgb, file)
    seen = int(phantom.table["countable"].sum())
    return {"nodules_per_lobe": float(seen)}


def _render_field(picture: Picture, file: Path) -> dict[str, float]:
    control = picture.role == NEGATIVE_CONTROL
    scene = FluorescenceScene(positive_fraction=picture.level, control=control)
    phantom = render_fluorescence(picture.seed, scene=scene)
    planes = np.stack([phantom.channels["marker"], phantom.channels["nuclei"]])
    _write_field(planes, file, phantom.um_per_px)
    return {"positive_fraction": float(phantom.table["positive"].mean())}


def _write_field(planes: np.ndarray, file: Path, um_per_px: float) -> None:
    import tifffile

    metadata = {
        "axes": "CYX",
        "Channel": {"Name": ["Alexa488", "DAPI"]},
        **{f"PhysicalSize{axis}": um_per_px for axis in "XY"},
        **{f"PhysicalSize{axis}Unit": "µm" for axis in "XY"},
    }
    tifffile.imwrite(file, planes, ome=True, metadata=metadata, compression="zlib")


def _render_section(picture: Picture, file: Path) -> dict[str, float]:
    scene = DabScene(positive_fraction=picture.level, jpeg_quality=None)
    phantom = render_dab(picture.seed, scene=scene)
    write_picture(phantom.rgb, file)
    write_picture(phantom.blank, file.with_name(Path(_blank_name(picture)).name))
    cells = phantom.table.rename(columns={"level_od": "dab_cytoplasm_od"})
    classes = classify_dab(cells, compartment="cytoplasm", cutoffs_od=CUTOFFS_OD)["class"]
    return {"h_score": h_score(classes.to_numpy())}


_RENDERERS: dict[str, Callable[[Picture, Path], dict[str, float]]] = {
    "lungs": _render_lungs,
    "snai1": _render_field,
    "ferritin": _render_section,
}
