"""The visitor's socket, `WS /v1/socket`: a session that decides without I/O, and a connection that does the I/O."""
