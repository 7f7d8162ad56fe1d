"""``make bench``: a plain per-event Faust agent and this worker side by side, on one broker, over the same events."""
