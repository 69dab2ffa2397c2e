"""Every error and warning that isthmus raises on purpose."""


class IsthmusError(Exception):
    """Base of every error raised on purpose: one clear line, exit code 2."""


class ValueOutOfRange(IsthmusError, ValueError):
    """An argument lies outside the domain of a formula."""


class DataError(IsthmusError, ValueError):
    """Data cannot be used as they are: not finite, not numbers, too few rows."""


class DataNotFound(IsthmusError, FileNotFoundError):
    """A file or built-in data set is not there."""

    def __str__(self) -> str:
        """Return the message alone (OSError would add an errno)."""
        return str(self.args[0])


class OutputError(IsthmusError, OSError):
    """The result cannot be written where it was asked for."""

    def __str__(self) -> str:
        """Return the message alone (OSError would add an errno)."""
        return str(self.args[0])


class MissingDependency(IsthmusError, ImportError):
    """An optional package is needed; the message names the extra."""


class NotConverged(IsthmusError, RuntimeError):
    """An iteration stopped before reaching its tolerance."""


class DataWarning(UserWarning):
    """Data were changed or left out so that the work could go on."""


class SearchWarning(UserWarning):
    """A search ended short of what is known to be there."""


class SpeedWarning(UserWarning):
    """The work goes on by a general way that is slower than the one for usual cases."""


class TrainingWarning(UserWarning):
    """Training ended short of what was asked for, with the last good weights."""
