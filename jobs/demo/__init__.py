"""The demonstration: a simulated operator through the real pipeline, and what a dashboard would show of it."""
