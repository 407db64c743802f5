"""The errors that Cutaway raises on purpose.

Each message is a sentence: what was wrong with which input, and what to do.
"""


class CutawayError(Exception):
    """Base of every error that a user of Cutaway can cause and mend."""


class ImageError(CutawayError):
    """An input photograph cannot be read, is of a kind that is not accepted, or is over a limit."""


class LimitError(ImageError):
    """An input photograph is larger than the ``limit``, in pixels: ``actual`` along a side, or in all."""

    def __init__(self, reason: str, limit: int, actual: int) -> None:
        super().__init__(reason)
        self.limit, self.actual = limit, actual


class OutputError(CutawayError):
    """A result cannot be encoded as asked or written where asked."""


class ModelError(CutawayError):
    """Weights are missing, damaged or not ours, or the execution provider asked for is not available."""


class DataError(CutawayError):
    """A data set, an index, a recipe or a checkpoint is not as it has to be."""


class OptionError(CutawayError):
    """An option has a value that means nothing, or one that contradicts another; ``option`` is its name."""

    def __init__(self, option: str, reason: str) -> None:
        super().__init__(reason)
        self.option = option
