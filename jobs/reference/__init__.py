"""Reference pages in ``docs``, generated from the code that they describe: ``python -m jobs.reference [--check]``."""
