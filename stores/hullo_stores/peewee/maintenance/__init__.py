"""What the Peewee store offers beside `Store`: copies, backups, a diagnosis. See `hullo.store.maintenance`."""
