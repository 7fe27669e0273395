"""The edge: hullo as ASGI middleware. The only place, beside the lanes, where anything is asynchronous."""
