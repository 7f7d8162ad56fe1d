"""Real services for tests: addresses from the environment, Docker, or processes of our own; else a loud skip."""
