"""The Faust job: fetch, process, write, commit, with an exactly-once effect.

::

    transport  a fetched batch of a partition is one Faust event      fetched    that event
    agent      gives it to the session of its partition               session    gathers batches, flushes, ticks
    flush      1 changelog transaction, 2 rows, 3 offset              changelog  the transaction, fenced
    recovery   Faust's recovery, by batches and by position           restore    changelog -> state, chain checked
    takeover   writes unconfirmed rows again                          rows       rows -> warehouse, with patience

Nothing here knows a rule of perception: a partition's pipeline is given by a factory (:mod:`jobs.stream.protocols`).
"""
