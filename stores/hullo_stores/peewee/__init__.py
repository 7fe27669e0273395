"""The store on SQL databases: tables and statements by Peewee, rows as tuples, engines kept apart."""
