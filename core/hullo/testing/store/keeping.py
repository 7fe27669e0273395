"""Claims about what `apply` keeps of each noun: what it must point at, what is unique, what expires or only grows."""

from __future__ import annotations

from dataclasses import replace

from hullo.model.change_set import ChangeSet, KeyUse, StoredAnswer, changed, created
from hullo.model.instant import HOUR
from hullo.store.protocol import SnapshotQuery, Store
from hullo.testing.builders import (
    APP,
    LATER,
    NOW,
    WORKSPACE,
    a_conflict,
    a_conversation,
    a_decision,
    a_message,
    a_session,
    an_answer,
    an_app,
    an_identity_key,
)
from hullo.testing.store.applying import EVERYTHING
from hullo.testing.store.case import StoreCase, apply_one, must_apply, refused, session_change


class KeepingClaims(StoreCase):
    """See the module."""

    def test_nothing_is_linked_to_a_contact_that_is_gone(self, store: Store) -> None:
        """Somebody may erase a contact while a call that found it is being decided."""
        assert refused(apply_one(store, session_change(created(a_session(contact_id="con_gone")))))
        linked = created(a_conversation(contact_id="con_gone"))
        assert refused(apply_one(store, ChangeSet(conversations=(linked,))))
        assert refused(apply_one(store, ChangeSet(decisions=(a_decision(contact_id="con_gone"),))))
        assert refused(apply_one(store, ChangeSet(messages=(a_message(conversation_id="cnv_gone"),))))

    def test_a_pair_of_contacts_has_one_open_conflict(self, store: Store) -> None:
        must_apply(store, EVERYTHING)
        mirrored = created(a_conflict("cfl_2", contact_id="con_2", other_id="con_1"))
        assert refused(apply_one(store, ChangeSet(conflicts=(mirrored,))))
        resolved = changed(a_conflict(), replace(a_conflict(), status="resolved"))
        must_apply(store, ChangeSet(conflicts=(mirrored, resolved)))
        reopened = changed(resolved.after, replace(resolved.after, status="open"))
        assert refused(apply_one(store, ChangeSet(conflicts=(reopened,))))

    def test_a_message_is_not_stored_twice(self, store: Store) -> None:
        must_apply(store, EVERYTHING)
        again = replace(EVERYTHING.messages[0], id="msg_2")
        assert refused(apply_one(store, ChangeSet(messages=(again,))))
        unnumbered = (a_message("msg_3"), a_message("msg_4"))
        must_apply(store, ChangeSet(messages=unnumbered))

    def test_an_answer_is_kept_until_it_expires(self, store: Store) -> None:
        first = an_answer("once", lasts=HOUR)
        again = replace(first, body=b"other", at=first.expires_at - 1)
        must_apply(store, ChangeSet(answers=(first,)))
        assert refused(apply_one(store, ChangeSet(answers=(again,))))
        renewed = replace(again, at=first.expires_at, expires_at=first.expires_at + HOUR)
        must_apply(store, ChangeSet(answers=(renewed,)))
        assert _answer(store, first) == renewed

    def test_an_expired_answer_makes_way_however_many_expired_before_it(self, store: Store) -> None:
        older = (an_answer(f"older {number}", lasts=HOUR - 1) for number in range(40))
        expired = an_answer("once", lasts=HOUR)
        must_apply(store, ChangeSet(answers=(*older, expired)))
        must_apply(store, ChangeSet(answers=(replace(expired, at=expired.expires_at),)))

    def test_expired_answers_do_not_pile_up(self, store: Store) -> None:
        old = [an_answer(f"old {number}", lasts=HOUR) for number in range(40)]
        must_apply(store, ChangeSet(answers=tuple(old)))
        must_apply(store, *(ChangeSet(answers=(an_answer(f"new {number}", at=LATER),)) for number in range(40)))
        assert [_answer(store, answer) for answer in old] == [None] * 40

    def test_the_keys_of_an_app_are_replaced_with_it(self, store: Store) -> None:
        keys = tuple(an_identity_key(f"key_{number}", created_at=NOW + number) for number in range(3))
        before = an_app(identity_keys=keys[:2])
        must_apply(store, ChangeSet(apps=(created(before),)))
        after = replace(before, identity_keys=(replace(keys[1], retires_at=LATER), keys[2]))
        change = changed(before, after)
        must_apply(store, ChangeSet(apps=(change,)))
        assert store.find_app(APP) == change.after
        assert store.list_apps() == (change.after,)

    def test_a_use_of_a_key_is_no_change_of_its_app_and_never_moves_back(self, store: Store) -> None:
        app = an_app(identity_keys=(an_identity_key(),))
        must_apply(store, ChangeSet(apps=(created(app),)))
        for at in (LATER, NOW):
            must_apply(store, ChangeSet(key_uses=(KeyUse(app_id=APP, key_id="key_1", at=at),)))
        used = replace(app, identity_keys=(replace(an_identity_key(), last_used_at=LATER),))
        assert store.find_app(APP) == used
        must_apply(store, ChangeSet(apps=(changed(app, replace(app, name="Renamed")),)))
        assert store.find_app(APP) == replace(used, name="Renamed", version=1)

    def test_a_use_of_a_key_that_is_gone_is_no_conflict(self, store: Store) -> None:
        must_apply(store, ChangeSet(key_uses=(KeyUse(app_id=APP, key_id="key_gone", at=NOW),)))


def _answer(store: Store, answer: StoredAnswer) -> StoredAnswer | None:
    (snapshot,) = store.load([SnapshotQuery(workspace_id=WORKSPACE, app_id=None, answer=answer.digest)])
    return snapshot.answer
