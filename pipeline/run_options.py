"""How a run is carried out."""

from dataclasses import dataclass, field

from .progress import NoProgress, Progress
from .workers import PoolMaker, local_pool


@dataclass(frozen=True)
class RunOptions:
    """How a run is carried out; none of it changes a number.

    Attributes
    ----------
    jobs : int
        Workers at a time; 0 for as many as cores, free memory and image sizes are good for.
    assays : tuple of str
        Measure only these; all when empty.
    fresh : bool
        Measure again what the store already has.
    pool : callable
        Makes the executor of that many workers.
    progress : Progress
        Told how far the run has come.
    """

    jobs: int = 0
    assays: tuple[str, ...] = ()
    fresh: bool = False
    pool: PoolMaker = local_pool
    progress: Progress = field(default_factory=NoProgress)
