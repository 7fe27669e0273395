"""One noun of each kind, for claims about each of them."""

from __future__ import annotations

from hullo.model.change_set import ChangeSet, insertion, replacement
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
    a_refused_origin,
    a_session,
    a_spent_token,
    a_stored_response,
    a_tombstone,
    a_visitor,
    a_webhook,
    a_workspace,
    an_api_key,
    an_app,
    an_audit_entry,
    an_event,
    an_identity_key,
)


def one_of_each() -> ChangeSet:
    """A change set that creates one noun of each kind."""
    ann = a_contact("con_1", external_id="ann", email="ann@shop.example", name="Ann", custom_data={APP: {"vip": True}})
    bob = a_contact("con_2", email="bob@shop.example")
    return ChangeSet(
        workspaces=(insertion(a_workspace()),),
        apps=(insertion(an_app(identity_keys=(an_identity_key(), a_public_key()))),),
        api_keys=(insertion(an_api_key()),),
        contacts=(insertion(ann), insertion(bob)),
        visitors=(a_visitor(),),
        sessions=(insertion(a_session(contact_id=ann.id)),),
        conversations=(insertion(a_conversation(contact_id=ann.id)),),
        messages=(a_message(repeat_key="repeat"),),
        conflicts=(insertion(a_conflict()),),
        decisions=(a_decision(),),
        stored_responses=(a_stored_response(),),
        spent=(a_spent_token(),),
        call_counts=(a_call_count(),),
        refused_origins=(a_refused_origin(),),
        merges=(insertion(a_merge()),),
        contact_events=(a_contact_event(),),
        notes=(a_note(),),
        webhooks=(insertion(a_webhook()),),
        deliveries=(insertion(a_delivery()),),
        tombstones=(a_tombstone(),),
        audit_entries=(an_audit_entry(),),
        events=(an_event(),),
    )


# Made once: it is frozen, and several modules parametrise their claims with it.
ONE_OF_EACH = one_of_each()
# One noun each: in `ONE_OF_EACH` any of them could cause the refusal.
CREATIONS = {
    "workspace": ChangeSet(workspaces=ONE_OF_EACH.workspaces),
    "app": ChangeSet(apps=ONE_OF_EACH.apps),
    "api key": ChangeSet(api_keys=ONE_OF_EACH.api_keys),
    "contact": ChangeSet(contacts=ONE_OF_EACH.contacts),
    "visitor": ChangeSet(visitors=ONE_OF_EACH.visitors),
    "session": ChangeSet(sessions=ONE_OF_EACH.sessions),
    "conversation": ChangeSet(conversations=ONE_OF_EACH.conversations),
    "message": ChangeSet(messages=ONE_OF_EACH.messages),
    "conflict": ChangeSet(conflicts=ONE_OF_EACH.conflicts),
    "decision": ChangeSet(decisions=ONE_OF_EACH.decisions),
    "answer": ChangeSet(stored_responses=ONE_OF_EACH.stored_responses),
    "spent token": ChangeSet(spent=ONE_OF_EACH.spent),
    "merge": ChangeSet(merges=ONE_OF_EACH.merges),
    "contact event": ChangeSet(contact_events=ONE_OF_EACH.contact_events),
    "note": ChangeSet(notes=ONE_OF_EACH.notes),
    "webhook": ChangeSet(webhooks=ONE_OF_EACH.webhooks),
    "delivery": ChangeSet(deliveries=ONE_OF_EACH.deliveries),
    "audit entry": ChangeSet(audit_entries=ONE_OF_EACH.audit_entries),
    "event": ChangeSet(events=ONE_OF_EACH.events),
}
# Each change keeps the values: only the version decides whether it is refused.
CHANGES = {
    "workspace": ChangeSet(workspaces=(replacement(a_workspace(), a_workspace()),)),
    "app": ChangeSet(apps=tuple(replacement(app.after, app.after) for app in ONE_OF_EACH.apps)),
    "api key": ChangeSet(api_keys=(replacement(an_api_key(), an_api_key()),)),
    "contact": ChangeSet(contacts=(replacement(ONE_OF_EACH.contacts[1].after, ONE_OF_EACH.contacts[1].after),)),
    "session": ChangeSet(sessions=tuple(replacement(held.after, held.after) for held in ONE_OF_EACH.sessions)),
    "conversation": ChangeSet(
        conversations=tuple(replacement(held.after, held.after) for held in ONE_OF_EACH.conversations)
    ),
    "conflict": ChangeSet(conflicts=(replacement(a_conflict(), a_conflict()),)),
    "merge": ChangeSet(merges=(replacement(a_merge(), a_merge()),)),
    "webhook": ChangeSet(webhooks=(replacement(a_webhook(), a_webhook()),)),
    "delivery": ChangeSet(deliveries=(replacement(a_delivery(), a_delivery()),)),
}
