"""Errors that are for people.

Each message is one line that says what is wrong, where (file, member, row or parameter key) and
what to do about it. The command line prints the line and exits with status 1; anything that is not
a ``PipelineError`` is a bug and shows its traceback.
"""


class PipelineError(Exception):
    """Something that the user can understand and mend."""


class ParameterError(PipelineError):
    """A value in a parameters file that cannot be used."""


class SourceError(PipelineError):
    """A published file that could not be fetched or is not what was published."""


class DataError(PipelineError):
    """Input data that is damaged, inconsistent or not what was declared."""


class TrainingError(PipelineError):
    """A training that cannot go on."""


class InstallationError(PipelineError):
    """Something missing or different in the installed environment."""


def first_few(items: list[str], limit: int = 5) -> str:
    """Join the first ``limit`` items for a message, saying how many more there are."""
    shown = ", ".join(items[:limit])
    more = len(items) - limit
    return f"{shown} and {more:,} more" if more > 0 else shown
