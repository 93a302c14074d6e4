"""Make the pictures of the README from the demo: an overlay and a figure of the report.

python docs/make_pictures.py xenoquant-demo
"""

import sys
from pathlib import Path

import pandas as pd
from PIL import Image

from xenoquant.pipeline.demo_pictures import DIETS
from xenoquant.stats.figures import group_chart, save_chart

_ANIMAL, _WIDTH_PX = "m20", 900


def main(demo: Path, target: Path) -> None:
    """Write both pictures into a folder."""
    results = demo / "results"
    overlay = Image.open(results / "overlays" / "lungs" / "lungs" / f"{_ANIMAL}.jpg")
    overlay.thumbnail((_WIDTH_PX, _WIDTH_PX))
    overlay.save(target / "overlay.jpg", quality=88)
    text = {"animal": str, "group": str, "group_a": str, "group_b": str}
    animals = pd.read_csv(results / "animals.csv", dtype=text)
    tests = pd.read_csv(results / "comparisons.csv", dtype=text, keep_default_na=True)
    tests[["group_a", "group_b"]] = tests[["group_a", "group_b"]].fillna("")

    def held(table: pd.DataFrame) -> pd.DataFrame:
        return table[(table["assay"] == "lungs") & (table["feature"] == "nodules_per_lobe")]

    chart = group_chart(
        held(animals),
        held(tests),
        groups=[diet.name for diet in DIETS],
        title="Nodules per lobe (rendered images)",
        value_label="nodules per lobe",
    )
    save_chart(chart, target / "figure.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(__file__).parent / "images")
