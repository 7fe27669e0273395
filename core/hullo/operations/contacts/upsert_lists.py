"""Upsert by a server with whole lists of emails and phones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from msgspec.structs import replace

from hullo.model.app import App
from hullo.model.change_set import Change, ChangeSet
from hullo.model.contact import Contact, ContactId
from hullo.model.decision import Decision
from hullo.model.decision_record import FieldVerdict, Trace
from hullo.model.identifier import Identifier
from hullo.model.operation import Apps, PreparedOperation
from hullo.model.outcome import Outcome
from hullo.model.request_context import RequestContext
from hullo.model.snapshot import Snapshot
from hullo.model.standing import Standing
from hullo.operations.contacts.email_phone_lists import EMAILS, ContactLists
from hullo.pipeline.claim import Upsert
from hullo.pipeline.policy import WriteContext, WriteResult
from hullo.rules.events import EventBuilder
from hullo.value import Value


class UpsertWithLists(Value):
    """Upsert of a contact and, in the same transaction, its lists.

    The first email identifies the person, as a single email does (M2). Emails of other contacts stay there (C7).
    """

    upsert: Upsert
    lists: ContactLists

    def prepare(self, apps: Apps) -> PreparedOperation[Outcome]:
        """Prepare the upsert with the first email, with the same errors."""
        upsert, workspace_id = self.upsert, self.upsert.key.workspace_id
        emails = self.lists.email_identifiers(upsert.hooks, upsert.limits)
        if emails:
            first = emails[0].value
            # The other emails do not match: they may belong to several contacts.
            upsert = replace(upsert, claim=replace(upsert.claim, email=first, email_as_sent=first))
        app = apps.find(upsert.app_id) if upsert.app_id is not None else None
        # Added to the upsert's own decision, which may be about a record that is joined to a contact on a claim (J).
        prepared = upsert.prepare_with(apps, partial(self._add_lists, app, emails))
        digests = dict.fromkeys((*prepared.query.identifiers, *(email.digest(workspace_id) for email in emails)))
        return replace(prepared, query=replace(prepared.query, identifiers=tuple(digests)))

    def _add_lists(
        self, app: App | None, emails: Sequence[Identifier], decision: Decision[Outcome], snapshot: Snapshot
    ) -> Decision[Outcome]:
        # The upsert decides first: it may create the contact, or merge two.
        contact_id = decision.result.contact_id
        assert contact_id is not None, "a server's upsert always has a contact"
        changes = {change.after.id: change for change in decision.change_set.contacts}
        # As after the upsert: it may move an email before the lists are written.
        contacts = {**snapshot.contacts, **{id: change.after for id, change in changes.items()}}
        owned_emails = [email for email in emails if not _is_owned_by_other(email, contact_id, contacts, snapshot)]
        lists = self.lists
        if emails and (not owned_emails or owned_emails[0] != emails[0]):
            lists = replace(lists, emails=None)  # C7: the primary email belongs to another contact
        contact = contacts[contact_id]
        # Where the upsert writes nothing, the lists make the first change, with the next version.
        change = changes.get(contact_id, Change(contact, replace(contact, version=contact.version + 1)))
        context = _context_after(self.upsert.context, change)
        write_context = WriteContext(writer=self.upsert.key.writer, at=context.now, standing=Standing.PROVEN, app=app)
        result = lists.apply(WriteResult(contact=change.after), owned_emails, write_context, self.upsert.hooks)
        if len(owned_emails) < len(emails):
            verdict = FieldVerdict(
                field=EMAILS, verdict="kept", reason="another contact has one of these, and keeps it"
            )
            result = replace(result, kept=(*result.kept, verdict))
        # Built on demand, as the upsert's own trace is.
        first = decision.build_trace
        return Decision(
            result=_add_to_outcome(decision.result, result),
            change_set=self._add_list_changes(
                decision.change_set, Change(change.before, result.contact), result, context
            ),
            build_trace=lambda: _add_to_trace(first(), result),
        )

    def _add_list_changes(
        self, change_set: ChangeSet, change: Change[Contact], result: WriteResult, context: RequestContext
    ) -> ChangeSet:
        """Add the list changes to the upsert's, with a decision and an event of their own."""
        if not result.changed_fields:
            return change_set
        key, app_id, contact_id = self.upsert.key, self.upsert.app_id, change.after.id
        event_builder = EventBuilder(
            context, key.workspace_id, app_id=app_id, by=key.writer, preceding=change_set.events
        )
        event_builder.add("contact.updated", contact_id, {"fields": result.changed_fields}, result.changes)
        # The upsert's records have the ordinals below.
        trace, ordinal = _add_to_trace(Trace(), result), len(change_set.decisions)
        record = event_builder.decision_record(contact_id, self.upsert.request_id, trace, ordinal)
        # One change per contact: two of the same row would conflict with each other.
        others = (change for change in change_set.contacts if change.after.id != contact_id)
        return replace(
            change_set,
            contacts=(*others, change),
            decisions=(*change_set.decisions, record),
            events=event_builder.events,
        )


def _is_owned_by_other(
    email: Identifier, contact_id: ContactId, contacts: Mapping[ContactId, Contact], snapshot: Snapshot
) -> bool:
    """Return whether another contact has the email after the upsert, which may displace it or merge its owner."""
    contact = contacts[contact_id]
    owner = contacts.get(snapshot.contact_ids.get(email.digest(contact.workspace_id), contact_id))
    # The index is from before the upsert, so the owner is asked whether it still has the email.
    return owner is not None and owner.id != contact_id and owner.has_identifier(email)


def _context_after(context: RequestContext, change: Change[Contact]) -> RequestContext:
    """Return the upsert's own context if it writes; else one after the contact's last change."""
    result = change.before is None or change.after.updated_at > change.before.updated_at
    # Minus one: `at_least` moves to right after an instant, and the upsert's own must stay.
    return context.at_least(change.after.updated_at - 1 if result else change.after.updated_at)


def _add_to_outcome(outcome: Outcome, result: WriteResult) -> Outcome:
    return replace(
        outcome,
        changed=outcome.changed or bool(result.changed_fields),
        written=(*outcome.written, *result.written),
        kept=(*outcome.kept, *result.kept),
    )


def _add_to_trace(trace: Trace, result: WriteResult) -> Trace:
    return Trace(steps=(*trace.steps, *result.steps), fields=(*trace.fields, *result.verdicts()))
