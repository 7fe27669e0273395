"""The reads of the Peewee store beside `load`, one file for each group of the protocol."""
