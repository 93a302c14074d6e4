"""Label images written behind the reader's back; the log has every act before."""

import threading
from collections.abc import Callable

PAUSE_S = 0.3
"""Acts that follow each other faster are saved together; the labels are behind by less than a
second."""


class Autosave:
    """Calls a function soon after each change, in a thread.

    Parameters
    ----------
    save : callable
        Writes what has changed; may raise OSError.
    pause_s : float
        How long to wait for further changes.
    """

    def __init__(self, save: Callable[[], None], pause_s: float = PAUSE_S) -> None:
        self._save = save
        self._pause_s = pause_s
        self._changed = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.error: OSError | None = None

    def notice(self) -> None:
        """Say that something changed."""
        self._changed.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="review-autosave", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._changed.wait()
            self._stop.wait(self._pause_s)
            self._write()

    def _write(self) -> None:
        if not self._changed.is_set():
            return
        self._changed.clear()
        try:
            self._save()
            self.error = None
        except OSError as error:
            self.error = error

    def close(self) -> None:
        """Write what is left, and end the thread."""
        self._stop.set()
        pending = self._changed.is_set()
        self._changed.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if pending:
            self._changed.set()
            self._write()
