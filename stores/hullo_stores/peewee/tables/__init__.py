"""The tables, as Peewee models: what statements are built from. No row ever becomes an instance of one.

The schema itself is made by `migrations/`, whose frozen copies a test compares with these. Times are integer
microseconds, JSON is our own text, digests are text: what engines agree about. Constraints and indexes are
named by hand, as on PostgreSQL a clash of generated names silently drops one. A foreign key stands wherever
an erasure may meet a write that still points at what it erases. What later migrations add stands last.
"""

from __future__ import annotations

from typing import Final

from peewee import Model

from hullo_stores.peewee.tables.apps import (
    Answers,
    ApiKeys,
    Apps,
    CallCounts,
    IdentityKeys,
    RefusedOrigins,
    SpentTokens,
    Workspaces,
)
from hullo_stores.peewee.tables.contacts import (
    Contacts,
    Conversations,
    CustomData,
    Identifiers,
    Messages,
    Sessions,
    Tags,
    Visitors,
)
from hullo_stores.peewee.tables.history import (
    Audits,
    Conflicts,
    Decisions,
    Merges,
    Moved,
    Notes,
    Timeline,
    Tombstones,
)
from hullo_stores.peewee.tables.outbox import Deliveries, Leases, Outbox, Webhooks
from hullo_stores.peewee.tables.search import ContactGrams, ContactSearch

TABLES: Final[tuple[type[Model], ...]] = (
    Workspaces,
    Apps,
    IdentityKeys,
    ApiKeys,
    Contacts,
    Identifiers,
    CustomData,
    Tags,
    Visitors,
    Sessions,
    Conversations,
    Messages,
    Conflicts,
    Decisions,
    Merges,
    Moved,
    Timeline,
    Notes,
    Answers,
    SpentTokens,
    CallCounts,
    RefusedOrigins,
    Outbox,
    Leases,
    Webhooks,
    Deliveries,
    Tombstones,
    Audits,
    ContactSearch,
    ContactGrams,
)
"""Referenced tables before tables that reference them."""

DERIVED_TABLES: Final[tuple[type[Model], ...]] = (ContactSearch, ContactGrams)
"""Made from the rows of other tables, so that copies leave them out."""

__all__ = [
    "DERIVED_TABLES",
    "TABLES",
    "Answers",
    "ApiKeys",
    "Apps",
    "Audits",
    "CallCounts",
    "Conflicts",
    "ContactGrams",
    "ContactSearch",
    "Contacts",
    "Conversations",
    "CustomData",
    "Decisions",
    "Deliveries",
    "Identifiers",
    "IdentityKeys",
    "Leases",
    "Merges",
    "Messages",
    "Moved",
    "Notes",
    "Outbox",
    "RefusedOrigins",
    "Sessions",
    "SpentTokens",
    "Tags",
    "Timeline",
    "Tombstones",
    "Visitors",
    "Webhooks",
    "Workspaces",
]
