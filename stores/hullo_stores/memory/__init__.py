"""The reference store: dicts and one lock. Its data ends with the process; for tests, trials and study."""
