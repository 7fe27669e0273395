"""ASGI middleware of hullo. Beside the lanes, the only asynchronous code."""
