"""How long a large image takes to open in review, and a correction to show, against napari alone.

    xvfb-run -a -s "-screen 0 1400x1000x24" python benchmarks/review.py

Renders 5,000 nuclei on 2,000 × 2,000 pixels, and opens the same picture and labels in a plain
viewer and in review, in one process. Each correction ends when the canvas has been drawn; beside it
stands what napari alone takes to change as many pixels of the same layers and draw them. Times are
of the wall and of the processor, which leaves out what other work took on a busy machine. Without a
graphics card the processor draws, too: the time before the drawing is printed apart.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import napari
import numpy as np
from qtpy.QtWidgets import QApplication

from xenoquant.imgproc.cells import expand_cells
from xenoquant.imgproc.measurement import Measurement
from xenoquant.napari_plugin._review_layers import ReviewLayers
from xenoquant.napari_plugin.image_review import ImageReview
from xenoquant.napari_plugin.numbers import quick_numbers
from xenoquant.napari_plugin.session import OpenImage
from xenoquant.pipeline.assay import Correctable
from xenoquant.pipeline.readers import Image
from xenoquant.pipeline.review_folder import ImageFacts

CELLS = Correctable("nuclei", grown="cells", classes=("negative", "positive"))


def picture(count: int, size: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Give a picture with that many nuclei on a grid, and their labels."""
    side = int(np.ceil(np.sqrt(count)))
    step = size / side
    rows, columns = np.mgrid[:size, :size]
    row, column = (rows // step).astype(int), (columns // step).astype(int)
    inside = np.hypot(rows % step - step / 2, columns % step - step / 2) <= 0.3 * step
    number = row * side + column + 1
    nuclei = np.where(inside & (number <= count), number, 0).astype(np.int32)
    light = 40 + 150 * (nuclei > 0) + np.random.default_rng(0).integers(0, 40, nuclei.shape)
    rgb = np.repeat(light.astype(np.uint8)[..., None], 3, axis=2)
    return rgb, {"nuclei": nuclei, "cells": expand_cells(nuclei, 0.15 * step)}


def timed(act: Callable[[], object]) -> tuple[float, float, object]:
    """Give seconds of the wall and of the processor, and what came of it."""
    wall, processor = time.perf_counter(), time.process_time()
    result = act()
    return time.perf_counter() - wall, time.process_time() - processor, result


def drawn(viewer: napari.Viewer) -> None:
    """Draw the canvas now, and wait until it is done."""
    QApplication.processEvents()
    viewer.window._qt_viewer.canvas._scene_canvas._draw_scene()
    QApplication.processEvents()


def open_plainly(viewer: napari.Viewer, rgb: np.ndarray, labels: dict[str, np.ndarray]) -> None:
    """Add the same layers as review does, with napari alone."""
    viewer.add_image(rgb, rgb=True, scale=(0.5, 0.5), units=("um", "um"))
    blind = np.zeros_like(labels["nuclei"])
    for held in (
        blind,
        labels["cells"],
        labels["nuclei"],
        labels["nuclei"] % 2 + (labels["nuclei"] > 0),
    ):
        layer = viewer.add_labels(held.copy(), scale=(0.5, 0.5), units=("um", "um"))
        layer.contour = 1
    drawn(viewer)


def paint_plainly(viewer: napari.Viewer, labels: dict[str, np.ndarray]) -> None:
    """Change one object in all label layers with napari alone."""
    number = int(np.median(labels["nuclei"][labels["nuclei"] > 0]))
    places = np.nonzero(labels["cells"] == number)
    for layer in list(viewer.layers)[1:]:
        layer.data_setitem(places, 1 - int(layer.data[places][0] > 0))


def open_in_review(
    viewer: napari.Viewer, folder: Path, rgb: np.ndarray, labels: dict[str, np.ndarray]
) -> ReviewLayers:
    """Open the picture in review, from its pixels and label images in memory on."""
    import pandas as pd

    facts = ImageFacts("stain", "a.png", "f" * 64, labels["nuclei"].shape, 0.5)
    review = ImageReview(folder, "ann", facts, labels, CELLS, cell_distance_px=4)
    image = Image(rgb, "rgb", ("red", "green", "blue"), 0.5, 8)
    program = Measurement(pd.DataFrame(), pd.DataFrame(), labels)
    opened = OpenImage(None, image, program, review, 0.5)  # type: ignore[arg-type]
    classes = {n: n % 2 for n in review.index.numbers("nuclei")}
    layers = ReviewLayers(viewer, opened, classes, "image")
    drawn(viewer)
    return layers


def corrections(review: ImageReview, repeat: int) -> dict[str, list[Callable[[], object]]]:
    """Give acts of each kind, each on objects of its own."""
    edit, numbers = review.edit, review.index.numbers("nuclei")
    spread = numbers[:: max(1, len(numbers) // (6 * repeat))]
    middle = {}
    for number in spread:
        window = review.index.window("nuclei", number)
        middle[number] = tuple((s.start + s.stop - 1) / 2 for s in window)

    def kind(k: int) -> list[int]:
        return spread[k * repeat : (k + 1) * repeat]

    def line(n: int) -> list[tuple[float, float]]:
        y, x = middle[n]
        return [(y - 15, x), (y + 15, x)]

    return {
        "delete": [lambda n=n: review.do("delete", edit.delete([n])) for n in kind(0)],
        "merge": [lambda n=n: review.do("merge", edit.merge([n, n + 1])) for n in kind(1)],
        "split": [lambda n=n: review.do("split", edit.split_by_line(line(n))) for n in kind(2)],
        "reclassify": [
            lambda n=n: review.do("reclassify", edit.reclassify([n], 1 - n % 2)) for n in kind(3)
        ],
        "add": [
            lambda n=n: review.do("add", edit.add(middle[n][0] + 14, middle[n][1] + 14, 4))
            for n in kind(4)
        ],
        "undo": [review.undo for _ in range(repeat)],
    }


def timed_twice(viewer: napari.Viewer, act: Callable[[], object]) -> tuple[float, float, float]:
    """Give milliseconds: an act's processor, then the wall and processor with its drawing."""
    wall, before, _ = timed(act)
    more, drawing, _ = timed(lambda: drawn(viewer))
    return 1000 * before, 1000 * (wall + more), 1000 * (before + drawing)


def report(what: str, times: list[tuple[float, float, float]]) -> None:
    """Print medians, with the worst."""
    act, wall, processor = np.array(times).T
    print(
        f"{what}: {np.median(act):.0f} ms of processor before drawing (worst {act.max():.0f}), "
        f"{np.median(processor):.0f} ms with it; {np.median(wall):.0f} ms of the wall"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=5000)
    parser.add_argument("--size", type=int, default=2000)
    parser.add_argument("--repeat", type=int, default=5)
    arguments = parser.parse_args()
    rgb, labels = picture(arguments.objects, arguments.size)
    viewer = napari.Viewer()
    viewer.window.resize(1250, 900)
    open_plainly(viewer, rgb[:64, :64], {k: v[:64, :64] for k, v in labels.items()})  # warm up
    viewer.layers.clear()
    wall, plain, _ = timed(lambda: open_plainly(viewer, rgb, labels))
    print(f"plain viewer, {arguments.objects} objects: {wall:.2f} s ({plain:.2f} s of processor)")
    report(
        "napari alone, painting one object",
        [timed_twice(viewer, lambda: paint_plainly(viewer, labels)) for _ in range(5)],
    )
    viewer.layers.clear()
    with tempfile.TemporaryDirectory() as desk:
        wall, own, layers = timed(lambda: open_in_review(viewer, Path(desk) / "i", rgb, labels))
        assert isinstance(layers, ReviewLayers)
        print(f"review: {wall:.2f} s ({own:.2f} s of processor), {own / plain:.2f} times the plain")
        review = layers.review
        review.changed.connect(lambda: quick_numbers(review, layers.program))
        for kind, acts in corrections(review, arguments.repeat).items():
            report(kind, [timed_twice(viewer, act) for act in acts])
        review.close()
    viewer.close()


if __name__ == "__main__":
    main()
