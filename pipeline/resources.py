"""What this machine can give a run: cores and memory, and how many workers they are good for."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import InputError

if TYPE_CHECKING:
    from .plan import Task

_CGROUP = Path("/sys/fs/cgroup")
WORKER_BYTES = 450_000_000  # a worker with its libraries loaded, before any image
_SPARED = 0.8  # of the free memory; the rest is for the run itself and the system's caches
_LOOKED_AT = 3  # the largest files of an assay tell what its images need


def usable_cores() -> int:
    """Give the number of cores this process may use, also inside a container or a cluster's job."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    with suppress(OSError, ValueError):
        quota, period = (_CGROUP / "cpu.max").read_text(encoding="ascii").split()
        if quota != "max":
            return max(1, min(cores or 1, int(quota) // int(period)))
    return cores or 1


def free_bytes() -> int:
    """Give the memory that is free, also inside a container or a cluster's job."""
    import psutil

    free = int(psutil.virtual_memory().available)
    with suppress(OSError, ValueError):
        limit = (_CGROUP / "memory.max").read_text(encoding="ascii").strip()
        used = (_CGROUP / "memory.current").read_text(encoding="ascii")
        if limit != "max":
            free = min(free, int(limit) - int(used))
    return max(0, free)


def suitable_jobs(tasks: Sequence["Task"]) -> int:
    """Give how many workers the cores, the free memory and the images' sizes are good for.

    Parameters
    ----------
    tasks : sequence of Task
        The images that will be measured.

    Returns
    -------
    int
        At least 1, at most the number of cores.
    """
    need = WORKER_BYTES + max((_image_bytes(task) for task in _largest(tasks)), default=0)
    return max(1, min(usable_cores(), int(free_bytes() * _SPARED) // need))


def _largest(tasks: Sequence["Task"]) -> list["Task"]:
    by_assay: dict[str, list[tuple[int, Task]]] = {}
    for task in tasks:
        with suppress(OSError):
            size = task.files[0].stat().st_size
            by_assay.setdefault(task.sample.assay, []).append((size, task))
    return [
        task
        for held in by_assay.values()
        for _, task in sorted(held, key=lambda pair: pair[0], reverse=True)[:_LOOKED_AT]
    ]


def _image_bytes(task: "Task") -> int:
    """Give what measuring an image takes, from the size that its header states."""
    from .image_files import split_reference
    from .readers import inspect_image

    path, series = split_reference(task.reference)
    try:
        info = inspect_image(path, series=series)
    except InputError:
        return 0  # it will be a row of problems.csv, and takes nothing
    return task.assay.working_bytes(info)
