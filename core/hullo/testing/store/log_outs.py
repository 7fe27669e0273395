"""Claims about `LogOut`: whatever a contact's sessions are by then, they are over, and nobody else's are (S2)."""

from __future__ import annotations

from dataclasses import replace

from hullo.model.change_set import ChangeSet, Erasure, LogOut, changed, created
from hullo.model.visitor import Session
from hullo.store.protocol import Store
from hullo.testing.builders import LATER, NOW, a_contact, a_session, a_spent
from hullo.testing.store.case import StoreCase, apply_one, must_apply, new_contacts, refused, session_change

ANN = a_contact("con_1", external_id="ann")
BOB = a_contact("con_2", external_id="bob")
LOG_OUT = ChangeSet(log_outs=(LogOut(contact_id=ANN.id, at=LATER),))


def of_ann(number: int, app_id: str = "app_1") -> Session:
    """One of Ann's sessions."""
    return a_session(f"hvs_{number}", app_id=app_id, visitor_id=f"vis_{number}", contact_id=ANN.id)


def over(session: Session, version: int = 1) -> Session:
    """As the log-out leaves it."""
    return replace(session, revoked_at=LATER, version=version)


class LogOutClaims(StoreCase):
    """See the module."""

    def test_every_session_of_the_contact_ends_and_stays_what_it_was(self, store: Store) -> None:
        here, elsewhere = of_ann(1), of_ann(2, "app_2")
        bobs, nobodys = a_session("bob", visitor_id="vis_3", contact_id=BOB.id), a_session("new", visitor_id="vis_4")
        _hold(store, here, elsewhere, bobs, nobodys)
        must_apply(store, LOG_OUT)
        held = [store.find_session(each.digest) for each in (here, elsewhere, bobs, nobodys)]
        assert held == [over(here), over(elsewhere), bobs, nobodys]

    def test_those_that_are_over_stay_as_they_are(self, store: Store) -> None:
        left, here = replace(of_ann(1), revoked_at=NOW), of_ann(2)
        _hold(store, left, here)
        must_apply(store, LOG_OUT)
        must_apply(store, ChangeSet(log_outs=(LogOut(contact_id=ANN.id, at=LATER + 1),)))
        assert [store.find_session(each.digest) for each in (left, here)] == [left, over(here)]

    def test_what_was_decided_on_a_session_before_it_ended_is_refused(self, store: Store) -> None:
        session = of_ann(1)
        _hold(store, session)
        must_apply(store, LOG_OUT)
        assert refused(apply_one(store, session_change(changed(session, replace(session, seen_at=LATER)))))

    def test_sessions_that_the_same_change_set_writes_end_with_the_others(self, store: Store) -> None:
        kept, moved, new = of_ann(1), replace(of_ann(2), contact_id=BOB.id), of_ann(3)
        arrived = changed(replace(of_ann(4), contact_id=None), of_ann(4))
        left = changed(moved, replace(moved, contact_id=ANN.id, revoked_at=NOW))
        assert arrived.before is not None
        _hold(store, kept, moved, arrived.before)
        must_apply(store, replace(LOG_OUT, sessions=(left, arrived, created(new))))
        held = [store.find_session(each.digest) for each in (kept, moved, arrived.after, new)]
        assert held == [over(kept), left.after, over(arrived.after, version=2), over(new)]

    def test_in_a_group_it_is_about_what_came_before_it(self, store: Store) -> None:
        _hold(store)
        earlier, later = of_ann(1), of_ann(2)
        results = store.apply([session_change(created(earlier)), LOG_OUT, session_change(created(later)), LOG_OUT])
        assert not any(map(refused, results))
        held = [store.find_session(each.digest) for each in (earlier, later)]
        assert held == [over(earlier), over(later)]
        newest = of_ann(3)
        assert not any(map(refused, store.apply([LOG_OUT, session_change(created(newest))])))
        assert store.find_session(newest.digest) == newest

    def test_several_contacts_may_be_logged_out_at_once(self, store: Store) -> None:
        anns, bobs = of_ann(1), replace(of_ann(2), contact_id=BOB.id)
        _hold(store, anns, bobs)
        again = LogOut(contact_id=ANN.id, at=LATER + 1)
        must_apply(store, replace(LOG_OUT, log_outs=(*LOG_OUT.log_outs, LogOut(contact_id=BOB.id, at=LATER), again)))
        assert [store.find_session(each.digest) for each in (anns, bobs)] == [over(anns), over(bobs)]

    def test_it_is_no_conflict_when_there_is_nobody(self, store: Store) -> None:
        must_apply(store, LOG_OUT)

    def test_with_what_is_refused_nobody_is_logged_out(self, store: Store) -> None:
        session = of_ann(1)
        _hold(store, session)
        must_apply(store, ChangeSet(spent=(a_spent(),)))
        assert refused(apply_one(store, replace(LOG_OUT, spent=(a_spent(),))))
        assert store.find_session(session.digest) == session

    def test_an_erasure_beside_it_comes_after_it(self, store: Store) -> None:
        session = of_ann(1)
        _hold(store, session)
        erasure = Erasure(contact=ANN, conversations="erase", at=LATER + 1)
        must_apply(store, replace(LOG_OUT, erasures=(erasure,)))
        forgotten = replace(session, contact_id=None, standing=None, claimed={}, proved=())
        assert store.find_session(session.digest) == over(forgotten, version=2)


def _hold(store: Store, *sessions: Session) -> None:
    must_apply(store, new_contacts(ANN, BOB), ChangeSet(sessions=tuple(created(each) for each in sessions)))
