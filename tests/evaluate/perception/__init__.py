"""Perception against a known truth: errors and intervals next to an exact Gaussian process and simple baselines."""
