"""Notices of commits, carried to every process that has sockets open."""
