"""What the Peewee store does for `hullo.store.maintenance`: copies, backups, diagnosis."""
