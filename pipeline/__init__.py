"""The pure, columnar core: raw records of a partition in, state changes and rows out. No clock, no I/O."""
