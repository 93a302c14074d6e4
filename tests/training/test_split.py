"""The split of annotated images: fields cut into images stay on one side."""

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

SIDE = 160


def _field(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A drawn field of discs with soft edges, 2 by 2 images large, and its labels."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((2 * SIDE, 2 * SIDE), np.int32)
    for number in range(1, 320):
        y, x = rng.integers(0, 2 * SIDE, 2)
        cv2.circle(labels, (int(x), int(y)), int(rng.integers(4, 7)), number, -1)
    bright = rng.uniform(60, 220, 320)
    bright[0] = 10
    image = cv2.GaussianBlur(bright[labels], (0, 0), 1.5) + rng.normal(0, 1, labels.shape)
    return np.clip(image, 0, 255).astype(np.uint8), labels


def _quarters(plane: np.ndarray) -> list[np.ndarray]:
    return [plane[y : y + SIDE, x : x + SIDE] for y in (0, SIDE) for x in (0, SIDE)]


@pytest.fixture(scope="module")
def drawn() -> list[tuple[np.ndarray, np.ndarray]]:
    """30 fields cut into 4 images each, in order."""
    return [pair for seed in range(30) for pair in zip(*map(_quarters, _field(seed)), strict=True)]


def test_images_of_one_field_are_found(drawn: list[tuple[np.ndarray, np.ndarray]]) -> None:
    """Drawn truth: 30 fields of 4 images, in drawn order; nearly every one is found whole."""
    from training.nuclei.split import fields

    order = np.random.default_rng(1).permutation(len(drawn))
    numbers = fields([drawn[k][0] for k in order])
    true = order // 4
    whole = [len(set(numbers[true == field])) == 1 for field in range(30)]
    alone = [len(set(true[numbers == number])) == 1 for number in np.unique(numbers)]
    print(f"{sum(whole)} of 30 fields whole, {len(alone)} found, {sum(alone)} of one field")
    assert sum(whole) >= 28
    assert sum(alone) >= 0.9 * len(alone)


def test_the_same_image_twice_is_one_field(drawn: list[tuple[np.ndarray, np.ndarray]]) -> None:
    """By hand: a copy with other noise is alike, an image of another shape or field isn't."""
    from training.nuclei.split import fields

    image = drawn[0][0]
    noisy = np.clip(image + np.random.default_rng(2).normal(0, 5, image.shape), 0, 255)
    found = fields([image, noisy.astype(np.uint8), drawn[9][0], image[:, :150]])
    assert found[0] == found[1]
    assert len(set(found)) == 3


def test_no_field_and_no_type_for_validation_stands_on_two_sides(
    drawn: list[tuple[np.ndarray, np.ndarray]], tmp_path: Path
) -> None:
    """The contract of the split, and that it is the same each time."""
    from training.nuclei.split import TEST_EVERY, split

    for part in ("images", "labels"):
        (tmp_path / part).mkdir()
    for k, (image, labels) in enumerate(drawn):
        cv2.imwrite(str(tmp_path / "images" / f"{k:03d}.png"), image)
        cv2.imwrite(str(tmp_path / "labels" / f"{k:03d}.png"), labels.astype(np.uint16))
    table = split(tmp_path)
    pd.testing.assert_frame_equal(table, split(tmp_path))
    assert (table.groupby("field")["part"].nunique() == 1).all()
    assert (table.groupby("field")["kind"].nunique() == 1).all()
    validation = table["part"] == "validation"
    assert not set(table.loc[validation, "kind"]) & set(table.loc[~validation, "kind"])
    tested = table.loc[table["part"] == "test", "field"].nunique()
    others = table.loc[~validation, "field"].nunique()
    assert 0 < tested <= others / TEST_EVERY + 1


def test_the_shipped_split_keeps_its_contract() -> None:
    """What stands beside the weights: the three parts share no field, validation no type."""
    path = Path(__file__).resolve().parents[2] / "data/weights/nuclei.split.csv"
    table = pd.read_csv(path)
    assert set(table["part"]) == {"training", "validation", "test"}
    assert (table.groupby("field")["part"].nunique() == 1).all()
    validation = table["part"] == "validation"
    assert not set(table.loc[validation, "kind"]) & set(table.loc[~validation, "kind"])
