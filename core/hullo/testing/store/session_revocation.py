"""Claims about revocations: a contact's proven sessions end, or all of a hop group, and no others (S2, S5, H4)."""

from __future__ import annotations

from msgspec.structs import replace

from hullo.model.change_set import ChangeSet, Erasure, HopGroupRevocation, SessionRevocation, insertion, replacement
from hullo.model.standing import Standing
from hullo.model.visitor import Session
from hullo.store.protocol import Store
from hullo.testing.builders import LATER, NOW, a_contact, a_session, a_spent_token
from hullo.testing.store.case import StoreCase, apply_one, is_conflict, must_apply, new_contacts, session_change

ANN = a_contact("con_1", external_id="ann")
BOB = a_contact("con_2", external_id="bob")
REVOKE_ANN = ChangeSet(session_revocations=(SessionRevocation(contact_id=ANN.id, at=LATER),))


def session_of_ann(number: int, app_id: str = "app_1") -> Session:
    """One of Ann's sessions."""
    return a_session(f"hvs_{number}", app_id=app_id, visitor_id=f"vis_{number}", contact_id=ANN.id)


def revoked(session: Session, version: int = 1) -> Session:
    """As the log-out leaves it."""
    return replace(session, revoked_at=LATER, version=version)


class SessionRevocationTests(StoreCase):
    """See the module."""

    def test_log_out_ends_all_sessions_of_contact(self, store: Store) -> None:
        here, elsewhere = session_of_ann(1), session_of_ann(2, "app_2")
        # Two that must stay: another contact's, and an anonymous one.
        bobs, nobodys = a_session("bob", visitor_id="vis_3", contact_id=BOB.id), a_session("new", visitor_id="vis_4")
        _hold(store, here, elsewhere, bobs, nobodys)
        must_apply(store, REVOKE_ANN)
        held = [store.find_session(session.digest) for session in (here, elsewhere, bobs, nobodys)]
        assert held == [revoked(here), revoked(elsewhere), bobs, nobodys]

    def test_log_out_leaves_claiming_sessions_valid(self, store: Store) -> None:
        # H4: a visitor who only claimed to be Ann must not learn from the end of the session that she was logged out.
        claimed, owned = (
            replace(session_of_ann(number), standing=standing, claimed_identifiers={"email": "ann"})
            for number, standing in enumerate((Standing.CLAIMED, Standing.OWNED))
        )
        left, proven = replace(claimed, digest="left", revoked_at=NOW), session_of_ann(2)
        _hold(store, claimed, owned, left, proven)
        must_apply(store, REVOKE_ANN)
        held = [store.find_session(session.digest) for session in (claimed, owned, left, proven)]
        stripped = [replace(session.without_contact(), version=1) for session in (claimed, owned)]
        assert held == [*stripped, left, revoked(proven)]
        assert is_conflict(apply_one(store, session_change(replacement(claimed, replace(claimed, seen_at=LATER)))))

    def test_log_out_leaves_ended_sessions_as_are(self, store: Store) -> None:
        # Ended earlier: its time and version must stay, as nothing happens to it.
        left, here = replace(session_of_ann(1), revoked_at=NOW), session_of_ann(2)
        _hold(store, left, here)
        must_apply(store, REVOKE_ANN)
        must_apply(store, ChangeSet(session_revocations=(SessionRevocation(contact_id=ANN.id, at=LATER + 1),)))
        assert [store.find_session(session.digest) for session in (left, here)] == [left, revoked(here)]

    def test_log_out_refuses_decisions_on_older_session(self, store: Store) -> None:
        session = session_of_ann(1)
        _hold(store, session)
        must_apply(store, REVOKE_ANN)
        # Race: a call that was decided before the log-out must not make the session valid again.
        assert is_conflict(apply_one(store, session_change(replacement(session, replace(session, seen_at=LATER)))))

    def test_log_out_ends_sessions_of_same_set(self, store: Store) -> None:
        kept, moved, new = session_of_ann(1), replace(session_of_ann(2), contact_id=BOB.id), session_of_ann(3)
        # Becomes Ann's in the very set that logs her out: it must end too.
        arrived = replacement(replace(session_of_ann(4), contact_id=None), session_of_ann(4))
        left = replacement(moved, replace(moved, contact_id=ANN.id, revoked_at=NOW))
        assert arrived.before is not None
        _hold(store, kept, moved, arrived.before)
        must_apply(store, replace(REVOKE_ANN, sessions=(left, arrived, insertion(new))))
        held = [store.find_session(session.digest) for session in (kept, moved, arrived.after, new)]
        assert held == [revoked(kept), left.after, revoked(arrived.after, version=2), revoked(new)]

    def test_log_out_in_group_covers_earlier_changes(self, store: Store) -> None:
        _hold(store)
        earlier, later = session_of_ann(1), session_of_ann(2)
        # Order counts in a group: a session that is made after a log-out goes on.
        results = store.apply(
            [session_change(insertion(earlier)), REVOKE_ANN, session_change(insertion(later)), REVOKE_ANN]
        )
        assert not any(map(is_conflict, results))
        held = [store.find_session(session.digest) for session in (earlier, later)]
        assert held == [revoked(earlier), revoked(later)]
        newest = session_of_ann(3)
        assert not any(map(is_conflict, store.apply([REVOKE_ANN, session_change(insertion(newest))])))
        assert store.find_session(newest.digest) == newest

    def test_log_out_takes_several_contacts(self, store: Store) -> None:
        anns, bobs = session_of_ann(1), replace(session_of_ann(2), contact_id=BOB.id)
        _hold(store, anns, bobs)
        # Named twice in one set: the first one counts.
        again = SessionRevocation(contact_id=ANN.id, at=LATER + 1)
        must_apply(
            store,
            replace(
                REVOKE_ANN,
                session_revocations=(
                    *REVOKE_ANN.session_revocations,
                    SessionRevocation(contact_id=BOB.id, at=LATER),
                    again,
                ),
            ),
        )
        assert [store.find_session(session.digest) for session in (anns, bobs)] == [revoked(anns), revoked(bobs)]

    def test_log_out_without_contact_is_no_conflict(self, store: Store) -> None:
        must_apply(store, REVOKE_ANN)

    def test_refused_log_out_ends_no_session(self, store: Store) -> None:
        session = session_of_ann(1)
        _hold(store, session)
        must_apply(store, ChangeSet(spent=(a_spent_token(),)))
        assert is_conflict(apply_one(store, replace(REVOKE_ANN, spent=(a_spent_token(),))))
        assert store.find_session(session.digest) == session

    def test_erasure_comes_after_log_out_beside_it(self, store: Store) -> None:
        session = session_of_ann(1)
        _hold(store, session)
        erasure = Erasure(contact=ANN, conversations="erase", at=LATER + 1, salt="salt")
        must_apply(store, replace(REVOKE_ANN, erasures=(erasure,)))
        # After the erasure no session names the contact, so a log-out that came second would find none.
        forgotten = replace(session, contact_id=None, standing=None, claimed_identifiers={}, proven_identifiers=())
        assert store.find_session(session.digest) == revoked(forgotten, version=2)

    def test_group_ends_with_all_its_sessions(self, store: Store) -> None:
        here, there = (replace(session_of_ann(number, f"app_{number}"), hop_group="hop_1") for number in (1, 2))
        other, alone = replace(session_of_ann(3), hop_group="hop_2"), session_of_ann(4)
        _hold(store, here, there, other, alone)
        assert store.find_session(here.digest) == here
        ended = HopGroupRevocation(hop_group="hop_1", at=LATER, standing=Standing.PROVEN, contact_id=ANN.id)
        # As a reset writes it: the caller's session by its version, the others by their group.
        own = replacement(here, replace(here, revoked_at=NOW))
        must_apply(store, replace(session_change(own), hop_group_revocations=(ended,)))
        held = [store.find_session(session.digest) for session in (here, there, other, alone)]
        assert held == [own.after, revoked(there), other, alone]
        # Race: a call that was decided before must not make an ended session valid again.
        assert is_conflict(apply_one(store, session_change(replacement(there, replace(there, seen_at=LATER)))))

    def test_claimed_end_spares_proven_sessions(self, store: Store) -> None:
        proven = replace(session_of_ann(1), hop_group="hop_1")
        claimed = replace(session_of_ann(2), hop_group="hop_1", standing=Standing.OWNED, proven_identifiers=())
        anonymous = replace(claimed, digest="3", visitor_id="vis_3", standing=None, contact_id=None)
        _hold(store, proven, claimed, anonymous)
        ended = HopGroupRevocation(hop_group="hop_1", at=LATER, standing=Standing.OWNED, contact_id=ANN.id)
        must_apply(store, ChangeSet(hop_group_revocations=(ended,)))
        held = [store.find_session(session.digest) for session in (proven, claimed, anonymous)]
        assert held == [proven, revoked(claimed), revoked(anonymous)]

    def test_group_that_ends_spares_later_sessions(self, store: Store) -> None:
        _hold(store)
        earlier, later = (replace(session_of_ann(number), hop_group="hop_1") for number in (1, 2))
        ended = ChangeSet(
            hop_group_revocations=(
                HopGroupRevocation(hop_group="hop_1", at=LATER, standing=Standing.PROVEN, contact_id=ANN.id),
            )
        )
        results = store.apply([session_change(insertion(earlier)), ended, session_change(insertion(later)), ended])
        assert not any(map(is_conflict, results))
        assert [store.find_session(session.digest) for session in (earlier, later)] == [
            revoked(earlier),
            revoked(later),
        ]
        newest = replace(session_of_ann(3), hop_group="hop_1")
        assert not any(map(is_conflict, store.apply([ended, session_change(insertion(newest))])))
        assert store.find_session(newest.digest) == newest


def _hold(store: Store, *sessions: Session) -> None:
    must_apply(store, new_contacts(ANN, BOB), ChangeSet(sessions=tuple(insertion(session) for session in sessions)))
