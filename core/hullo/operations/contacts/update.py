"""A server or an agent changes one contact by its id."""

from __future__ import annotations

from msgspec import field

from hullo.errors import Conflicting, Invalid
from hullo.hooks.manager import PluginManager
from hullo.model.app import App
from hullo.model.change_set import ChangeSet, replacement
from hullo.model.claim import Claim
from hullo.model.contact import Contact, ContactId
from hullo.model.decision import Decision
from hullo.model.decision_record import Trace
from hullo.model.identifier import Identifier
from hullo.model.limits import Limits
from hullo.model.operation import Apps, PreparedOperation
from hullo.model.request_context import RequestContext
from hullo.model.snapshot import Snapshot, SnapshotQuery
from hullo.model.standing import Standing
from hullo.operations.contacts.email_phone_lists import ContactLists
from hullo.pipeline.load import usable_identifiers
from hullo.pipeline.policy import WriteContext, apply_writes, one_per_kind, propose_writes
from hullo.rules.events import EventBuilder
from hullo.rules.merging.survivors import require_not_merged
from hullo.value import Value


class UpdateContact(Value):
    """A contact's fields are written by id. Everything said counts as proven; what is not said stays (W1).

    `cleared` names identifiers to take away: unlike in an identify, their null means something here.
    """

    contact_id: ContactId
    workspace_id: str
    writer: str
    claim: Claim
    cleared_kinds: frozenset[str]
    app_id: str | None
    context: RequestContext
    request_id: str
    hooks: PluginManager
    limits: Limits
    lists: ContactLists = field(default_factory=ContactLists)

    def prepare(self, apps: Apps) -> PreparedOperation[Contact]:
        """Raises `UnknownApp`, and `Invalid` when any field is wrong: a patch is taken whole or not at all."""
        app = apps.find(self.app_id) if self.app_id is not None else None
        usable, rejected = usable_identifiers(self.claim, self.hooks, self.limits)
        if rejected:
            raise Invalid(Invalid.invalid_fields_detail, rejected)
        named, emails = tuple(usable), self.lists.email_identifiers(self.hooks, self.limits)
        query = SnapshotQuery(
            workspace_id=self.workspace_id,
            app_id=None,
            contacts=(self.contact_id,),
            identifiers=tuple(identifier.digest(self.workspace_id) for identifier in (*named, *emails)),
        )
        return PreparedOperation(query=query, decide=lambda snapshot: self._decide(named, emails, app, snapshot))

    def _decide(
        self, identifiers: tuple[Identifier, ...], emails: tuple[Identifier, ...], app: App | None, snapshot: Snapshot
    ) -> Decision[Contact]:
        """Raises `NotFound`, and `Conflicting` for an identifier that is somebody else's, or as `unabsorbed` does."""
        contact = require_not_merged(snapshot, self.contact_id)
        for identifier in (*identifiers, *emails):
            if snapshot.contact_ids.get(identifier.digest(self.workspace_id), contact.id) != contact.id:
                raise Conflicting(f"another contact has this {identifier.kind}")
        moment = self.context.at_least(contact.updated_at)
        pen = WriteContext(writer=self.writer, at=moment.now, standing=Standing.PROVEN, app=app)
        own = [(identifier, True) for identifier in one_per_kind(identifiers, contact)]
        wanted = propose_writes(self.claim, contact, pen, own, withheld_kinds=(), cleared_kinds=self.cleared_kinds)
        written = apply_writes(self.claim, contact, False, pen, wanted, self.hooks)
        written = self.lists.apply(written, emails, pen, self.hooks)
        if not written.changed_fields:
            return Decision(result=contact)
        change = replacement(contact, written.contact)
        trace = Trace(steps=written.steps, fields=written.verdicts())
        teller = EventBuilder(moment, self.workspace_id, app_id=self.app_id, by=self.writer)
        teller.add("contact.updated", contact.id, {"fields": written.changed_fields}, written.changes)
        return Decision(
            result=change.after,
            change_set=ChangeSet(
                contacts=(change,),
                decisions=(teller.decision_record(contact.id, self.request_id, trace),),
                events=teller.events,
            ),
            build_trace=lambda: trace,
        )
