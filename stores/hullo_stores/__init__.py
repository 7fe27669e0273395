"""The stores that come with hullo, each found by the scheme of its URL through an entry point."""
