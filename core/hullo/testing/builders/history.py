"""How contacts came to be what they are."""

from __future__ import annotations

from hullo.model.audit import AuditEntry, AuditHead, next_entry
from hullo.model.conflict import Conflict
from hullo.model.contact import Contact
from hullo.model.decision_record import DecisionRecord, FieldVerdict, Step, Trace
from hullo.model.event import Event, EventName, FieldChange
from hullo.model.identifier import EMAIL
from hullo.model.instant import Instant
from hullo.model.merge import Merge
from hullo.model.note import Note
from hullo.model.standing import Standing
from hullo.model.timeline import ContactEvent
from hullo.model.tombstone import Tombstone, tombstone_digest
from hullo.testing.builders.constants import APP, LATER, NOW, WORKSPACE, WRITER
from hullo.testing.builders.people import a_contact


def a_conflict(
    id: str = "cfl_1", *, workspace_id: str = WORKSPACE, contact_id: str = "con_1", other_id: str = "con_2"
) -> Conflict:
    """An open conflict about an email."""
    return Conflict(
        id=id,
        workspace_id=workspace_id,
        app_id=APP,
        contact_id=contact_id,
        other_id=other_id,
        field=EMAIL,
        rule="C2",
        created_at=NOW,
    )


def a_decision(id: str = "dec_1", *, workspace_id: str = WORKSPACE, contact_id: str = "con_1") -> DecisionRecord:
    """A decision with a trace of one step and one field."""
    return DecisionRecord(
        id=id,
        workspace_id=workspace_id,
        app_id=APP,
        contact_id=contact_id,
        request_id=f"req_{id}",
        at=NOW,
        by=WRITER,
        matched_by=EMAIL,
        standing=Standing.PROVEN.label,
        trace=Trace(
            steps=(Step(stage="match", plugin="email", answer="found"),),
            fields=(FieldVerdict(field="name", verdict="written", reason="was blank"),),
        ),
    )


def a_merge(id: str = "mrg_1", *, survivor: Contact | None = None, absorbed: Contact | None = None) -> Merge:
    """A merge that stands, of the contacts as they were before; without any, of `con_1` and `con_2`."""
    survivor = survivor if survivor is not None else a_contact("con_1", external_id="ann")
    absorbed = absorbed if absorbed is not None else a_contact("con_2", email="ann@shop.example")
    return Merge(
        id=id,
        workspace_id=survivor.workspace_id,
        survivor_id=survivor.id,
        absorbed_id=absorbed.id,
        at=LATER,
        by=WRITER,
        rule="by hand",
        survivor_before=survivor,
        absorbed_before=absorbed,
    )


def an_event(
    id: str = "evt_1",
    name: EventName = "contact.updated",
    *,
    workspace_id: str = WORKSPACE,
    app_id: str | None = APP,
    contact_id: str | None = "con_1",
    at: Instant = NOW,
) -> Event:
    """An event that is told and shown in the contact's timeline, with the value that changed."""
    return Event(
        id=id,
        name=name,
        at=at,
        workspace_id=workspace_id,
        app_id=app_id,
        contact_id=contact_id,
        data={"fields": ["name"]},
        by=WRITER,
        changes=(FieldChange(field="name", before=None, after="Ann"),),
    )


def a_contact_event(
    id: str = "cev_1", *, workspace_id: str = WORKSPACE, app_id: str | None = APP, contact_id: str = "con_1"
) -> ContactEvent:
    """An order that a site reports."""
    return ContactEvent(
        id=id,
        workspace_id=workspace_id,
        app_id=app_id,
        contact_id=contact_id,
        name="order placed",
        occurred_at=NOW,
        by=WRITER,
        # A float, nested values and a null: a site's own data comes back as it was sent.
        properties={"total": 49.5, "items": [{"sku": "4711", "count": 2}], "gift": None},
    )


def a_note(
    id: str = "note_1", *, workspace_id: str = WORKSPACE, subject_id: str = "con_1", text: str = "Call her"
) -> Note:
    """A note about a contact."""
    return Note(id=id, workspace_id=workspace_id, subject_id=subject_id, text=text, at=NOW, by=WRITER)


def a_tombstone(name: str = "ann@shop.example", *, workspace_id: str = WORKSPACE, at: Instant = NOW) -> Tombstone:
    """Somebody of this name was erased."""
    return Tombstone(digest=tombstone_digest("salt", name), workspace_id=workspace_id, at=at)


def an_audit_entry(head: AuditHead | None = None, *, workspace_id: str = WORKSPACE, at: Instant = NOW) -> AuditEntry:
    """The one that follows; without a head, the workspace's first."""
    return next_entry(
        head if head is not None else AuditHead(),
        workspace_id=workspace_id,
        at=at,
        by=WRITER,
        action="contact.exported",
        subject="con_1",
        # A number and a list: the digest of an entry covers both in any form that an engine keeps them in.
        data={"conversations": 2, "kinds": ["email"]},
    )
