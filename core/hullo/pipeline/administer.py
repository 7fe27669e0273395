"""What a server or an agent does to one contact by its id: change it, log it out, or erase it (P2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hullo.errors import Conflicting, Invalid, NotFound
from hullo.hooks.relay import Relay
from hullo.model.change_set import ChangeSet, Erasure, LogOut, changed
from hullo.model.claim import Claim
from hullo.model.contact import Contact, ContactId
from hullo.model.decision import Decision
from hullo.model.decision_record import DecisionRecord, Trace
from hullo.model.event import Event
from hullo.model.identifier import Identifier
from hullo.model.limits import Limits
from hullo.model.moment import Moment
from hullo.model.standing import Standing
from hullo.pipeline.apps import AppDirectory
from hullo.pipeline.identify import usable_identifiers
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

    def prepare(self, apps: AppDirectory) -> Prepared[Contact]:
        """Raises `UnknownApp`, and `Invalid` when any field is wrong: a patch is taken whole or not at all."""
        app = apps.find(self.app_id) if self.app_id is not None else None
        usable, rejected = usable_identifiers(self.claim, self.hooks, self.limits)
        if rejected:
            raise Invalid(Invalid.wrong_fields, rejected)
        named = tuple(usable)
        query = SnapshotQuery(
            workspace_id=self.workspace_id,
            app_id=None,
            contacts=(self.contact_id,),
            identifiers=tuple(identifier.digest(self.workspace_id) for identifier in named),
        )
        pen = Pen(by=self.writer, at=self.moment.now, standing=Standing.PROVEN, app=app)
        return Prepared(query=query, decide=lambda snapshot: self._decide(named, pen, snapshot))

    def _decide(self, named: tuple[Identifier, ...], pen: Pen, snapshot: Snapshot) -> Decision[Contact]:
        """Raises `NotFound`, and `Conflicting` for an identifier that is somebody else's."""
        contact = snapshot.contacts.get(self.contact_id)
        if contact is None:
            raise NotFound("no such contact")
        for identifier in named:
            if snapshot.found.get(identifier.digest(self.workspace_id), contact.id) != contact.id:
                raise Conflicting(f"another contact has this {identifier.kind}")
        own = [(identifier, True) for identifier in one_of_a_kind(named, contact)]
        wanted = wanted_writes(self.claim, contact, pen, own, withheld=(), cleared=self.cleared)
        written = write(self.claim, contact, False, pen, wanted, self.hooks)
        if not written.fields:
            return Decision(answer=contact)
        change = changed(contact, written.contact)
        trace = Trace(steps=written.steps, fields=written.verdicts())
        return Decision(
            answer=change.after,
            change_set=ChangeSet(
                contacts=(change,),
                decisions=(self._record(trace),),
                events=(self._event(written.fields),),
            ),
            explain=lambda: trace,
        )

    def _record(self, trace: Trace) -> DecisionRecord:
        return DecisionRecord(
            id=self.moment.new_id("dec"),
            workspace_id=self.workspace_id,
            app_id=self.app_id,
            contact_id=self.contact_id,
            request_id=self.request_id,
            at=self.moment.now,
            by=self.writer,
            matched_by="id",
            standing=Standing.PROVEN.word,
            trace=trace,
        )

    def _event(self, fields: list[str]) -> Event:
        return Event(
            id=self.moment.new_id("evt"),
            name="contact.updated",
            at=self.moment.now,
            workspace_id=self.workspace_id,
            app_id=self.app_id,
            contact_id=self.contact_id,
            data={"fields": fields},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOutEverywhere:
    """Every session of one person ends, in every app and browser: what a stolen token was good for is over (S2)."""

    contact_id: ContactId
    workspace_id: str
    moment: Moment

    def prepare(self, apps: AppDirectory) -> Prepared[ContactId]:  # noqa: ARG002 - no app is asked
        """Refuses nothing: the key was checked by whoever took the call."""
        query = SnapshotQuery(workspace_id=self.workspace_id, app_id=None, contacts=(self.contact_id,))
        return Prepared(query=query, decide=self._decide)

    def _decide(self, snapshot: Snapshot) -> Decision[ContactId]:
        """Raises `NotFound`."""
        if self.contact_id not in snapshot.contacts:
            raise NotFound("no such contact")
        over = LogOut(contact_id=self.contact_id, at=self.moment.now)
        return Decision(answer=self.contact_id, change_set=ChangeSet(log_outs=(over,)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Erase:
    """Everything about one person is removed (P2)."""

    contact_id: ContactId
    workspace_id: str
    conversations: Literal["erase", "anonymise"]
    moment: Moment

    def prepare(self, apps: AppDirectory) -> Prepared[ContactId]:  # noqa: ARG002 - no app is asked
        """Refuses nothing: the key was checked by whoever took the call."""
        query = SnapshotQuery(workspace_id=self.workspace_id, app_id=None, contacts=(self.contact_id,))
        return Prepared(query=query, decide=self._decide)

    def _decide(self, snapshot: Snapshot) -> Decision[ContactId]:
        """Raises `NotFound`."""
        contact = snapshot.contacts.get(self.contact_id)
        if contact is None:
            raise NotFound("no such contact")
        now = self.moment.now
        event = Event(
            id=self.moment.new_id("evt"),
            name="contact.erased",
            at=now,
            workspace_id=self.workspace_id,
            contact_id=contact.id,
            data={"conversations": self.conversations},
        )
        erasure = Erasure(contact=contact, conversations=self.conversations, at=now)
        return Decision(answer=contact.id, change_set=ChangeSet(erasures=(erasure,), events=(event,)))
