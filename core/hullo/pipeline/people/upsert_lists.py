"""A server writes about a person whom it names, with whole lists of emails and phones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from hullo.model.change_set import Change, ChangeSet
from hullo.model.contact import Contact, ContactId
from hullo.model.decision import Decision
from hullo.model.decision_record import FieldVerdict, Trace
from hullo.model.identifier import Identifier
from hullo.model.moment import Moment
from hullo.model.outcome import Outcome
from hullo.model.standing import Standing
from hullo.pipeline.apps import AppDirectory
from hullo.pipeline.identify import Upsert
from hullo.pipeline.people.lists import EMAILS, Lists
from hullo.pipeline.telling import Teller
from hullo.pipeline.work import Prepared
from hullo.pipeline.writing import Pen, Written
from hullo.store.protocol import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class UpsertWithLists:
    """An upsert, and in the same transaction the lists of whomever it is about.

    The first email of the list names the person, as an email alone does (M2). Those that are somebody else's stay
    with them (C7).
    """

    upsert: Upsert
    lists: Lists

    def prepare(self, apps: AppDirectory) -> Prepared[Outcome]:
        """Raises what the upsert raises."""
        upsert, workspace_id = self.upsert, self.upsert.key.workspace_id
        emails = self.lists.identifiers(upsert.hooks, upsert.limits)
        if emails:
            first = emails[0].value
            upsert = replace(upsert, claim=replace(upsert.claim, email=first, email_as_sent=first))
        prepared = upsert.prepare(apps)
        wanted = dict.fromkeys((*prepared.query.identifiers, *(each.digest(workspace_id) for each in emails)))
        return Prepared(
            query=replace(prepared.query, identifiers=tuple(wanted)),
            decide=partial(self._decide, prepared, emails),
            app=prepared.app,
        )

    def _decide(
        self, prepared: Prepared[Outcome], emails: Sequence[Identifier], snapshot: Snapshot
    ) -> Decision[Outcome]:
        decision = prepared.decide(snapshot)
        contact_id = decision.answer.contact_id
        assert contact_id is not None, "a server's word makes anybody"
        changes = {each.after.id: each for each in decision.change_set.contacts}
        now = {**snapshot.contacts, **{each: change.after for each, change in changes.items()}}
        mine = [each for each in emails if not _somebody_elses(each, contact_id, now, snapshot)]
        lists = self.lists
        if emails and (not mine or mine[0] != emails[0]):
            lists = replace(lists, emails=None)  # the one that is to be shown is not theirs to have
        known = now[contact_id]
        change = changes.get(contact_id, Change(known, replace(known, version=known.version + 1)))
        moment = _moment(self.upsert.moment, change)
        pen = Pen(by=self.upsert.key.writer, at=moment.now, standing=Standing.PROVEN, app=prepared.app)
        written = lists.relisted(Written(contact=change.after), mine, pen, self.upsert.hooks)
        if len(mine) < len(emails):
            elses = FieldVerdict(field=EMAILS, verdict="kept", reason="another contact has one of these, and keeps it")
            written = replace(written, kept=(*written.kept, elses))
        first = decision.explain
        return Decision(
            answer=_answered(decision.answer, written),
            change_set=self._with(decision.change_set, Change(change.before, written.contact), written, moment),
            explain=lambda: _both(first(), written),
        )

    def _with(self, change_set: ChangeSet, change: Change[Contact], written: Written, moment: Moment) -> ChangeSet:
        """What the upsert writes, and the lists beside it: a decision and an event of their own."""
        if not written.fields:
            return change_set
        key, app_id, contact_id = self.upsert.key, self.upsert.app_id, change.after.id
        teller = Teller(moment, key.workspace_id, app_id=app_id, by=key.writer, beside=change_set.events)
        teller.tell("contact.updated", contact_id, {"fields": written.fields}, written.changes)
        trace, ordinal = _both(Trace(), written), len(change_set.decisions)
        record = teller.explained(contact_id, self.upsert.request_id, trace, ordinal)
        others = (each for each in change_set.contacts if each.after.id != contact_id)
        return replace(
            change_set,
            contacts=(*others, change),
            decisions=(*change_set.decisions, record),
            events=teller.events,
        )


def _somebody_elses(
    email: Identifier, contact_id: ContactId, people: Mapping[ContactId, Contact], snapshot: Snapshot
) -> bool:
    """Whether another contact has it, once the upsert is written: somebody may lose it to that, or become part of the
    contact."""
    contact = people[contact_id]
    owner = people.get(snapshot.found.get(email.digest(contact.workspace_id), contact_id))
    return owner is not None and owner.id != contact_id and owner.owns(email)


def _moment(moment: Moment, change: Change[Contact]) -> Moment:
    """The very one of the upsert, where it writes; else one after whatever happened before."""
    written = change.before is None or change.after.updated_at > change.before.updated_at
    return moment.not_before(change.after.updated_at - 1 if written else change.after.updated_at)


def _answered(outcome: Outcome, written: Written) -> Outcome:
    return replace(
        outcome,
        changed=outcome.changed or bool(written.fields),
        written=(*outcome.written, *written.written),
        kept=(*outcome.kept, *written.kept),
    )


def _both(trace: Trace, written: Written) -> Trace:
    return Trace(steps=(*trace.steps, *written.steps), fields=(*trace.fields, *written.verdicts()))
