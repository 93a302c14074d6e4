"""Opens every contribution of the plugin in a real viewer, and tells what it saw as JSON.

Run by the tests in a process of its own: python plugin_driver.py LUNGS
"""

import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import napari
from napari.layers import Image, Labels
from napari.utils.action_manager import action_manager
from napari.utils.key_bindings import coerce_keybinding
from qtpy.QtWidgets import QPushButton, QScrollArea

sys.path.insert(0, str(Path(__file__).parent))
from viewer_hands import settle, wait_for

from xenoquant.napari_plugin.tools import CLASS_KEYS, OTHER_KEYS, TOOLS

SAMPLES = {"lungs": "Count nodules", "field": "Measure fluorescence", "section": "Measure DAB"}


def keys_of_napari() -> set[str]:
    """Every key that napari gives a meaning to, in the viewer and in images' and labels' layers."""
    from napari._app_model import get_app_model

    found: set[Any] = set()
    for provider in (napari.Viewer, napari.components.ViewerModel, Image, Labels):
        for cls in provider.__mro__:
            found |= set(getattr(cls, "class_keymap", {}))
    for name, action in action_manager._actions.items():
        if action.keymapprovider in (*napari.Viewer.__mro__, *Image.__mro__, *Labels.__mro__):
            found |= {coerce_keybinding(key) for key in action_manager._shortcuts.get(name, ())}
    bindings = get_app_model().keybindings
    menus = {str(coerce_keybinding(str(binding.keybinding))) for binding in bindings}
    return {str(key) for key in found} | menus


def own_keys() -> list[str]:
    return [*(tool.key for tool in TOOLS), *OTHER_KEYS, *CLASS_KEYS]


def has_measured(widget: Any) -> bool:
    return widget._worker is None and bool(widget.message.value)


def tune(viewer: napari.Viewer, widget: Any, study: Path) -> dict[str, Any]:
    """Preview on a part, change an option, save it to the study."""
    seen: dict[str, Any] = {}
    viewer.camera.zoom *= 2
    widget.preview.value = True
    wait_for(lambda: "preview nodules" in viewer.layers, "a preview")
    seen["preview_shape"] = viewer.layers["preview nodules"].data.shape
    before = widget.message.value
    widget.form.fields["min_confidence"].value = 1.0
    wait_for(lambda: widget.message.value != before, "the preview to follow the option")
    seen["followed"] = [before, widget.message.value]
    widget.preview.value = False
    widget.study.value = study
    widget.assay.value = "lungs"
    widget.load.native.click()
    seen["loaded"] = widget.form.fields["min_confidence"].value
    widget.form.fields["min_confidence"].value = 0.9
    widget.save.native.click()
    seen["saved"] = widget.message.value
    return seen


def cut_buttons(viewer: napari.Viewer, widget: Any) -> dict[str, Any]:
    """Give the buttons that aren't wholly in sight: with long texts, and on a low screen."""
    said = "The label images can't be written (No space left on device). "
    widget.header.value = "<b>Image 12 of 345: m01_left_lobe_ventral.jpg, m01, 3.5 ppm</b> (open)"
    widget.features.value = "measured: " + ", ".join(["lobe_area_mm2 94.51"] * 8)
    widget.message.value = 5 * said
    widget.carry.visible = widget.settling.visible = True
    widget.settling.text.value = "12 left: only the second reader has this object"
    settle(20)
    buttons = [b for b in widget.native.findChildren(QPushButton) if b.isVisible()]
    cut: dict[str, Any] = {
        "buttons": len(buttons),
        "high": [b.text() for b in buttons if is_cut(b)],
    }
    viewer.window.resize(1250, 620)
    settle(20)
    area = widget.native.findChild(QScrollArea)
    cut["low"] = []
    for button in buttons:
        area.ensureWidgetVisible(button)
        settle(2)
        cut["low"] += [button.text()] if is_cut(button) else []
    return cut


def is_cut(button: QPushButton) -> bool:
    """Tell whether a part of a button, or of what its text needs, is out of sight."""
    return (
        button.visibleRegion().boundingRect() != button.rect()
        or button.height() < button.minimumSizeHint().height()
        or button.width() < button.minimumSizeHint().width()
    )


def main() -> None:
    study = Path(sys.argv[1])
    viewer = napari.Viewer()
    viewer.window.resize(1250, 900)
    settle()
    seen: dict[str, Any] = {"clash": sorted(set(own_keys()) & keys_of_napari())}
    seen["known"] = len(keys_of_napari())
    seen["twice"] = len(own_keys()) - len(set(own_keys()))
    for key, name in SAMPLES.items():
        viewer.layers.clear()
        viewer.open_sample("xenoquant", key)
        _, widget = viewer.window.add_plugin_dock_widget("xenoquant", name)
        widget.run.native.click()
        wait_for(partial(has_measured, widget), f"{name} to measure")
        labels = [layer for layer in viewer.layers if isinstance(layer, Labels)]
        objects = next(x for x in labels if x.name in ("nodules", "nuclei"))
        features = objects.features
        seen[key] = {
            "layers": [layer.name for layer in viewer.layers],
            "scales": [[float(s) for s in layer.scale] for layer in viewer.layers],
            "units": sorted({str(u) for layer in viewer.layers for u in layer.units}),
            "objects": len(features),
            "index_is_number": bool((features["index"] > 0).all()),
            "said": widget.message.value,
        }
        if key == "lungs":
            seen["tuning"] = tune(viewer, widget, study)
        viewer.window.remove_dock_widget("all")
    viewer.layers.clear()
    viewer.open(str(study), plugin="xenoquant")
    seen["study"] = [layer.name for layer in viewer.layers]
    _, widget = viewer.window.add_plugin_dock_widget("xenoquant", "Review a study")
    widget.folder.value = study / "nowhere"
    widget.start.native.click()
    seen["refused"] = widget.problem.value
    widget.folder.value = study
    widget.reader.value = "bob"
    widget.start.native.click()
    wait_for(lambda: widget.controller is not None and widget.controller.layers, "the review")
    seen["review"] = widget.header.value
    seen["panel_keys"] = [key for key in own_keys() if f"<b>{key}</b>" in panel_text(widget)]
    seen["cut"] = cut_buttons(viewer, widget)
    widget.close_session()
    viewer.close()
    print("SEEN " + json.dumps(seen))


def panel_text(widget: Any) -> str:
    return str(widget.keys.value)


if __name__ == "__main__":
    main()
