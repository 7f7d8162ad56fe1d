"""Alerts outside the pure core: series out of a warehouse, and what a configuration would have reported."""
