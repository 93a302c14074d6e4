"""Training the nucleus network: what it learns from, and that it is shipped as it was trained."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")


def test_onnxruntime_answers_as_torch_does(tmp_path: Path) -> None:
    """Parity to 1e-4 of a network with drawn weights and statistics, on a size not exported."""
    from training.learning import PARITY, Exported, difference, export
    from training.nuclei.network import nucleus_network, shown

    torch.manual_seed(1)
    network = nucleus_network()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
    assert 0.7e6 < sum(p.numel() for p in network.parameters()) < 0.85e6
    export(Exported(network, shown), 1, tmp_path / "drawn.onnx")
    found = difference(Exported(network, shown), 1, tmp_path / "drawn.onnx")
    print(f"largest difference {found:.1e}")
    assert found < PARITY == 1e-4


def test_what_is_predicted_of_two_touching_squares() -> None:
    """By hand: 6 × 6 squares side by side, centres at (4.5, 4.5) and (4.5, 10.5)."""
    from training.nuclei.crops import RADIUS_PX, predicted

    labels = np.zeros((11, 15), np.int32)
    labels[2:8, 2:8], labels[2:8, 8:14] = 1, 2
    targets, weight = predicted(labels)
    np.testing.assert_array_equal(targets[0], labels > 0)
    assert targets[1][4, 7] == targets[1][4, 8] == 1
    assert targets[1][4, 2] == targets[1][4, 13] == 0
    assert targets[3][2, 3] == pytest.approx((4.5 - 2) / RADIUS_PX)
    assert targets[4][2, 3] == pytest.approx((4.5 - 3) / RADIUS_PX)
    assert targets[4][5, 13] == pytest.approx((10.5 - 13) / RADIUS_PX)
    assert targets[2][4, 4] == 1.0
    assert 0 < targets[2][2, 2] < 0.5
    assert weight[0, 0] == 1
    assert weight[3, 3] == pytest.approx(2.5)  # 36 px, where a canonical nucleus has 314: capped


def test_a_crop_is_the_same_for_the_same_draw_and_fits_its_nuclei() -> None:
    """A disc in the middle of a picture stays a disc, at the drawn scale, wherever it lands."""
    from training.nuclei.crops import cut
    from training.nuclei.pictures import picture

    y, x = np.indices((600, 620))
    labels = ((y - 300) ** 2 + (x - 310) ** 2 <= 400).astype(np.int32)
    whole = picture("disc", 1, np.where(labels, 200, 10).astype(np.uint8), labels)
    assert whole.diameter_px == pytest.approx(40, abs=0.6)
    for seed in range(4):
        crops = [cut(whole, np.random.default_rng(seed), plain=True) for _ in range(2)]
        np.testing.assert_array_equal(crops[0].planes, crops[1].planes)
        inside = crops[0].targets[0] > 0
        if not inside.any():  # once in six times the place isn't chosen by a nucleus
            continue
        assert inside.sum() == pytest.approx(np.pi * 100, rel=0.05)
        assert crops[0].planes[0][inside].mean() > 0.9
        assert crops[0].planes[0][~inside].mean() < 0.1
