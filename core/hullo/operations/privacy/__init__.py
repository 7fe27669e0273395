"""Export, erasure and retention."""
