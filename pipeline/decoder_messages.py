"""What decoders warn of, collected instead of printed."""

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


class _Collector(logging.Handler):
    """Keeps the log messages of the thread that made it."""

    def __init__(self, messages: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._messages = messages
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one message."""
        if record.thread == self._thread:
            self._messages.append(record.getMessage())


@contextmanager
def decoder_messages() -> Iterator[list[str]]:
    """Collect what decoders warn of, instead of printing it.

    Python's warnings are caught for the whole process, as its own tool does: read in worker
    processes, not in several threads of one.

    Yields
    ------
    list of str
        Fills with the messages of Python's warnings and of the decoders' loggers.
    """
    messages: list[str] = []
    collector = _Collector(messages)
    loggers = [logging.getLogger(name) for name in ("tifffile", "liffile", "PIL")]
    for logger in loggers:
        logger.addHandler(collector)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield messages
    finally:
        messages.extend(str(warning.message) for warning in caught)
        for logger in loggers:
            logger.removeHandler(collector)
