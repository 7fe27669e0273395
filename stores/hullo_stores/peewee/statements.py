"""Every statement of the store, by what it is for. Compiled once, when the store is made."""

# Peewee's stubs leave the arguments of its builder untyped.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

from typing import Final

from peewee import SQL, Expression, NodeList, fn

from hullo_stores.peewee.compiler import Compiler, all_of, given
from hullo_stores.peewee.tables import (
    ApiKeys,
    Apps,
    CallCounts,
    Conflicts,
    Contacts,
    Conversations,
    CustomData,
    Decisions,
    Identifiers,
    IdentityKeys,
    Messages,
    Sessions,
    Workspaces,
)


class Statements:
    """The statements of one engine."""

    def __init__(self, compiler: Compiler) -> None:
        self.erasures = ErasureStatements(compiler)
        self.locks = LockStatements(compiler)
        self.reads = ReadStatements(compiler)


class ErasureStatements:
    """What forgets contacts: each is about a list of them, the one to erase and those it absorbed."""

    def __init__(self, compiler: Compiler) -> None:
        self.lock_contact = compiler.text(
            Contacts.update({Contacts.version: Contacts.version + SQL("1")}).where(
                Contacts.id == given("id"), Contacts.version == given("version")
            ),
            "id",
            "version",
        )
        self.absorbed_by = compiler.many(lambda ids: Contacts.select(Contacts.id).where(Contacts.merged_into.in_(ids)))
        self.revoke_sessions = compiler.many(
            lambda ids: Sessions.update(
                {
                    Sessions.contact_id: SQL("NULL"),
                    Sessions.standing: SQL("NULL"),
                    Sessions.claimed: SQL("'{}'"),
                    Sessions.proved: SQL("'[]'"),
                    Sessions.revoked_at: fn.COALESCE(Sessions.revoked_at, given("at")),
                    Sessions.version: Sessions.version + SQL("1"),
                }
            ).where(Sessions.contact_id.in_(ids)),
            "at",
        )
        self.anonymise_conversations = compiler.many(
            lambda ids: Conversations.update(
                {
                    Conversations.visitor_id: SQL("''"),
                    Conversations.contact_id: SQL("NULL"),
                    Conversations.link_standing: SQL("NULL"),
                    Conversations.version: Conversations.version + SQL("1"),
                }
            ).where(Conversations.contact_id.in_(ids))
        )
        # Not one statement with the next: MariaDB would look through every message there is.
        self.conversations_of = compiler.many(
            lambda ids: Conversations.select(Conversations.id).where(Conversations.contact_id.in_(ids))
        )
        self.erase_messages = compiler.many(lambda ids: Messages.delete().where(Messages.conversation_id.in_(ids)))
        self.erase_conversations = compiler.many(
            lambda ids: Conversations.delete().where(Conversations.contact_id.in_(ids))
        )
        self.erase_decisions = compiler.many(lambda ids: Decisions.delete().where(Decisions.contact_id.in_(ids)))
        self.erase_conflicts = compiler.many(lambda ids: Conflicts.delete().where(Conflicts.contact_id.in_(ids)))
        self.erase_other_conflicts = compiler.many(lambda ids: Conflicts.delete().where(Conflicts.other_id.in_(ids)))
        self.erase_blocks = compiler.many(lambda ids: CustomData.delete().where(CustomData.contact_id.in_(ids)))
        self.erase_identifiers = compiler.many(lambda ids: Identifiers.delete().where(Identifiers.contact_id.in_(ids)))
        self.erase_contacts = compiler.many(lambda ids: Contacts.delete().where(Contacts.id.in_(ids)))


class LockStatements:
    """What keeps rows as they are until the transaction ends, in an order that is everybody's. None of it where a
    transaction that writes has the database to itself."""

    def __init__(self, compiler: Compiler) -> None:
        self.contacts = compiler.locked(Contacts.id)
        self.sessions = compiler.locked(Sessions.digest)
        self.conversations = compiler.locked(Conversations.id)


class ReadStatements:
    """What finds one thing, or a page of many."""

    def __init__(self, compiler: Compiler) -> None:
        self.all_workspaces = compiler.text(all_of(Workspaces).order_by(Workspaces.id.desc()))
        self.all_apps = compiler.text(all_of(Apps).order_by(Apps.id.desc()))
        self.all_identity_keys = compiler.text(all_of(IdentityKeys).order_by(IdentityKeys.created_at, IdentityKeys.id))
        self.all_api_keys = compiler.text(all_of(ApiKeys).order_by(ApiKeys.id.desc()))
        self.blocks = compiler.many(lambda ids: all_of(CustomData).where(CustomData.contact_id.in_(ids)))
        self.app = compiler.text(all_of(Apps).where(Apps.id == given("id")), "id")
        self.identity_keys = compiler.text(
            all_of(IdentityKeys)
            .where(IdentityKeys.app_id == given("app"))
            .order_by(IdentityKeys.created_at, IdentityKeys.id),
            "app",
        )
        self.session = compiler.text(all_of(Sessions).where(Sessions.digest == given("digest")), "digest")
        self.conversation = compiler.text(all_of(Conversations).where(Conversations.id == given("id")), "id")
        self.api_key = compiler.text(all_of(ApiKeys).where(ApiKeys.digest == given("digest")), "digest")
        self.call_counts = compiler.text(
            all_of(CallCounts)
            .where(CallCounts.app_id == given("app"), CallCounts.day >= given("since"))
            .order_by(CallCounts.day),
            "app",
            "since",
        )
        self.page_of_contacts = compiler.paged(
            Contacts.id, ("workspace", "text"), Contacts.workspace_id == given("workspace"), _contains("text")
        )
        self.page_of_contacts_with = compiler.paged(
            Contacts.id,
            ("workspace", "digest", "text"),
            Contacts.workspace_id == given("workspace"),
            Contacts.id.in_(Identifiers.select(Identifiers.contact_id).where(Identifiers.digest == given("digest"))),
            _contains("text"),
        )
        self.page_of_decisions = compiler.paged(
            Decisions.id,
            ("workspace", "contact"),
            Decisions.workspace_id == given("workspace"),
            Decisions.contact_id == given("contact"),
        )
        self.page_of_sessions = compiler.paged(
            Sessions.visitor_id,
            ("workspace", "contact"),
            Sessions.workspace_id == given("workspace"),
            Sessions.contact_id == given("contact"),
        )
        self.page_of_conflicts = compiler.paged(
            Conflicts.id,
            ("workspace", "status"),
            Conflicts.workspace_id == given("workspace"),
            Conflicts.status == given("status"),
        )
        self.page_of_conversations = compiler.paged(
            Conversations.id, ("workspace",), Conversations.workspace_id == given("workspace")
        )
        self.page_of_visible_conversations = compiler.paged(
            Conversations.id,
            ("app", "visitor", "contact", "standing"),
            Conversations.app_id == given("app"),
            (Conversations.visitor_id == given("visitor"))
            | ((Conversations.contact_id == given("contact")) & (Conversations.link_standing == given("standing"))),
        )
        self.page_of_messages = compiler.paged(
            Messages.id, ("conversation",), Messages.conversation_id == given("conversation")
        )


def _contains(slot: str) -> Expression:
    """`search` against a pattern of `like_pattern`."""
    return Expression(Contacts.search, "ILIKE", NodeList((given(slot), SQL("ESCAPE '!'"))))


QUERY_LONGEST: Final = 4096
"""No value that is searched is longer, and engines limit their patterns."""


def like_pattern(text: str) -> str:
    """Finds `text` anywhere, whatever it holds. Its escape is no backslash: engines disagree about those."""
    escaped = text.casefold().replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return f"%{escaped}%"
