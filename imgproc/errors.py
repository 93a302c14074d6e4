"""The error that a measurement raises when an image can't be measured as asked."""


class MeasurementError(ValueError):
    """An image can't be measured as asked; the message says why, `remedy` what to do.

    Parameters
    ----------
    reason : str
        What failed, what was expected and what came.
    remedy : str
        What a user can do about it.
    """

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy

    def __reduce__(self) -> tuple[type["MeasurementError"], tuple[str, str]]:
        """Keep both parts when the error crosses from a worker process."""
        return type(self), (self.reason, self.remedy)
