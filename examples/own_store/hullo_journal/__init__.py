"""A store for hullo in one append-only file: `journal:///relative/path` or `journal:////absolute/path`."""
