"""Tables that searches of contacts read. All of them can be made again from the contacts. See the package."""

# Peewee's stubs leave what `add_index` takes untyped.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from peewee import SQL, BigAutoField, CharField, IntegerField, Model, TextField

from hullo_stores.peewee.tables.ids import ID


class ContactSearch(Model):
    """The `search_text` of every contact that is not merged into another. `number` is the key that SQLite's own index
    needs."""

    number = BigAutoField()
    workspace_id = CharField(max_length=ID)
    contact_id = CharField(max_length=ID)
    text = TextField()

    class Meta:
        table_name = "contact_search"


ContactSearch.add_index(
    ContactSearch.workspace_id, ContactSearch.contact_id, unique=True, name="contact_search_contact"
)


class ContactGrams(Model):
    """Which contact's text has which trigram. Empty where the engine indexes substrings itself."""

    gram = IntegerField()
    contact_id = CharField(max_length=ID)

    class Meta:
        table_name = "contact_gram"
        primary_key = False
        constraints = (SQL("CONSTRAINT contact_gram_key PRIMARY KEY (gram, contact_id)"),)
