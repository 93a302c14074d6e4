"""The stored images of an assay, loaded one at a time: many need no more memory than one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, overload

import numpy as np
import pandas as pd

from .classified import Classified, all_rows
from .measured import Measured
from .plan import Task
from .samples import Sample
from .shared_rows import Rows


class StoredImages(Sequence[Measured]):
    """Measured images that are loaded from the store each time they are asked for.

    Parameters
    ----------
    tasks : sequence of Task
        Images of one assay, in the order in which they come.
    load : callable
        Gives a task's measurement, or None if its stored result turns out to be damaged; such
        an image is left out from then on.
    """

    def __init__(self, tasks: Sequence[Task], load: Callable[[Task], Measured | None]) -> None:
        self._tasks = list(tasks)
        self._load = load
        self._by_image = {task.sample.image: task for task in self._tasks}

    def __len__(self) -> int:
        return len(self._tasks)

    def __iter__(self) -> Iterator[Measured]:
        for task in list(self._tasks):
            held = self._load(task)
            if held is None:
                self._tasks.remove(task)
            else:
                yield held

    @overload
    def __getitem__(self, place: int) -> Measured: ...

    @overload
    def __getitem__(self, place: slice) -> "StoredImages": ...

    def __getitem__(self, place: int | slice) -> "Measured | StoredImages":
        if isinstance(place, slice):
            return StoredImages(self._tasks[place], self._load)
        held = self._load(self._tasks[place])
        if held is None:
            raise IndexError(f"the stored result of {self._tasks[place].sample.image} is damaged")
        return held

    def loader(self, sample: Sample) -> Callable[[], Measured]:
        """Give a function that loads the image of a row of the sheet again.

        Raises
        ------
        KeyError
            If no image is of this row. The function itself raises OSError if the stored result was
            damaged meanwhile.
        """
        task = self._by_image[sample.image]

        def load() -> Measured:
            held = self._load(task)
            if held is None:
                raise OSError(f"the stored result of {sample.image} was damaged during the run")
            return held

        return load

    def of_role(self, role: str) -> "StoredImages":
        """Give those images whose row of the sheet has this role."""
        return StoredImages([task for task in self._tasks if task.sample.role == role], self._load)


class Reclassified:
    """A `Classified` that keeps its features and flags, and makes its tables again if asked.

    Parameters
    ----------
    classified : Classified
        The image; its tables aren't kept.
    again : callable
        Loads and classifies the image anew.
    """

    def __init__(self, classified: Classified, again: Callable[[], Classified]) -> None:
        self.features = classified.features
        self.flags = classified.flags
        self.n_objects = classified.n_objects
        self._again = again

    @property
    def objects(self) -> pd.DataFrame:
        """The image's objects, made again."""
        return self._again().objects

    @property
    def regions(self) -> pd.DataFrame:
        """The image's regions, made again."""
        return self._again().regions

    @property
    def maps(self) -> Mapping[str, np.ndarray]:
        """What an overlay shows beside the objects, made again."""
        return self._again().maps

    def rows(self, kind: Literal["objects", "regions"]) -> Rows:
        """Give all rows of one of the tables, made again."""
        return all_rows(self, kind)
