"""What customers live through. A story is a generator: it plays at ``stage.now`` and yields delays."""
