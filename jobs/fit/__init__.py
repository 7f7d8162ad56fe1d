"""Learn values of the model from a warehouse: category shares, priors of segments, prevalences of signals."""

from jobs.fit.fitting import Fit, Learnt, fit
from jobs.fit.reading import read

__all__ = ["Fit", "Learnt", "fit", "read"]
