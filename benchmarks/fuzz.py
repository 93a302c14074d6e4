"""Damages images and tables of every format and counts what becomes of them.

    python benchmarks/fuzz.py [--each 200] [--seed 1] [--time-limit 20] [--memory-mb 4000]

Every input is a small whole file of its format with bytes cut off, bits flipped, blocks zeroed,
repeated or swapped, or numbers in it set to extremes. An image is read and measured as a run does
it, in a worker with limits of time and memory; a table, a sample sheet and a study file are read.
Each must end in a measurement or in a reason for people: never in a traceback, a hang, or the
death of more than its own worker. Exit status 0 if so.
"""

import argparse
import io
import random
import struct
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import tifffile
from PIL import Image

from xenoquant.imgproc.phantoms import DabScene, render_dab
from xenoquant.pipeline.assay import Assay
from xenoquant.pipeline.dab_assay import DabAssay
from xenoquant.pipeline.errors import InputError, StudyError
from xenoquant.pipeline.fluorescence_assay import FluorescenceAssay
from xenoquant.pipeline.measuring import Job, measure_job
from xenoquant.pipeline.plan import Task
from xenoquant.pipeline.samples import Sample
from xenoquant.pipeline.store import fingerprint, hash_file
from xenoquant.pipeline.study import load_study
from xenoquant.pipeline.tables import read_table
from xenoquant.pipeline.worker_pool import TooSlow, WorkerLost, WorkerPool

STUDY = """
[study]
title = "A study"
groups = ["a", "b"]
reference = "a"

[assays.ferritin]
method = "dab"
um_per_px = 0.5
"""
EXTREMES = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)
MEASURED, REFUSED = "measured or read", "refused with a reason"
TRACEBACK, DIED, HUNG = "traceback", "killed its worker", "time limit"
OUTCOMES = (MEASURED, REFUSED, TRACEBACK, DIED, HUNG)


@dataclass(frozen=True)
class Input:
    """A damaged file, and where its worker may write."""

    file: Path
    work: Path
    memory_bytes: int
    extra_seconds: float = 0.0  # for the first, whose worker loads its libraries


def seeds(side_px: int = 48) -> dict[str, bytes]:
    """Give a small whole file of each format by suffix."""
    rgb = render_dab(1, scene=DabScene(size_px=(side_px, side_px), jpeg_quality=None)).rgb
    found = {}
    for suffix, form, more in (
        ("jpg", "JPEG", {"quality": 90}),
        ("png", "PNG", {}),
        ("bmp", "BMP", {}),
        ("webp", "WEBP", {}),
    ):
        buffer = io.BytesIO()
        Image.fromarray(rgb).save(buffer, form, **more)
        found[suffix] = buffer.getvalue()
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, rgb, photometric="rgb", compression="zlib")
    found["tif"] = buffer.getvalue()
    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer, rgb, photometric="rgb", tile=(16, 16), metadata={"axes": "YXS"}, ome=True
    )
    found["ome.tif"] = buffer.getvalue()
    found["svs"] = _slide(rgb)
    found["lif"] = _leica(np.moveaxis(rgb, -1, 0))
    table = pd.DataFrame({"animal": ["007", "m2"], "group": ["a", "b"], "value": [1.5, 2.25]})
    found["csv"] = table.to_csv(index=False).encode()
    for suffix, write in (("xlsx", table.to_excel), ("parquet", table.to_parquet)):
        buffer = io.BytesIO()
        write(buffer, index=False)
        found[suffix] = buffer.getvalue()
    found["toml"] = STUDY.encode()
    return found


def _slide(rgb: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer,
        np.tile(rgb, (3, 3, 1)),
        photometric="rgb",
        tile=(48, 48),
        compression="jpeg",
        description="Aperio Image Library v11.2.1\r\n144x144 (48x48) |MPP = 0.5|AppMag = 20",
        metadata=None,
    )
    return buffer.getvalue()


def _leica(planes: np.ndarray) -> bytes:
    """Write the least Leica container: a header in XML and one block of memory.

    References
    ----------
    Leica's LIF description: blocks begin with 0x70, texts with 0x2A, in UTF-16.
    """
    count, height, width = planes.shape
    channels = "".join(
        f'<ChannelDescription DataType="0" ChannelTag="0" Resolution="8" LUTName="Red"'
        f' NameOfMeasuredQuantity="" IsLUTInverted="0" Min="0" Max="255" Unit=""'
        f' BytesInc="{number * height * width}" BitInc="0"/>'
        for number in range(count)
    )
    dimensions = "".join(
        f'<DimensionDescription DimID="{number}" NumberOfElements="{size}" Origin="0"'
        f' Length="1e-05" Unit="m" BytesInc="{step}" BitInc="0"/>'
        for number, size, step in ((1, width, 1), (2, height, width))
    )
    data = planes.tobytes()
    xml = (
        '<LMSDataContainerHeader Version="2"><Element Name="f" Visibility="1"><Data/>'
        f'<Memory Size="0" MemoryBlockID="MemBlock_0"/><Children><Element Name="s">'
        f"<Data><Image><ImageDescription><Channels>{channels}</Channels>"
        f"<Dimensions>{dimensions}</Dimensions></ImageDescription></Image></Data>"
        f'<Memory Size="{len(data)}" MemoryBlockID="MemBlock_1"/></Element></Children>'
        "</Element></LMSDataContainerHeader>"
    ).encode("utf-16-le")
    name = "MemBlock_1".encode("utf-16-le")
    head = struct.pack("<IIBI", 0x70, len(xml) + 5, 0x2A, len(xml) // 2) + xml
    size = 8 + 1 + 1 + 4 + len(name)
    block = struct.pack("<IIBQBI", 0x70, size, 0x2A, len(data), 0x2A, len(name) // 2) + name
    return head + block + data


def damaged(data: bytes, count: int, chance: random.Random) -> Iterator[bytes]:
    """Give so many damaged copies of a file."""
    ways: tuple[Callable[[bytearray, random.Random], bytearray], ...] = (
        lambda held, c: held[: c.randrange(len(held))],
        _flipped,
        _zeroed,
        _repeated,
        _extreme,
        _extreme,
        lambda held, c: _extreme(_flipped(held, c), c),
    )
    for number in range(count):
        yield bytes(ways[number % len(ways)](bytearray(data), chance))


def _flipped(held: bytearray, chance: random.Random) -> bytearray:
    for _ in range(chance.choice((1, 2, 8, 64))):
        held[chance.randrange(len(held))] ^= 1 << chance.randrange(8)
    return held


def _zeroed(held: bytearray, chance: random.Random) -> bytearray:
    start, size = chance.randrange(len(held)), chance.randrange(1, 64)
    held[start : start + size] = bytes(len(held[start : start + size]))
    return held


def _repeated(held: bytearray, chance: random.Random) -> bytearray:
    start, size = chance.randrange(len(held)), chance.randrange(1, 256)
    held[start:start] = held[start : start + size] * chance.choice((1, 2, 50))
    return held


def _extreme(held: bytearray, chance: random.Random) -> bytearray:
    """Set a number somewhere, more often in the header, to an extreme."""
    end = max(1, min(len(held), 512) if chance.random() < 0.5 else len(held))
    start, size = chance.randrange(end), chance.choice((1, 2, 4))
    value = chance.choice(EXTREMES) & (256**size - 1)
    held[start : start + size] = value.to_bytes(size, chance.choice(("little", "big")))
    return held


def try_input(given: Input) -> tuple[str, str]:
    """Read and, if it is an image, measure a file; give the outcome and the reason."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (given.memory_bytes, given.memory_bytes))
    suffix = given.file.suffix
    try:
        if suffix == ".toml":
            load_study(given.file)
        elif suffix in (".csv", ".xlsx", ".parquet"):
            read_table(given.file)
        else:
            return _try_image(given)
    except (InputError, StudyError) as error:
        return REFUSED, str(error)
    except Exception as error:
        return TRACEBACK, f"{type(error).__name__}: {error}"
    return MEASURED, ""


def _try_image(given: Input) -> tuple[str, str]:
    content = hash_file(given.file)
    sample = Sample("stain", given.file.name)
    assay: Assay = DabAssay(um_per_px=0.5)
    reference = given.file
    if given.file.suffix == ".lif":
        assay = FluorescenceAssay(channels={"nuclei": 0}, segmenter="classical")
        reference = given.file.with_name(f"{given.file.name}#0")
    task = Task(sample, assay, reference, (), (content,), fingerprint({"of": content}), "x")
    problem = measure_job(Job(task, given.work)).problem
    if problem is None:
        return MEASURED, ""
    return (TRACEBACK if "fault of the program" in problem.error else REFUSED), problem.error


def campaign(
    folder: Path, *, each: int, seed: int, time_limit_s: float, memory_bytes: int
) -> tuple[dict[str, Counter[str]], list[str]]:
    """Try so many damaged files of each format; give the counts and what went wrong."""
    chance = random.Random(seed)
    counts: dict[str, Counter[str]] = {}
    wrong = []
    with WorkerPool(1, time_limit_s=time_limit_s) as pool:
        for suffix, whole in seeds().items():
            counts[suffix] = Counter()
            for number, data in enumerate([whole, *damaged(whole, each, chance)]):
                file = folder / f"{number}.{suffix}"
                file.write_bytes(data)
                patience = 600.0 if number == 0 else 0.0
                given = Input(file, folder / "store", memory_bytes, patience)
                try:
                    outcome, reason = pool.submit(try_input, given).result()
                except WorkerLost as error:
                    outcome, reason = DIED, str(error)
                except TooSlow as error:
                    outcome, reason = HUNG, str(error)
                if number == 0 and outcome != MEASURED:
                    sys.exit(f"the whole {suffix} file was not read: {reason}")
                counts[suffix][outcome] += number > 0
                if outcome not in (MEASURED, REFUSED):
                    wrong.append(f"{suffix} {number}: {outcome}: {reason}")
                file.unlink()
    return counts, wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--time-limit", type=float, default=20)
    parser.add_argument("--memory-mb", type=int, default=4000)
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        counts, wrong = campaign(
            Path(folder),
            each=words.each,
            seed=words.seed,
            time_limit_s=words.time_limit,
            memory_bytes=words.memory_mb * 1_000_000,
        )
    print("| format | inputs | " + " | ".join(OUTCOMES) + " |")
    print("|---" * (len(OUTCOMES) + 2) + "|")
    for suffix, held in counts.items():
        cells = " | ".join(str(held[outcome]) for outcome in OUTCOMES)
        print(f"| {suffix} | {sum(held.values())} | {cells} |")
    total = sum(counts.values(), Counter())
    cells = " | ".join(str(total[outcome]) for outcome in OUTCOMES)
    print(f"| all | {sum(total.values())} | {cells} |")
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if total[TRACEBACK] or total[HUNG] else 0


if __name__ == "__main__":
    sys.exit(main())
