"""Contracts: the event, its limits and rejections, and the declared tables."""
