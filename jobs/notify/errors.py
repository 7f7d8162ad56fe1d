"""What can go wrong with a delivery.

::

    DeliveryFailedError        nobody was told; ``permanent`` says whether another try is of use
    └── RefusedError           this program will not connect to that address

``UnusableDestinationError`` is a wrong setting, found before anything is sent.
"""

from __future__ import annotations

from jobs.errors import PerceptionError, SettingsError


class UnusableDestinationError(SettingsError):
    """An address in the settings that nothing may be sent to."""


class DeliveryFailedError(PerceptionError):
    """A notification did not arrive, or nobody knows whether it did."""

    def __init__(self, message: str, *, permanent: bool = False, action: str = "") -> None:
        super().__init__(message, action=action)
        self.permanent = permanent


class RefusedError(DeliveryFailedError):
    """The name of an allowed host leads to an address that is not allowed."""
