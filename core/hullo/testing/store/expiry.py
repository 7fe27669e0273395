"""Claims about what `apply` keeps of each noun: references, uniqueness, expiry, growth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import pytest
from msgspec.structs import replace

from hullo.model.change_set import CallCount, ChangeSet, KeyUse, insertion, replacement
from hullo.model.instant import DAY, HOUR, Instant
from hullo.model.request_context import secret_digest
from hullo.model.snapshot import SnapshotQuery
from hullo.store.protocol import APPLIED, Store
from hullo.testing.builders import (
    APP,
    LATER,
    NOW,
    TODAY,
    WORKSPACE,
    a_call_count,
    a_conflict,
    a_conversation,
    a_decision,
    a_message,
    a_public_key,
    a_refused_origin,
    a_session,
    a_spent_token,
    a_stored_response,
    an_app,
    an_identity_key,
)
from hullo.testing.store.case import StoreCase, apply_one, is_conflict, must_apply, session_change
from hullo.testing.store.everything import ONE_OF_EACH

EXPIRING: dict[str, Callable[[str, Instant], ChangeSet]] = {
    "answer": lambda name, at: ChangeSet(stored_responses=(a_stored_response(name, at=at, lifetime=HOUR),)),
    "spent token": lambda name, at: ChangeSet(spent=(a_spent_token(name, at=at, lifetime=HOUR),)),
}


class ExpiryTests(StoreCase):
    """See the module."""

    def test_link_to_gone_contact_is_refused(self, store: Store) -> None:
        """Somebody may erase a contact while a call that found it is being decided."""
        assert is_conflict(apply_one(store, session_change(insertion(a_session(contact_id="con_gone")))))
        linked = insertion(a_conversation(contact_id="con_gone"))
        assert is_conflict(apply_one(store, ChangeSet(conversations=(linked,))))
        assert is_conflict(apply_one(store, ChangeSet(decisions=(a_decision(contact_id="con_gone"),))))
        assert is_conflict(apply_one(store, ChangeSet(messages=(a_message(conversation_id="cnv_gone"),))))

    def test_contact_pair_has_one_open_conflict(self, store: Store) -> None:
        must_apply(store, ONE_OF_EACH)
        mirrored = insertion(a_conflict("cfl_2", contact_id="con_2", other_id="con_1"))
        # C9: the pair counts, not which of the two is named first.
        assert is_conflict(apply_one(store, ChangeSet(conflicts=(mirrored,))))
        resolved = replacement(a_conflict(), replace(a_conflict(), status="resolved"))
        # Both in one set: in any order the open place is given up before it is taken.
        must_apply(store, ChangeSet(conflicts=(mirrored, resolved)))
        reopened = replacement(resolved.after, replace(resolved.after, status="open"))
        assert is_conflict(apply_one(store, ChangeSet(conflicts=(reopened,))))

    def test_message_is_not_stored_twice(self, store: Store) -> None:
        must_apply(store, ONE_OF_EACH)
        again = replace(ONE_OF_EACH.messages[0], id="msg_2")
        assert is_conflict(apply_one(store, ChangeSet(messages=(again,))))
        # Without a repeat key nothing is compared: None is no value that two messages share.
        unnumbered = (a_message("msg_3"), a_message("msg_4"))
        must_apply(store, ChangeSet(messages=unnumbered))

    @pytest.mark.parametrize("kind", EXPIRING)
    def test_expiring_item_is_kept_until_then(self, store: Store, kind: str) -> None:
        made = EXPIRING[kind]
        must_apply(store, made("once", NOW))
        # One microsecond before its end it still counts, and at its end no longer.
        assert is_conflict(apply_one(store, made("once", NOW + HOUR - 1)))
        must_apply(store, made("once", NOW + HOUR))
        assert is_conflict(apply_one(store, made("once", NOW + HOUR)))
        assert _count_by_kind(store, ["once"]) == {kind: 1}

    @pytest.mark.parametrize("kind", EXPIRING)
    def test_second_expiring_item_in_group_refused(self, store: Store, kind: str) -> None:
        made = EXPIRING[kind]
        # In one group: the second has not seen the first in any snapshot.
        results = store.apply([made("once", NOW), made("once", NOW), made("other", NOW)])
        assert [is_conflict(result) for result in results] == [False, True, False]
        assert _count_by_kind(store, ["once", "other"]) == {kind: 2}

    @pytest.mark.parametrize("kind", EXPIRING)
    def test_expiry_within_group_does_not_free_first(self, store: Store, kind: str) -> None:
        made = EXPIRING[kind]
        must_apply(store, made("once", NOW))
        # Clearing away by the latest time of the group would free the first one too early.
        results = store.apply([made("once", NOW + HOUR - 1), made("other", NOW + HOUR)])
        assert [is_conflict(result) for result in results] == [True, False]

    @pytest.mark.parametrize("kind", EXPIRING)
    def test_expired_item_makes_way_despite_backlog(self, store: Store, kind: str) -> None:
        made = EXPIRING[kind]
        # More than a store clears away at a time, so the one that is needed is not among the first.
        assert set(store.apply([made(f"older {number}", NOW - 1) for number in range(40)])) == {APPLIED}
        must_apply(store, made("once", NOW), made("once", NOW + HOUR))

    @pytest.mark.parametrize("kind", EXPIRING)
    def test_expired_items_do_not_pile_up(self, store: Store, kind: str) -> None:
        made = EXPIRING[kind]
        old = [f"old {number}" for number in range(40)]
        assert set(store.apply([made(name, NOW) for name in old])) == {APPLIED}
        # What has expired needs no job: later writes clear it away.
        must_apply(store, *(made(f"new {number}", LATER) for number in range(40)))
        assert _count_by_kind(store, old) == {}

    def test_expired_answer_is_replaced_by_new_one(self, store: Store) -> None:
        first = a_stored_response("once", lifetime=HOUR)
        renewed = replace(first, body=b"other", at=first.expires_at, expires_at=first.expires_at + HOUR)
        must_apply(store, ChangeSet(stored_responses=(first,)), ChangeSet(stored_responses=(renewed,)))
        (snapshot,) = store.load(
            [SnapshotQuery(workspace_id=WORKSPACE, app_id=None, stored_response_digest=first.digest)]
        )
        assert snapshot.stored_response == renewed

    def test_app_change_replaces_its_keys(self, store: Store) -> None:
        keys = (an_identity_key("key_0"), *(a_public_key(f"key_{n}", created_at=NOW + n) for n in (1, 2)))
        before = an_app(identity_keys=keys[:2])
        must_apply(store, ChangeSet(apps=(insertion(before),)))
        after = replace(before, identity_keys=(replace(keys[1], retires_at=LATER, public_key="{}"), keys[2]))
        change = replacement(before, after)
        must_apply(store, ChangeSet(apps=(change,)))
        assert store.find_app(APP) == change.after
        assert store.list_apps() == (change.after,)

    def test_key_use_keeps_app_version_never_rewinds(self, store: Store) -> None:
        app = an_app(identity_keys=(an_identity_key(),))
        must_apply(store, ChangeSet(apps=(insertion(app),)))
        # The later use first: a process with a slow clock must not set the time back (V4).
        for at in (LATER, NOW):
            must_apply(store, ChangeSet(key_uses=(KeyUse(app_id=APP, key_id="key_1", at=at),)))
        used = replace(app, identity_keys=(replace(an_identity_key(), last_used_at=LATER),))
        # The version stays: a key's use must not make a change of settings conflict.
        assert store.find_app(APP) == used
        must_apply(store, ChangeSet(apps=(replacement(app, replace(app, name="Renamed")),)))
        assert store.find_app(APP) == replace(used, name="Renamed", version=1)

    def test_use_of_gone_key_is_no_conflict(self, store: Store) -> None:
        must_apply(store, ChangeSet(key_uses=(KeyUse(app_id=APP, key_id="key_gone", at=NOW),)))

    def test_refused_origins_add_up_and_expire(self, store: Store) -> None:
        other, preflight = a_refused_origin("https://other.test", calls=5), a_refused_origin(app_id="", calls=2)
        must_apply(
            store,
            ChangeSet(refused_origins=(a_refused_origin(), a_refused_origin(calls=3), other)),
            ChangeSet(refused_origins=(preflight, a_refused_origin(hour=TODAY + HOUR))),
        )
        now, later = (a_refused_origin(calls=4), other, preflight), a_refused_origin(hour=TODAY + HOUR)
        assert store.list_refused_origins(TODAY + DAY) == (*sorted(now, key=lambda held: held.digest), later)
        assert store.list_refused_origins(TODAY + DAY + HOUR) == (later,)
        must_apply(store, ChangeSet(refused_origins=(a_refused_origin(hour=TODAY + DAY + HOUR),)))
        # Those that had expired by then are gone for good, at every time that is asked about.
        assert [held.hour for held in store.list_refused_origins(0)] == [TODAY + HOUR, TODAY + DAY + HOUR]

    def test_call_counts_add_up_per_app_day(self, store: Store) -> None:
        # More than 32 bits: a flood of wrong hashes must not overflow the counter.
        yesterday, huge = TODAY - DAY, 2**40
        group = [
            ChangeSet(call_counts=(a_call_count(), a_call_count(wrong=huge), a_call_count(day=yesterday))),
            ChangeSet(call_counts=(a_call_count(), a_call_count("app_2"))),
            ChangeSet(call_counts=(a_call_count(day=yesterday - DAY),)),
        ]
        assert set(store.apply(group)) == {APPLIED}
        must_apply(store, ChangeSet(call_counts=(CallCount(app_id=APP, day=TODAY, unsigned=1),)))
        today = a_call_count(signed=9, unsigned=7, wrong=huge + 2)
        assert store.list_call_counts(APP, TODAY) == (today,)
        assert store.list_call_counts(APP, yesterday) == (a_call_count(day=yesterday), today)
        assert [count.day for count in store.list_call_counts(APP, 0)] == [
            yesterday - DAY,
            yesterday,
            TODAY,
        ]
        assert store.list_call_counts("app_2", 0) == (a_call_count("app_2"),)
        assert store.list_call_counts(APP, TODAY + 1) == store.list_call_counts("app_3", 0) == ()

    def test_call_counts_of_refused_set_are_dropped(self, store: Store) -> None:
        spent, counted = ChangeSet(spent=(a_spent_token(),)), ChangeSet(call_counts=(a_call_count(),))
        must_apply(store, counted)
        again = replace(spent, call_counts=counted.call_counts)
        # A count belongs to its change set: of a refused one nothing is counted (R3).
        results = store.apply([spent, again, counted])
        assert [is_conflict(result) for result in results] == [False, True, False]
        assert store.list_call_counts(APP, TODAY) == (a_call_count(signed=6, unsigned=4, wrong=2),)


def _count_by_kind(store: Store, names: Sequence[str]) -> Counter[str]:
    """How many of them are there, by their kind."""
    digests = tuple(map(secret_digest, names))
    answers = [SnapshotQuery(workspace_id=WORKSPACE, app_id=None, stored_response_digest=digest) for digest in digests]
    spent = SnapshotQuery(workspace_id=WORKSPACE, app_id=None, spent=digests)
    *told, last = store.load([*answers, spent])
    return +Counter(
        {"answer": sum(snapshot.stored_response is not None for snapshot in told), "spent token": len(last.spent)}
    )
