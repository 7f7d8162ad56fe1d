"""Learn values of the model from a warehouse: category shares, priors of segments, prevalences of signals."""

from jobs.fit.crossed import crossed
from jobs.fit.fitting import Fit, fit
from jobs.fit.learnt import Learnt
from jobs.fit.reading import read, seen_of

__all__ = ["Fit", "Learnt", "crossed", "fit", "read", "seen_of"]
