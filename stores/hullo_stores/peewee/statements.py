"""Every statement of the store, by what it is for. Compiled once, when the store is made."""

# Peewee's stubs leave the arguments of its builder untyped.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

from typing import Final

from peewee import SQL, Database, Expression, NodeList, fn

from hullo_stores.peewee.compiler import Compiler, all_of, columns_of, given
from hullo_stores.peewee.tables import (
    Answers,
    ApiKeys,
    Apps,
    Conflicts,
    Contacts,
    Conversations,
    CustomData,
    Decisions,
    Identifiers,
    IdentityKeys,
    Messages,
    Sessions,
    Visitors,
    Workspaces,
)


class Statements:
    """The statements of one engine."""

    def __init__(self, database: Database) -> None:
        compiler = Compiler(database)
        self.changes = ChangeStatements(compiler)
        self.erasures = ErasureStatements(compiler)
        self.snapshots = SnapshotStatements(compiler)
        self.reads = ReadStatements(compiler)


class ChangeStatements:
    """What writes a change set."""

    def __init__(self, compiler: Compiler) -> None:
        self.workspaces = compiler.write(Workspaces)
        self.apps = compiler.write(Apps)
        self.api_keys = compiler.write(ApiKeys)
        self.contacts = compiler.write(Contacts)
        self.sessions = compiler.write(Sessions)
        self.conversations = compiler.write(Conversations)
        self.conflicts = compiler.write(Conflicts)
        self.add_visitor = compiler.insert(Visitors)
        self.add_message = compiler.insert(Messages)
        self.add_decision = compiler.insert(Decisions)
        self.add_answer = compiler.insert(Answers)
        self.add_identifier = compiler.insert(Identifiers)
        self.add_block = compiler.insert(CustomData)
        self.add_identity_key = compiler.insert(IdentityKeys)
        self.release_identifier = compiler.text(
            Identifiers.delete().where(
                Identifiers.digest == given("digest"), Identifiers.contact_id == given("contact")
            ),
            "digest",
            "contact",
        )
        of_contact_and_app = (CustomData.contact_id == given("contact"), CustomData.app_id == given("app"))
        self.replace_block = compiler.text(
            CustomData.update({CustomData.block: given("block")}).where(*of_contact_and_app),
            "block",
            "contact",
            "app",
        )
        self.drop_block = compiler.text(CustomData.delete().where(*of_contact_and_app), "contact", "app")
        of_app = (IdentityKeys.id == given("id"), IdentityKeys.app_id == given("app"))
        self.replace_identity_key = compiler.text(
            IdentityKeys.update(
                {
                    IdentityKeys.secret: given("secret"),
                    IdentityKeys.created_at: given("created_at"),
                    IdentityKeys.retires_at: given("retires_at"),
                }
            ).where(*of_app),
            "secret",
            "created_at",
            "retires_at",
            "id",
            "app",
        )
        self.drop_identity_key = compiler.text(IdentityKeys.delete().where(*of_app), "id", "app")
        self.use_identity_key = compiler.text(
            IdentityKeys.update({IdentityKeys.last_used_at: given("at")}).where(
                *of_app,
                IdentityKeys.last_used_at.is_null() | (IdentityKeys.last_used_at < given("not_before")),
            ),
            "at",
            "id",
            "app",
            "not_before",
        )
        self.expired_answers = compiler.text(
            Answers.select(Answers.digest)
            .where(Answers.expires_at <= given("at"))
            .order_by(Answers.expires_at)
            .limit(given("limit")),
            "at",
            "limit",
        )
        self.drop_expired_answer = compiler.text(
            Answers.delete().where(Answers.digest == given("digest"), Answers.expires_at <= given("at")),
            "digest",
            "at",
        )
        self.drop_answers = compiler.many(lambda values: Answers.delete().where(Answers.digest.in_(values)))


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
        self.erase_messages = compiler.many(
            lambda ids: Messages.delete().where(
                Messages.conversation_id.in_(
                    Conversations.select(Conversations.id).where(Conversations.contact_id.in_(ids))
                )
            )
        )
        self.erase_conversations = compiler.many(
            lambda ids: Conversations.delete().where(Conversations.contact_id.in_(ids))
        )
        self.erase_decisions = compiler.many(lambda ids: Decisions.delete().where(Decisions.contact_id.in_(ids)))
        self.erase_conflicts = compiler.many(lambda ids: Conflicts.delete().where(Conflicts.contact_id.in_(ids)))
        self.erase_other_conflicts = compiler.many(lambda ids: Conflicts.delete().where(Conflicts.other_id.in_(ids)))
        self.erase_blocks = compiler.many(lambda ids: CustomData.delete().where(CustomData.contact_id.in_(ids)))
        self.erase_identifiers = compiler.many(lambda ids: Identifiers.delete().where(Identifiers.contact_id.in_(ids)))
        self.erase_contacts = compiler.many(lambda ids: Contacts.delete().where(Contacts.id.in_(ids)))


class SnapshotStatements:
    """What loads a group of snapshots: each is about a list of values of the whole group."""

    def __init__(self, compiler: Compiler) -> None:
        self.app_versions = compiler.many(
            lambda ids: Apps.select(Apps.id, Apps.workspace_id, Apps.version).where(Apps.id.in_(ids))
        )
        self.sessions_by_digest = compiler.many(
            lambda digests: Sessions.select(*columns_of(Sessions)).where(Sessions.digest.in_(digests))
        )
        self.owners = compiler.many(
            lambda digests: Identifiers.select(Identifiers.digest, Identifiers.contact_id).where(
                Identifiers.digest.in_(digests)
            )
        )
        self.contacts_by_id = compiler.many(
            lambda ids: Contacts.select(*columns_of(Contacts)).where(Contacts.id.in_(ids))
        )
        self.blocks = compiler.many(
            lambda ids: CustomData.select(*columns_of(CustomData)).where(CustomData.contact_id.in_(ids))
        )
        self.blocks_of_app = compiler.many(
            lambda ids: CustomData.select(*columns_of(CustomData)).where(
                CustomData.app_id == given("app"), CustomData.contact_id.in_(ids)
            ),
            "app",
        )
        self.conversations_by_id = compiler.many(
            lambda ids: Conversations.select(*columns_of(Conversations)).where(Conversations.id.in_(ids))
        )
        self.orphans = compiler.many(
            lambda visitors: Conversations.select(*columns_of(Conversations)).where(
                Conversations.visitor_id.in_(visitors), Conversations.contact_id.is_null()
            )
        )
        self.open_pairs = compiler.many(
            lambda pairs: Conflicts.select(Conflicts.open_pair).where(Conflicts.open_pair.in_(pairs))
        )
        self.messages_by_repeat_key = compiler.many(
            lambda keys: (
                Messages.select(*columns_of(Messages), Conversations.workspace_id)
                .join(Conversations, on=(Messages.conversation_id == Conversations.id))
                .where(Messages.repeat_key.in_(keys))
            )
        )
        self.answers_by_digest = compiler.many(
            lambda digests: Answers.select(*columns_of(Answers)).where(Answers.digest.in_(digests))
        )


class ReadStatements:
    """What finds one thing, or a page of many."""

    def __init__(self, compiler: Compiler) -> None:
        self.all_workspaces = compiler.text(all_of(Workspaces).order_by(Workspaces.id.desc()))
        self.all_apps = compiler.text(all_of(Apps).order_by(Apps.id.desc()))
        self.all_identity_keys = compiler.text(all_of(IdentityKeys).order_by(IdentityKeys.created_at, IdentityKeys.id))
        self.all_api_keys = compiler.text(all_of(ApiKeys).order_by(ApiKeys.id.desc()))
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
        self.page_of_contacts = compiler.paged(
            Contacts, ("workspace", "text"), Contacts.workspace_id == given("workspace"), _contains("text")
        )
        self.page_of_contacts_with = compiler.paged(
            Contacts,
            ("workspace", "digest", "text"),
            Contacts.workspace_id == given("workspace"),
            Contacts.id.in_(Identifiers.select(Identifiers.contact_id).where(Identifiers.digest == given("digest"))),
            _contains("text"),
        )
        self.page_of_decisions = compiler.paged(
            Decisions,
            ("workspace", "contact"),
            Decisions.workspace_id == given("workspace"),
            Decisions.contact_id == given("contact"),
        )
        self.page_of_conflicts = compiler.paged(
            Conflicts,
            ("workspace", "status"),
            Conflicts.workspace_id == given("workspace"),
            Conflicts.status == given("status"),
        )
        self.page_of_conversations = compiler.paged(
            Conversations, ("workspace",), Conversations.workspace_id == given("workspace")
        )
        self.page_of_visible_conversations = compiler.paged(
            Conversations,
            ("app", "visitor", "contact", "standing"),
            Conversations.app_id == given("app"),
            (Conversations.visitor_id == given("visitor"))
            | ((Conversations.contact_id == given("contact")) & (Conversations.link_standing == given("standing"))),
        )
        self.page_of_messages = compiler.paged(
            Messages, ("conversation",), Messages.conversation_id == given("conversation")
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
