"""Measuring what is open, with a method's options: for loose images, and for tuning a study."""

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from magicgui.widgets import CheckBox, ComboBox, Container, FileEdit, Label, PushButton
from napari import Viewer
from napari.qt.threading import create_worker
from superqt.utils import qdebounced

from ..imgproc.errors import MeasurementError
from ..pipeline.assay import Assay
from ..pipeline.assays import METHODS
from ..pipeline.errors import InputError, StudyError
from ..pipeline.study import load_study
from ..pipeline.study_text import save_options
from ._options_form import OptionsForm, write_widget
from .layer_images import LayerImage, layer_image
from .measured_layers import MeasuredLayers, measure_image

WIDTH_PX = 360

PAUSE_MS = 500
"""A preview waits until nothing was changed for this long."""

_PREVIEW = "preview "
_NUCLEAR_DYES = ("dapi", "hoechst", "nuclei", "dna", "draq5")


class MethodWidget(Container):
    """Options of one method, a live preview, and the measurement of the open image.

    Parameters
    ----------
    viewer : napari.Viewer
        napari gives it.
    """

    method: ClassVar[str]

    def __init__(self, viewer: Viewer) -> None:
        super().__init__(labels=False)
        self.native.setMaximumWidth(WIDTH_PX)
        self.viewer = viewer
        self._worker: Any = None
        self._is_closed = False
        self._waiting: tuple[LayerImage, Assay, str] | None = None
        self.form = OptionsForm(METHODS[self.method])
        self.preview = CheckBox(text="preview on the visible part", value=False)
        self.run = PushButton(text="Measure the whole image")
        self.message = Label(value="")
        self.message.native.setWordWrap(True)
        self.study = FileEdit(mode="d", label="Study", value=Path())
        self._names: list[str] = []
        # napari resets choices when layers come and go: a function keeps them
        self.assay = ComboBox(label="Assay", choices=lambda widget: self._names)
        self.load = PushButton(text="Take the options from the study")
        self.save = PushButton(text="Save the options to the study")
        saving = Container(widgets=[self.study, self.assay, self.load, self.save])
        self.extend([self.form, self.preview, self.run, self.message, saving])
        self._wire()
        self._find_study()

    def _wire(self) -> None:
        wish = qdebounced(self.show_preview, timeout=PAUSE_MS)

        def later(*_: object) -> None:
            wish()

        self.form.changed.connect(later)
        self.preview.changed.connect(later)
        moved = (self.viewer.camera.events.center, self.viewer.camera.events.zoom)
        for event in moved:
            event.connect(later)

        def leave(*_: object) -> None:
            """Stop listening when the panel is closed."""
            self._is_closed = True
            for event in moved:
                event.disconnect(later)

        self.native.destroyed.connect(leave)
        self.run.clicked.connect(self.measure)
        self.study.changed.connect(self._list_assays)
        self.load.clicked.connect(self.load_options)
        self.save.clicked.connect(self.save_options)

    # ---- measuring

    def show_preview(self) -> None:
        """Measure the visible part with the options as they are now, in a thread."""
        if not self._is_closed and self.preview.value:
            self._measure(_PREVIEW)

    def measure(self) -> None:
        """Measure the whole image, in a thread."""
        self._measure("")

    def _measure(self, prefix: str) -> None:
        try:
            assay = self.form.options()
            image = layer_image(self.viewer, visible=bool(prefix))
        except ValueError as error:
            self.message.value = str(error)
            return
        if not isinstance(assay, Assay):
            raise TypeError(f"{self.method} doesn't measure images")
        self._waiting = (image, assay, prefix)
        self._start()

    def _start(self) -> None:
        """Measure what waits, one at a time: the newest wish is the one that counts."""
        if self._worker is not None or self._waiting is None:
            return
        image, assay, prefix = self._waiting
        self._waiting = None
        self._worker = create_worker(
            _measured_or_said,
            image,
            assay,
            _start_thread=False,
            _progress={"desc": f"measuring {self.method}"},
        )
        self._worker.returned.connect(lambda result: self._show(result, image, prefix))
        self._worker.start()

    def _show(self, result: MeasuredLayers | str, image: LayerImage, prefix: str) -> None:
        self._worker = None
        if self._is_closed:
            return
        if isinstance(result, str):
            self.message.value = result
        else:
            for name, labels, features in result.layers:
                self._layer(prefix + name, labels, features, image)
            flags = f" ({', '.join(result.flags)})" if result.flags else ""
            said = ", ".join(f"{name} {value:.4g}" for name, value in result.features)
            self.message.value = f"{prefix}{said}{flags}"
        self._start()

    def _layer(self, name: str, labels: np.ndarray, features: Any, image: LayerImage) -> None:
        """Show a label image over its picture, with its table; an earlier one is replaced."""
        if name in self.viewer.layers:
            self.viewer.layers.remove(name)
        active = self.viewer.layers.selection.active
        layer = self.viewer.add_labels(
            labels,
            name=name,
            features=features,
            scale=image.scale,
            translate=image.translate,
            units=image.units,
        )
        layer.contour = 1
        self.viewer.layers.selection.active = active or layer

    # ---- the study

    def _find_study(self) -> None:
        """Begin with the study that an open layer comes from, if there is one."""
        for layer in self.viewer.layers:
            if "xenoquant_study" in layer.metadata:
                self.study.value = Path(layer.metadata["xenoquant_study"])
                return

    def _list_assays(self) -> None:
        try:
            held = load_study(Path(self.study.value)).image_assays
        except StudyError as error:
            self.message.value = str(error)
            held = {}
        self._names = [name for name, assay in held.items() if assay.method == self.method]
        self.assay.reset_choices()

    def load_options(self) -> None:
        """Show the options that the study's assay has."""
        if self.assay.value is None:
            self.message.value = f"Choose a study with an assay of the method {self.method}."
            return
        study = load_study(Path(self.study.value))
        self.form.show(study.image_assays[self.assay.value])

    def save_options(self) -> None:
        """Write the options that differ from the study's into study.toml."""
        if self.assay.value is None:
            self.message.value = f"Choose a study with an assay of the method {self.method}."
            return
        folder, name = Path(self.study.value), self.assay.value
        try:
            wanted = self.form.options().model_dump(mode="json")
            held = load_study(folder).image_assays[name].model_dump(mode="json")
            changed = {k: v for k, v in wanted.items() if k != "tests" and held.get(k) != v}
            done = save_options(folder, name, changed)
        except (ValueError, StudyError, OSError) as error:
            self.message.value = str(error)
            return
        said = ", ".join(changed)
        self.message.value = (
            f"Saved to {folder / 'study.toml'}: {said}. The next run measures {name} anew."
            if done
            else "The study has these options already."
        )


def _measured_or_said(image: LayerImage, assay: Assay) -> MeasuredLayers | str:
    """Measure; an image that can't be measured comes back as what to say."""
    try:
        return measure_image(image, assay)
    except (MeasurementError, InputError) as error:
        return f"{error} {error.remedy}."


class CountNodules(MethodWidget):
    """Counts tumour nodules on the photo that is open."""

    method = "nodules"


class MeasureFluorescence(MethodWidget):
    """Measures an immunofluorescent marker in the cells of the field that is open."""

    method = "fluorescence"

    def __init__(self, viewer: Viewer) -> None:
        super().__init__(viewer)
        self.guess_channels()
        self.run.clicked.disconnect(self.measure)
        self.run.clicked.connect(self._guess_and_measure)

    def guess_channels(self) -> None:
        """Fill in the channels of the open image, where two are open and none is named as marker.

        The nuclear dye is the one that is called so; what is filled in stands in the form.
        """
        typed = self.form.typed().get("channels", {})
        if typed.get("marker") is not None:
            return
        try:
            names = layer_image(self.viewer).image.channel_names
        except ValueError:
            return
        dyes = [n for n in names if n.lower() in _NUCLEAR_DYES]
        others = [n for n in names if n not in dyes]
        if len(dyes) == 1 and len(others) == 1:
            channels = {"nuclei": dyes[0], "marker": others[0]}
            write_widget(self.form.fields["channels"], channels)

    def _guess_and_measure(self) -> None:
        self.guess_channels()
        self.measure()


class MeasureDab(MethodWidget):
    """Measures DAB in the cells of the section that is open."""

    method = "dab"
