"""Detection of sudden drops and surges over cells: pure, vectorised over cells, one pass over buckets."""
