"""The reference store: dicts and one lock. Gone when the process ends: for tests, trials and study."""
