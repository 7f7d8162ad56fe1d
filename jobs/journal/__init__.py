"""What was known of a journey at a moment: the features that a predictor looks at, from a warehouse's events."""

from jobs.journal.facts import Facts, read_facts, sampled_facts
from jobs.journal.reading import read
from jobs.journal.tracks import Journal, Track

__all__ = ["Facts", "Journal", "Track", "read", "read_facts", "sampled_facts"]
