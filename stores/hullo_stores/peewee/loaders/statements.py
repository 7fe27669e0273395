"""The statements of `StepLoader`: each is about a list of values of the whole group."""

# Peewee's stubs leave the arguments of its builder untyped.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

from peewee import SQL

from hullo_stores.peewee.compiler import Compiler, fields_of, parameter, select_all
from hullo_stores.peewee.tables import (
    Answers,
    Apps,
    Audits,
    Conflicts,
    Contacts,
    Conversations,
    CustomData,
    Identifiers,
    Merges,
    Messages,
    Sessions,
    SpentTokens,
    Tombstones,
)


class StepStatements:
    """Compiled when the first loader for a kind of engine is made."""

    def __init__(self, compiler: Compiler) -> None:
        self.app_versions = compiler.list_statement(
            lambda ids: Apps.select(Apps.id, Apps.workspace_id, Apps.version).where(Apps.id.in_(ids))
        )
        self.sessions_by_digest = compiler.list_statement(
            lambda digests: select_all(Sessions).where(Sessions.digest.in_(digests))
        )
        self.owners = compiler.list_statement(
            lambda digests: Identifiers.select(Identifiers.digest, Identifiers.contact_id).where(
                Identifiers.digest.in_(digests)
            )
        )
        self.contacts_by_id = compiler.list_statement(lambda ids: select_all(Contacts).where(Contacts.id.in_(ids)))
        self.blocks = compiler.list_statement(lambda ids: select_all(CustomData).where(CustomData.contact_id.in_(ids)))
        self.blocks_of_app = compiler.list_statement(
            lambda ids: select_all(CustomData).where(
                CustomData.app_id == parameter("app"), CustomData.contact_id.in_(ids)
            ),
            "app",
        )
        self.conversations_by_id = compiler.list_statement(
            lambda ids: select_all(Conversations).where(Conversations.id.in_(ids))
        )
        self.orphans = compiler.list_statement(
            lambda visitors: select_all(Conversations).where(
                Conversations.visitor_id.in_(visitors), Conversations.contact_id.is_null()
            )
        )
        self.open_pairs = compiler.list_statement(
            lambda pairs: Conflicts.select(Conflicts.open_pair).where(Conflicts.open_pair.in_(pairs))
        )
        self.messages_by_repeat_key = compiler.list_statement(
            lambda keys: (
                Messages.select(*fields_of(Messages), Conversations.workspace_id)
                .join(Conversations, on=(Messages.conversation_id == Conversations.id))
                .where(Messages.repeat_key.in_(keys))
            )
        )
        self.answers_by_digest = compiler.list_statement(
            lambda digests: select_all(Answers).where(Answers.digest.in_(digests))
        )
        self.conflicts_by_id = compiler.list_statement(lambda ids: select_all(Conflicts).where(Conflicts.id.in_(ids)))
        self.merges_by_id = compiler.list_statement(lambda ids: select_all(Merges).where(Merges.id.in_(ids)))
        self.merges_into = compiler.list_statement(
            lambda ids: select_all(Merges).where(Merges.survivor_id.in_(ids), Merges.undone_at.is_null())
        )
        self.tombstones_among = compiler.list_statement(
            lambda digests: Tombstones.select(Tombstones.digest, Tombstones.workspace_id).where(
                Tombstones.digest.in_(digests)
            )
        )
        self.last_audit = compiler.compile(
            Audits.select(Audits.workspace_id, Audits.number, Audits.digest)
            .where(Audits.workspace_id == parameter("workspace"))
            .order_by(Audits.number.desc())
            .limit(SQL("1")),
            "workspace",
        )
        self.spent_among = compiler.list_statement(
            lambda digests: SpentTokens.select(SpentTokens.digest).where(SpentTokens.digest.in_(digests))
        )
