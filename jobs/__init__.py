"""The world around the core: the Faust job, warehouses, sources and the command line."""
