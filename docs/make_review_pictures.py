"""Makes the pictures of docs/review.md: the review window, reviewed by hand on rendered images.

    xvfb-run -a -s "-screen 0 1400x1000x24" python docs/make_review_pictures.py STUDY

STUDY is a demo that has been run; it is copied, and the copy is reviewed.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

import napari

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / "napari_plugin"), str(ROOT / "tests" / "helpers")]
from conftest import write_slide_study  # noqa: E402
from review_driver import Desk, Key  # noqa: E402
from viewer_hands import settle, wait_for  # noqa: E402

from xenoquant.pipeline.run import RunOptions, run_study  # noqa: E402

IMAGES = ROOT / "docs" / "images"


def photograph(viewer: napari.Viewer, name: str) -> None:
    """Save the window as a picture of 256 colours, which is enough for it and keeps it small."""
    from PIL import Image

    settle(20)
    shot = viewer.screenshot(canvas_only=False, flash=False)
    picture = Image.fromarray(shot).convert("RGB").quantize(256)
    picture.save(IMAGES / name, optimize=True)


def review_lungs(viewer: napari.Viewer, study: Path) -> None:
    """Correct a photo: one nodule added, one deleted, a region marked."""
    desk = Desk(viewer, study, seed=3, assays=("lungs",))
    hands = desk.hands
    viewer.camera.zoom *= 1.6
    settle(10)
    y, x = desk.middle(desk.numbers()[1])
    hands.controller.look_at(y, x)
    settle(10)
    hands.hover(y, x)
    hands.key(Key.Key_D)
    hands.key(Key.Key_A)
    hands.drag([(y + 40, x - 30), (y + 40, x - 18)])
    hands.key(Key.Key_A)
    wait_for(lambda: "measured" in desk.widget.features.value, "measuring")
    photograph(viewer, "review-lungs.png")
    desk.close()


def review_cells(viewer: napari.Viewer, study: Path) -> None:
    """Class a cell of a section, with the classes filled in colour."""
    desk = Desk(viewer, study, seed=3, assays=("ferritin",))
    hands = desk.hands
    y, x = desk.middle(desk.numbers()[0])
    viewer.camera.zoom *= 2.5
    hands.controller.look_at(y, x)
    settle(10)
    hands.hover(y, x)
    hands.key(Key.Key_T)
    wait_for(lambda: "measured" in desk.widget.features.value, "measuring")
    photograph(viewer, "review-cells.png")
    desk.close()


def review_slide(viewer: napari.Viewer, study: Path) -> None:
    """Mark a part of a slide's tissue as not assessable, with the cells that were found."""
    write_slide_study(study)
    run_study(study, RunOptions(jobs=1))
    desk = Desk(viewer, study, seed=3)
    hands = desk.hands
    y, x = desk.middle(1)
    hands.key(Key.Key_I)
    hands.drag([(y - 15, x - 15), (y - 19, x + 4), (y - 2, x + 9), (y + 1, x - 12)])
    hands.key(Key.Key_I)
    viewer.camera.zoom *= 3.2
    hands.controller.look_at(y, x)
    settle(40)
    photograph(viewer, "review-slide.png")
    desk.close()


def tune(viewer: napari.Viewer, study: Path) -> None:
    """Preview the nodules of the visible part of a photo."""
    viewer.open(str(study / "lungs" / "m01.jpg"), plugin="xenoquant")
    for layer in list(viewer.layers)[1:]:
        viewer.layers.remove(layer)
    _, widget = viewer.window.add_plugin_dock_widget("xenoquant", "Count nodules")
    viewer.camera.zoom *= 1.5
    widget.study.value = study
    widget.assay.value = "lungs"
    widget.load.native.click()
    widget.preview.value = True
    wait_for(lambda: "preview nodules" in viewer.layers, "a preview")
    wait_for(lambda: widget.message.value.startswith("preview"), "its numbers")
    photograph(viewer, "tuning.png")
    viewer.window.remove_dock_widget("all")


def main() -> None:
    """Make all pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", type=Path)
    with tempfile.TemporaryDirectory() as desk:
        study = Path(shutil.copytree(parser.parse_args().study, Path(desk) / "study"))
        viewer = napari.Viewer()
        viewer.window.resize(1380, 980)
        settle(10)
        review_lungs(viewer, study)
        review_cells(viewer, study)
        review_slide(viewer, Path(desk) / "slide")
        tune(viewer, study)
        viewer.close()


if __name__ == "__main__":
    main()
