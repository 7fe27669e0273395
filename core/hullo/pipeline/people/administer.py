"""A server or an agent changes one contact by its id."""

from __future__ import annotations

from dataclasses import dataclass, field

from hullo.errors import Conflicting, Invalid
from hullo.hooks.relay import Relay
from hullo.model.app import App
from hullo.model.change_set import ChangeSet, changed
from hullo.model.claim import Claim
from hullo.model.contact import Contact, ContactId
from hullo.model.decision import Decision
from hullo.model.decision_record import Trace
from hullo.model.identifier import Identifier
from hullo.model.limits import Limits
from hullo.model.moment import Moment
from hullo.model.standing import Standing
from hullo.pipeline.apps import AppDirectory
from hullo.pipeline.identify import usable_identifiers
from hullo.pipeline.people.lists import Lists
from hullo.pipeline.survivors import unabsorbed
from hullo.pipeline.telling import Teller
from hullo.pipeline.work import Prepared
from hullo.pipeline.writing import Pen, one_of_a_kind, wanted_writes, write
from hullo.store.protocol import Snapshot, SnapshotQuery


@dataclass(frozen=True, slots=True, kw_only=True)
class Amend:
    """A contact's fields are written by id. Everything said counts as proven; what is not said stays (W1).

    `cleared` names identifiers to take away: unlike in an identify, their null means something here.
    """

    contact_id: ContactId
    workspace_id: str
    writer: str
    claim: Claim
    cleared: frozenset[str]
    app_id: str | None
    moment: Moment
    request_id: str
    hooks: Relay
    limits: Limits
    lists: Lists = field(default_factory=Lists)

    def prepare(self, apps: AppDirectory) -> Prepared[Contact]:
        """Raises `UnknownApp`, and `Invalid` when any field is wrong: a patch is taken whole or not at all."""
        app = apps.find(self.app_id) if self.app_id is not None else None
        usable, rejected = usable_identifiers(self.claim, self.hooks, self.limits)
        if rejected:
            raise Invalid(Invalid.wrong_fields, rejected)
        named, emails = tuple(usable), self.lists.identifiers(self.hooks, self.limits)
        query = SnapshotQuery(
            workspace_id=self.workspace_id,
            app_id=None,
            contacts=(self.contact_id,),
            identifiers=tuple(identifier.digest(self.workspace_id) for identifier in (*named, *emails)),
        )
        return Prepared(query=query, decide=lambda snapshot: self._decide(named, emails, app, snapshot))

    def _decide(
        self, named: tuple[Identifier, ...], emails: tuple[Identifier, ...], app: App | None, snapshot: Snapshot
    ) -> Decision[Contact]:
        """Raises `NotFound`, and `Conflicting` for an identifier that is somebody else's, or as `unabsorbed` does."""
        contact = unabsorbed(snapshot, self.contact_id)
        for identifier in (*named, *emails):
            if snapshot.found.get(identifier.digest(self.workspace_id), contact.id) != contact.id:
                raise Conflicting(f"another contact has this {identifier.kind}")
        moment = self.moment.not_before(contact.updated_at)
        pen = Pen(by=self.writer, at=moment.now, standing=Standing.PROVEN, app=app)
        own = [(identifier, True) for identifier in one_of_a_kind(named, contact)]
        wanted = wanted_writes(self.claim, contact, pen, own, withheld=(), cleared=self.cleared)
        written = write(self.claim, contact, False, pen, wanted, self.hooks)
        written = self.lists.relisted(written, emails, pen, self.hooks)
        if not written.fields:
            return Decision(answer=contact)
        change = changed(contact, written.contact)
        trace = Trace(steps=written.steps, fields=written.verdicts())
        teller = Teller(moment, self.workspace_id, app_id=self.app_id, by=self.writer)
        teller.tell("contact.updated", contact.id, {"fields": written.fields}, written.changes)
        return Decision(
            answer=change.after,
            change_set=ChangeSet(
                contacts=(change,),
                decisions=(teller.explained(contact.id, self.request_id, trace),),
                events=teller.events,
            ),
            explain=lambda: trace,
        )
