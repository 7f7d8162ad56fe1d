"""Hostile inputs by the thousand, from seeds that are good: ``make fuzz``; a short part runs with the tests."""
