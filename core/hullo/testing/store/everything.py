"""Something of everything, for claims that are about each of them."""

from __future__ import annotations

from hullo.model.change_set import ChangeSet, changed, created
from hullo.testing.builders import (
    APP,
    a_call_count,
    a_conflict,
    a_contact,
    a_contact_event,
    a_conversation,
    a_decision,
    a_delivery,
    a_merge,
    a_message,
    a_note,
    a_public_key,
    a_session,
    a_spent,
    a_tombstone,
    a_visitor,
    a_webhook,
    a_workspace,
    an_answer,
    an_api_key,
    an_app,
    an_audit_entry,
    an_event,
    an_identity_key,
)


def one_of_everything() -> ChangeSet:
    """A change set that creates one noun of each kind."""
    ann = a_contact("con_1", external_id="ann", email="ann@shop.example", name="Ann", custom_data={APP: {"vip": True}})
    bob = a_contact("con_2", email="bob@shop.example")
    return ChangeSet(
        workspaces=(created(a_workspace()),),
        apps=(created(an_app(identity_keys=(an_identity_key(), a_public_key()))),),
        api_keys=(created(an_api_key()),),
        contacts=(created(ann), created(bob)),
        visitors=(a_visitor(),),
        sessions=(created(a_session(contact_id=ann.id)),),
        conversations=(created(a_conversation(contact_id=ann.id)),),
        messages=(a_message(repeat_key="repeat"),),
        conflicts=(created(a_conflict()),),
        decisions=(a_decision(),),
        answers=(an_answer(),),
        spent=(a_spent(),),
        call_counts=(a_call_count(),),
        merges=(created(a_merge()),),
        contact_events=(a_contact_event(),),
        notes=(a_note(),),
        webhooks=(created(a_webhook()),),
        deliveries=(created(a_delivery()),),
        tombstones=(a_tombstone(),),
        audits=(an_audit_entry(),),
        events=(an_event(),),
    )


EVERYTHING = one_of_everything()
CREATIONS = {
    "workspace": ChangeSet(workspaces=EVERYTHING.workspaces),
    "app": ChangeSet(apps=EVERYTHING.apps),
    "api key": ChangeSet(api_keys=EVERYTHING.api_keys),
    "contact": ChangeSet(contacts=EVERYTHING.contacts),
    "visitor": ChangeSet(visitors=EVERYTHING.visitors),
    "session": ChangeSet(sessions=EVERYTHING.sessions),
    "conversation": ChangeSet(conversations=EVERYTHING.conversations),
    "message": ChangeSet(messages=EVERYTHING.messages),
    "conflict": ChangeSet(conflicts=EVERYTHING.conflicts),
    "decision": ChangeSet(decisions=EVERYTHING.decisions),
    "answer": ChangeSet(answers=EVERYTHING.answers),
    "spent token": ChangeSet(spent=EVERYTHING.spent),
    "merge": ChangeSet(merges=EVERYTHING.merges),
    "contact event": ChangeSet(contact_events=EVERYTHING.contact_events),
    "note": ChangeSet(notes=EVERYTHING.notes),
    "webhook": ChangeSet(webhooks=EVERYTHING.webhooks),
    "delivery": ChangeSet(deliveries=EVERYTHING.deliveries),
    "audit entry": ChangeSet(audits=EVERYTHING.audits),
    "event": ChangeSet(events=EVERYTHING.events),
}
CHANGES = {
    "workspace": ChangeSet(workspaces=(changed(a_workspace(), a_workspace()),)),
    "app": ChangeSet(apps=tuple(changed(app.after, app.after) for app in EVERYTHING.apps)),
    "api key": ChangeSet(api_keys=(changed(an_api_key(), an_api_key()),)),
    "contact": ChangeSet(contacts=(changed(EVERYTHING.contacts[1].after, EVERYTHING.contacts[1].after),)),
    "session": ChangeSet(sessions=tuple(changed(held.after, held.after) for held in EVERYTHING.sessions)),
    "conversation": ChangeSet(
        conversations=tuple(changed(held.after, held.after) for held in EVERYTHING.conversations)
    ),
    "conflict": ChangeSet(conflicts=(changed(a_conflict(), a_conflict()),)),
    "merge": ChangeSet(merges=(changed(a_merge(), a_merge()),)),
    "webhook": ChangeSet(webhooks=(changed(a_webhook(), a_webhook()),)),
    "delivery": ChangeSet(deliveries=(changed(a_delivery(), a_delivery()),)),
}
