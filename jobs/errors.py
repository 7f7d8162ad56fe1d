"""Errors that a user can act on: the command line prints them without a traceback.

::

    PerceptionError            something failed; ``action`` says what to do          exit code 1
    ├── BrokerError            Kafka does not answer, or refuses
    └── WrongUseError          the request itself is wrong: nothing was done         exit code 2
        ├── SettingsError      a PERCEPTION_ variable has a wrong value
        ├── ModelFileError     a model file cannot be used
        ├── InputError         an input file or mapping cannot be read
        ├── NotEmptyError      the target holds rows already
        └── TopicError         a topic is not as declared and cannot be made so

The command line treats every exception with an ``action`` (also those of :mod:`jobs.warehouse.errors`) alike.
"""

from __future__ import annotations


class PerceptionError(Exception):
    """A failure that a person has to look at; ``action`` is one sentence with the next step."""

    exit_code = 1

    def __init__(self, message: str, *, action: str = "") -> None:
        super().__init__(message)
        self.action = action


class BrokerError(PerceptionError):
    """Kafka does not answer, or refuses a request."""


class WrongUseError(PerceptionError):
    """The request is wrong; nothing was changed."""

    exit_code = 2


class SettingsError(WrongUseError):
    """A setting has a value that cannot be used."""


class ModelFileError(WrongUseError):
    """A model file is not there, or not sound."""


class InputError(WrongUseError):
    """An input file or a mapping cannot be read."""


class NotEmptyError(WrongUseError):
    """A replay would mix its rows with older ones."""


class TopicError(WrongUseError):
    """A topic is not as declared, and changing it would break the order or the place of keys."""
