"""Update of one contact by its id, by a server or an agent."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import field

from hullo.errors import Conflicting, Invalid
from hullo.hooks.manager import PluginManager
from hullo.model.app import App
from hullo.model.change_set import NO_CHANGES, ChangeSet, replacement
from hullo.model.claim import Claim
from hullo.model.contact import Contact, ContactId
from hullo.model.decision import Decision
from hullo.model.decision_record import Trace
from hullo.model.identifier import EMAIL, EXTERNAL_ID, Identifier
from hullo.model.limits import Limits
from hullo.model.operation import Apps, PreparedOperation
from hullo.model.request_context import RequestContext
from hullo.model.snapshot import Snapshot, SnapshotQuery
from hullo.model.standing import Standing
from hullo.operations.contacts.email_phone_lists import ContactLists
from hullo.pipeline.load import usable_identifiers
from hullo.pipeline.policy import WriteContext, one_per_kind, write_claim
from hullo.rules.events import EventBuilder
from hullo.rules.identifiers import identifier_facts
from hullo.rules.merging.plan import MergePlanResult
from hullo.rules.merging.records import add_merge_event, merge_audit_entries
from hullo.rules.merging.settled_joins import SettledJoins, active_join
from hullo.rules.merging.survivors import require_not_merged
from hullo.value import Value


class UpdateContact(Value):
    """Update of a contact by id. All sent fields count as proven; others stay (W1).

    `cleared_kinds` lists identifiers to remove: unlike in an identify, their null clears them here.
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
        """Check all fields. Raises `UnknownApp`, and `Invalid` when any field is wrong: a patch is applied whole or not
        at all."""
        app = apps.find(self.app_id) if self.app_id is not None else None
        usable, rejected = usable_identifiers(self.claim, self.hooks, self.limits)
        if rejected:
            raise Invalid(Invalid.invalid_fields_detail, rejected)
        identifiers, emails = tuple(usable), self.lists.email_identifiers(self.hooks, self.limits)
        query = SnapshotQuery(
            workspace_id=self.workspace_id,
            # Every app's block: the answer shows the whole contact.
            app_id=None,
            contacts=(self.contact_id,),
            identifiers=tuple(identifier.digest(self.workspace_id) for identifier in (*identifiers, *emails)),
            # For the merge with a stub. Without an email there is none, and writers need not wait for each other.
            include_audit_head=any(identifier.kind == EMAIL for identifier in identifiers),
        )
        return PreparedOperation(query=query, decide=lambda snapshot: self._decide(identifiers, emails, app, snapshot))

    def _decide(
        self, identifiers: tuple[Identifier, ...], emails: tuple[Identifier, ...], app: App | None, snapshot: Snapshot
    ) -> Decision[Contact]:
        """Write the fields. Raises `NotFound`, and `Conflicting` for an identifier of another contact, or as
        `require_not_merged` does."""
        settled = self._settle_joins(identifiers, emails, snapshot)
        snapshot = settled.snapshot
        contact = snapshot.contacts[self.contact_id]
        stub = self._find_stub(identifiers, emails, contact, settled)
        # Clocks of processes differ: the event must sort after the last ones of both contacts.
        context = settled.context.at_least(max(contact.updated_at, stub.updated_at if stub is not None else 0))
        merge = self._merge_stub(contact, stub, context) if stub is not None else None
        write_context = WriteContext(writer=self.writer, at=context.now, standing=Standing.PROVEN, app=app)
        result = write_claim(
            self.claim,
            merge.merged_survivor if merge is not None else contact,
            write_context,
            self.hooks,
            is_new=False,
            writable=[(identifier, True) for identifier in one_per_kind(identifiers, contact)],
            cleared_kinds=self.cleared_kinds,
        )
        result = self.lists.apply(result, emails, write_context, self.hooks)
        # W9: no write, no event, no decision record.
        if not result.changed_fields and merge is None:
            return Decision(result=contact, change_set=settled.settle(NO_CHANGES))
        change = replacement(contact, result.contact)
        trace = Trace(steps=result.steps, fields=result.verdicts())
        event_builder = EventBuilder(context, self.workspace_id, app_id=self.app_id, by=self.writer)
        if merge is not None:
            add_merge_event(merge, event_builder)
        event_builder.add("contact.updated", contact.id, {"fields": result.changed_fields}, result.changes)
        changes = ChangeSet(
            # The stub first: it is emptied before the contact takes what it had.
            contacts=(change,) if merge is None else (merge.absorbed_change, change),
            merges=() if merge is None else (merge.merge_change,),
            absorptions=() if merge is None else (merge.absorption,),
            audit_entries=() if merge is None else merge_audit_entries((merge,), snapshot),
            decisions=(event_builder.decision_record(contact.id, self.request_id, trace),),
            events=event_builder.events,
        )
        return Decision(result=change.after, change_set=settled.settle(changes), build_trace=lambda: trace)

    def _find_stub(
        self, identifiers: Sequence[Identifier], emails: Sequence[Identifier], contact: Contact, settled: SettledJoins
    ) -> Contact | None:
        """Find the stub that has the email which the caller writes: a contact that only claims made (C1).

        Raises `Conflicting` for an identifier of any other contact.
        """
        found: Contact | None = None
        for identifier in (*identifiers, *emails):
            owner_id = settled.snapshot.contact_ids.get(identifier.digest(self.workspace_id), contact.id)
            if owner_id == contact.id:
                continue
            owner = settled.snapshot.contacts[owner_id]
            # As in an upsert that names both: the site says that they are one. A list of emails says no such thing.
            if identifier in identifiers and identifier.kind == EMAIL and _is_stub(owner) and not settled.stored:
                found = owner
                continue
            # Refused, not recorded as a conflict: the caller is trusted, and can merge the two itself.
            raise Conflicting(
                f"another contact has this {identifier.kind}; merge the two, or change it there", owner_id
            )
        return found

    def _merge_stub(self, contact: Contact, stub: Contact, context: RequestContext) -> MergePlanResult:
        return MergePlanResult(
            merge_id=context.new_id("mrg"), survivor=contact, absorbed=stub, at=context.now, by=self.writer, rule="C1"
        )

    def _settle_joins(
        self, identifiers: Sequence[Identifier], emails: Sequence[Identifier], snapshot: Snapshot
    ) -> SettledJoins:
        """Confirm a join whose email the caller writes, and undo one whose email it removes (J).

        Raises `NotFound`, `NeedsFullContacts`, and `Conflicting` as `require_not_merged` does.
        """
        settled = SettledJoins(snapshot=snapshot, context=self.context, by=self.writer, request_id=self.request_id)
        contact = require_not_merged(snapshot, self.contact_id)
        named = [contact.identifier_fact(name) for name in (*identifiers, *emails)]
        confirmed = [fact.joined_by for fact in named if fact is not None and fact.joined_by is not None]
        cleared = self.cleared_kinds if self.lists.emails is None else {*self.cleared_kinds, EMAIL}
        removed = [fact.joined_by for kind in cleared for fact in identifier_facts(contact, kind)]
        # In the order of the facts, and each once.
        for merge_id in dict.fromkeys(filter(None, (*confirmed, *removed))):
            merge = active_join(merge_id, contact, settled.snapshot)
            holder = settled.snapshot.contacts[contact.id]
            settled = settled.confirmed(holder, merge) if merge_id in confirmed else settled.undone(holder, merge)
        return settled


def _is_stub(contact: Contact) -> bool:
    """Return whether nothing proves the contact, and it has nothing that a merge could contradict."""
    # A joined record would come along, and has an owner of its own (J).
    has_joins = any(fact.joined_by is not None for _, fact in contact.all_identifiers())
    return contact.standing < Standing.PROVEN and EXTERNAL_ID not in contact.identifiers and not has_joins
