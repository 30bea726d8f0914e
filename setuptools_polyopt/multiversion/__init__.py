"""Several versions of one region: which variants there are, the guards that choose between them, and the rewritten module."""
