"""Two readers correct a photo by hand, a third settles it by hand; tells what it saw as JSON.

Run by the tests in a process of its own: python settle_driver.py LUNGS
"""

import json
import sys
from pathlib import Path
from typing import Any

import napari
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QPushButton

sys.path.insert(0, str(Path(__file__).parent))
from review_driver import Desk, Key
from viewer_hands import LEFT, SHIFT, Hands, settle

READINGS = ("ann", "bob")


def press(button: QPushButton) -> None:
    QTest.mouseClick(button, LEFT)
    settle(4)


def read(viewer: napari.Viewer, study: Path, reader: str) -> str:
    """Review the first image: ann deletes a nodule and adds one, bob accepts what is there."""
    desk = Desk(viewer, study, reader=reader, seed=5)
    image: str = desk.session.current.item.sample.image
    if reader == "ann":
        y, x = desk.middle(desk.numbers()[1])
        desk.hands.hover(y, x)
        desk.hands.key(Key.Key_D)
        desk.hands.key(Key.Key_A)
        y, x = desk.free(0.4)
        desk.hands.drag([(y, x), (y, x + 4)])
        desk.hands.key(Key.Key_A)
    desk.hands.key(Key.Key_G)
    desk.until_open()
    desk.close()
    return image


def middle_of_view(hands: Hands) -> list[float]:
    """The place of the image in the middle of the canvas."""
    layer = hands.controller.layers.stroke
    return [float(v) for v in layer.world_to_data(hands.viewer.camera.center)[-2:]]


def settle_by_hand(viewer: napari.Viewer, study: Path, image: str) -> dict[str, Any]:
    desk = Desk(viewer, study, reader="carol", seed=5, settle=READINGS)
    seen: dict[str, Any] = {"image": desk.session.current.item.sample.image}
    assert seen["image"] == image
    panel = desk.widget.settling
    seen["program"] = len(desk.session.current.program.objects)
    seen |= {"asked": [], "texts": [], "looked": [], "places": [], "enabled": []}
    while panel.left:
        difference = panel.left[0]
        seen["asked"].append(difference.kind)
        seen["texts"].append(panel.text.value)
        seen["looked"].append(middle_of_view(desk.hands))
        seen["places"].append([difference.y, difference.x])
        seen["enabled"].append(panel.first.native.isEnabled())
        choice = panel.first if difference.kind == "only_first" else panel.second
        press(choice.native)
    seen["texts"].append(panel.text.value)
    seen["enabled"].append(panel.first.native.isEnabled())
    desk.hands.key(Key.Key_U)
    seen["undone"] = desk.count()
    desk.hands.key(Key.Key_U, SHIFT)
    seen["count"] = desk.count()
    folder = desk.review.folder
    desk.hands.key(Key.Key_G)
    desk.until_open()
    seen["log"] = str(folder.log_file)
    seen["actions"] = [json.loads(line)["action"] for line in folder.log_file.open()]
    desk.close()
    return seen


def main() -> None:
    study = Path(sys.argv[1])
    viewer = napari.Viewer()
    viewer.window.resize(1250, 900)
    settle()
    images = {read(viewer, study, reader) for reader in READINGS}
    seen = settle_by_hand(viewer, study, images.pop())
    viewer.close()
    print("SEEN " + json.dumps(seen))


if __name__ == "__main__":
    main()
