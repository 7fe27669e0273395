"""A server writes about a person whom it names, with whole lists of emails and phones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from msgspec.structs import replace

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
    """An upsert, and in the same transaction the lists of whomever it is about.

    The first email of the list names the person, as an email alone does (M2). Those that are somebody else's stay
    with them (C7).
    """

    upsert: Upsert
    lists: ContactLists

    def prepare(self, apps: Apps) -> PreparedOperation[Outcome]:
        """Raises what the upsert raises."""
        upsert, workspace_id = self.upsert, self.upsert.key.workspace_id
        emails = self.lists.email_identifiers(upsert.hooks, upsert.limits)
        if emails:
            first = emails[0].value
            upsert = replace(upsert, claim=replace(upsert.claim, email=first, email_as_sent=first))
        prepared = upsert.prepare(apps)
        wanted = dict.fromkeys((*prepared.query.identifiers, *(each.digest(workspace_id) for each in emails)))
        return PreparedOperation(
            query=replace(prepared.query, identifiers=tuple(wanted)),
            decide=partial(self._decide, prepared, emails),
            app=prepared.app,
        )

    def _decide(
        self, prepared: PreparedOperation[Outcome], emails: Sequence[Identifier], snapshot: Snapshot
    ) -> Decision[Outcome]:
        decision = prepared.decide(snapshot)
        contact_id = decision.result.contact_id
        assert contact_id is not None, "a server's word makes anybody"
        changes = {each.after.id: each for each in decision.change_set.contacts}
        now = {**snapshot.contacts, **{each: change.after for each, change in changes.items()}}
        mine = [each for each in emails if not _is_owned_by_other(each, contact_id, now, snapshot)]
        lists = self.lists
        if emails and (not mine or mine[0] != emails[0]):
            lists = replace(lists, emails=None)  # the one that is to be shown is not theirs to have
        known = now[contact_id]
        change = changes.get(contact_id, Change(known, replace(known, version=known.version + 1)))
        moment = _context_after(self.upsert.context, change)
        pen = WriteContext(writer=self.upsert.key.writer, at=moment.now, standing=Standing.PROVEN, app=prepared.app)
        written = lists.apply(WriteResult(contact=change.after), mine, pen, self.upsert.hooks)
        if len(mine) < len(emails):
            elses = FieldVerdict(field=EMAILS, verdict="kept", reason="another contact has one of these, and keeps it")
            written = replace(written, kept=(*written.kept, elses))
        first = decision.build_trace
        return Decision(
            result=_add_to_outcome(decision.result, written),
            change_set=self._add_list_changes(
                decision.change_set, Change(change.before, written.contact), written, moment
            ),
            build_trace=lambda: _add_to_trace(first(), written),
        )

    def _add_list_changes(
        self, change_set: ChangeSet, change: Change[Contact], result: WriteResult, context: RequestContext
    ) -> ChangeSet:
        """What the upsert writes, and the lists beside it: a decision and an event of their own."""
        if not result.changed_fields:
            return change_set
        key, app_id, contact_id = self.upsert.key, self.upsert.app_id, change.after.id
        teller = EventBuilder(context, key.workspace_id, app_id=app_id, by=key.writer, preceding=change_set.events)
        teller.add("contact.updated", contact_id, {"fields": result.changed_fields}, result.changes)
        trace, ordinal = _add_to_trace(Trace(), result), len(change_set.decisions)
        record = teller.decision_record(contact_id, self.upsert.request_id, trace, ordinal)
        others = (each for each in change_set.contacts if each.after.id != contact_id)
        return replace(
            change_set,
            contacts=(*others, change),
            decisions=(*change_set.decisions, record),
            events=teller.events,
        )


def _is_owned_by_other(
    email: Identifier, contact_id: ContactId, people: Mapping[ContactId, Contact], snapshot: Snapshot
) -> bool:
    """Whether another contact has it, once the upsert is written: somebody may lose it to that, or become part of the
    contact."""
    contact = people[contact_id]
    owner = people.get(snapshot.contact_ids.get(email.digest(contact.workspace_id), contact_id))
    return owner is not None and owner.id != contact_id and owner.has_identifier(email)


def _context_after(context: RequestContext, change: Change[Contact]) -> RequestContext:
    """The very one of the upsert, where it writes; else one after whatever happened before."""
    written = change.before is None or change.after.updated_at > change.before.updated_at
    return context.at_least(change.after.updated_at - 1 if written else change.after.updated_at)


def _add_to_outcome(outcome: Outcome, result: WriteResult) -> Outcome:
    return replace(
        outcome,
        changed=outcome.changed or bool(result.changed_fields),
        written=(*outcome.written, *result.written),
        kept=(*outcome.kept, *result.kept),
    )


def _add_to_trace(trace: Trace, written: WriteResult) -> Trace:
    return Trace(steps=(*trace.steps, *written.steps), fields=(*trace.fields, *written.verdicts()))
