"""How well perception predicts answers: each one just before it enters, next to simple baselines."""

from jobs.evaluate.evaluation import Evaluation, evaluate
from jobs.evaluate.reading import NoAnswersError, OtherModelError, gather, read

__all__ = ["Evaluation", "NoAnswersError", "OtherModelError", "evaluate", "gather", "read"]
