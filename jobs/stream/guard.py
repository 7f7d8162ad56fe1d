"""Errors of the pipeline in words that hold no data: a traceback would show values of records and of state."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Final, ParamSpec, TypeVar

from jobs.errors import PerceptionError
from jobs.stream.errors import ProcessingError, UnreadableStateError
from pipeline.statechecks import StateError

_FRAMES: Final = 4
P = ParamSpec("P")
T = TypeVar("T")


def guarded(what: str, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Call ``function``; what goes wrong is told as ``what``, kind and place of the error, and nothing else.

    Raises :class:`jobs.stream.errors.UnreadableStateError` for a state that is none, errors of ours as they are, and
    :class:`jobs.stream.errors.ProcessingError` for every other error.
    """
    try:
        return function(*args, **kwargs)
    except PerceptionError:
        raise
    except StateError as error:
        raise UnreadableStateError(
            f"{what}: {error}",
            action="Run the version that wrote it, or rebuild the state under a new application id.",
        ) from None
    except Exception as error:  # noqa: BLE001  (whatever it is, its text may hold data)
        raise ProcessingError(
            f"{what}: {type(error).__name__} in {places(error)}",
            action="This is a defect: report it with this message. Nothing of these records took effect; a release "
            "that mends it goes on with them.",
        ) from None


def places(error: BaseException) -> str:
    """Where an error came from: file, line and function of the innermost calls."""
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    return " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in reversed(frames))
