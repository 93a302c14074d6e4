"""What finds the nuclei by name: the options, and other networks with their real loaders."""

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from xenoquant.imgproc import foreign_segmenters
from xenoquant.imgproc.dab import DabOptions
from xenoquant.imgproc.errors import MeasurementError
from xenoquant.imgproc.fluorescence import FluorescenceOptions
from xenoquant.imgproc.foreign_segmenters import (
    CellposeSegmenter,
    InstansegSegmenter,
    StardistSegmenter,
)
from xenoquant.imgproc.network_nuclei import NetworkSegmenter
from xenoquant.imgproc.nuclei import ClassicalSegmenter
from xenoquant.imgproc.segmenters import SegmenterOptions

FOREIGN = {
    "cellpose": CellposeSegmenter,
    "stardist": StardistSegmenter,
    "instanseg": InstansegSegmenter,
}


@pytest.fixture
def image() -> np.ndarray:
    y, x = np.indices((96, 128))
    return np.where((y - 40) ** 2 + (x - 60) ** 2 < 150, 900, 100).astype(np.uint16)


@pytest.mark.parametrize("options", [FluorescenceOptions, DabOptions, SegmenterOptions])
def test_a_name_gives_its_segmenter(options: type[SegmenterOptions]) -> None:
    """The contract of the study file: five names, three of them with weights."""
    assert options(segmenter="network").finder(9.0) == NetworkSegmenter(9.0)
    assert options(segmenter="classical").finder(None) == ClassicalSegmenter(None)
    for name, kind in FOREIGN.items():
        made = options(segmenter=name, weights="here/model").finder(8.0)
        assert made == kind(Path("here/model"), 8.0)


@pytest.mark.parametrize("name", FOREIGN)
def test_a_foreign_one_needs_weights(name: str) -> None:
    with pytest.raises(ValidationError, match="fetches nothing from the web"):
        SegmenterOptions(segmenter=name)


@pytest.mark.parametrize("name", ["network", "classical"])
def test_our_own_take_none(name: str) -> None:
    with pytest.raises(ValidationError, match="takes no weights"):
        SegmenterOptions(segmenter=name, weights="model")


@pytest.mark.parametrize("name", FOREIGN)
def test_missing_weights_are_said_before_any_loader_is_asked(
    name: str, image: np.ndarray, tmp_path: Path
) -> None:
    """A loader given a name that isn't there would look on the web."""
    with pytest.raises(MeasurementError, match="there is none at") as caught:
        FOREIGN[name](tmp_path / "cyto3")(image, 0.5)
    assert "fetches nothing" in caught.value.remedy


@pytest.mark.parametrize("name", FOREIGN)
def test_a_missing_package_is_said(
    name: str, image: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python's own rule: None in sys.modules makes an import fail."""
    for module in ("cellpose", "cellpose.models", "stardist", "stardist.models", "instanseg"):
        monkeypatch.setitem(__import__("sys").modules, module, None)
    _forget()
    weights = tmp_path / "model"
    if name == "stardist":
        weights.mkdir()
    else:
        weights.write_bytes(b"no model")
    with pytest.raises(MeasurementError, match="can't be imported here") as caught:
        FOREIGN[name](weights)(image, 0.5)
    assert f"xenoquant[{name}]" in caught.value.remedy or name == "instanseg"


@pytest.mark.parametrize("name", FOREIGN)
def test_a_colour_image_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(MeasurementError, match="one 2-D plane"):
        FOREIGN[name](tmp_path)(np.zeros((9, 9, 3)), 0.5)


def _forget() -> None:
    for loader in ("_cellpose", "_stardist", "_instanseg"):
        getattr(foreign_segmenters, loader).cache_clear()


@pytest.mark.filterwarnings("ignore")  # theirs, not ours to mend
def test_cellpose_with_its_real_loader(image: np.ndarray, tmp_path: Path) -> None:
    """An untrained network of its own making goes through its own loader; damage is said."""
    models = pytest.importorskip("cellpose.models")
    network = pytest.importorskip("cellpose.resnet_torch")  # of the versions before 4
    _forget()
    path = tmp_path / "untrained"
    network.CPnet([2, 32, 64, 128, 256], 3, sz=3, max_pool=True, diam_mean=17.0).save_model(path)
    labels = CellposeSegmenter(path, 8.0)(image, 0.5)
    own = models.CellposeModel(gpu=False, pretrained_model=str(path))
    expected = own.eval(image.astype(np.float32), diameter=16.0, channels=[0, 0])[0]
    np.testing.assert_array_equal(labels > 0, expected > 0)
    assert labels.shape == image.shape
    assert labels.dtype == np.int32
    damaged = tmp_path / "damaged"
    damaged.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(MeasurementError, match="cellpose can't read the weights"):
        CellposeSegmenter(damaged)(image, 0.5)


@pytest.mark.filterwarnings("ignore")  # theirs, not ours to mend
def test_stardist_with_its_real_loader(image: np.ndarray, tmp_path: Path) -> None:
    """An untrained model saved by StarDist itself goes through its own loader."""
    pytest.importorskip("tensorflow")
    models = pytest.importorskip("stardist.models")
    _forget()
    config = models.Config2D(n_rays=8, grid=(2, 2), n_channel_in=1)
    own = models.StarDist2D(config, name="untrained", basedir=str(tmp_path))
    own.keras_model.save_weights(str(tmp_path / "untrained" / "weights_best.h5"))
    labels = StardistSegmenter(tmp_path / "untrained")(image, 0.5)
    assert labels.shape == image.shape
    assert labels.dtype == np.int32


@pytest.mark.filterwarnings("ignore")  # theirs, not ours to mend
def test_instanseg_with_its_real_loader(image: np.ndarray, tmp_path: Path) -> None:
    """A TorchScript module that labels what is bright goes through InstanSeg's own inference."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("instanseg")
    _forget()

    class Bright(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.pixel_size = 0.5
            self.cells_and_nuclei = False

        def forward(self, x: torch.Tensor, target_segmentation: torch.Tensor) -> torch.Tensor:
            return (x.mean(dim=1, keepdim=True) > 0.5).float()

    path = tmp_path / "bright.pt"
    torch.jit.script(Bright()).save(str(path))
    labels = InstansegSegmenter(path)(image, 0.5)
    np.testing.assert_array_equal(labels, image > 500)
    path.write_bytes(path.read_bytes()[:500])
    _forget()
    with pytest.raises(MeasurementError, match="instanseg can't read the weights"):
        InstansegSegmenter(path)(image, 0.5)
