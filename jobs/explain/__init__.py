"""Why a customer has the scores that she has: contributions that add up to them exactly."""

from jobs.explain.explained import Explained, Interaction, Part, Person
from jobs.explain.reading import UnknownCustomerError, events_of, explain, newest

__all__ = ["Explained", "Interaction", "Part", "Person", "UnknownCustomerError", "events_of", "explain", "newest"]
