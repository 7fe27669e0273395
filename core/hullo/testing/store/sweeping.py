"""Claims about retention (P3): what is too old goes, with all that belongs to it, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from hullo.model.block import ContactBlock
from hullo.model.change_set import ChangeSet, insertion
from hullo.model.contact import Contact
from hullo.model.conversation import Conversation
from hullo.model.fact import Fact, Scalar
from hullo.model.instant import DAY, Instant
from hullo.model.request_context import secret_digest
from hullo.model.retention import Sweep, SweepResult
from hullo.model.standing import Standing
from hullo.model.visitor import Session
from hullo.store.protocol import ConversationFilter, PageRequest, Store
from hullo.testing.builders import (
    APP,
    NOW,
    WORKSPACE,
    a_contact,
    a_contact_event,
    a_conversation,
    a_decision,
    a_message,
    a_note,
    a_session,
    a_visitor,
    an_event,
)
from hullo.testing.store.case import StoreCase, must_apply, new_contacts
from hullo.testing.store.merging import ANN, OLD, merge_changes, merge_of, owned_by, owned_records, split_changes
from hullo.testing.store.threads import run_in_threads

PAGE = PageRequest(limit=1000)
SESSION_SWEEP = Sweep(app_id=APP, now=NOW, anonymous_before=NOW - 30 * DAY)
CONVERSATION_SWEEP = Sweep(app_id=APP, now=NOW, conversations_before=NOW - 10 * DAY)
NOTHING_REMOVED = SweepResult()


def a_visitor_session(
    name: str, *, seen: Instant = NOW, over: Instant | None = None, revoked: Instant | None = None, app_id: str = APP
) -> Session:
    """Of the visitor of that name."""
    session = replace(a_session(name, visitor_id=f"vis_{name}", app_id=app_id), seen_at=seen, revoked_at=revoked)
    return session if over is None else replace(session, expires_at=over)


def a_visitor_conversation(name: str, last: Instant, *, app_id: str = APP) -> Conversation:
    """Of the visitor of that name."""
    talk = a_conversation(f"cnv_{name}", visitor_id=f"vis_{name}", app_id=app_id)
    return replace(talk, last_message_at=last)


def store_sessions(store: Store, *nouns: Session | Conversation) -> None:
    """With the visitors that they are of."""
    sessions = [noun for noun in nouns if isinstance(noun, Session)]
    talks = [noun for noun in nouns if isinstance(noun, Conversation)]
    visitors = {noun.visitor_id: a_visitor(noun.visitor_id, app_id=noun.app_id) for noun in nouns}
    must_apply(
        store,
        ChangeSet(
            visitors=tuple(visitors.values()),
            sessions=tuple(map(insertion, sessions)),
            conversations=tuple(map(insertion, talks)),
            messages=tuple(
                a_message(f"msg_{talk.id}_{number}", conversation_id=talk.id) for talk in talks for number in range(2)
            ),
        ),
    )


def remaining_sessions(store: Store, *names: str) -> list[str]:
    """Whose sessions are still there."""
    return [name for name in names if store.find_session(secret_digest(name)) is not None]


def _fact(standing: Standing) -> Callable[[Scalar], Fact]:
    return lambda value: Fact(value=value, standing=standing, at=NOW, by="visitor:vis_1")


class SweepTests(StoreCase):
    """See the module."""

    def test_sweep_removes_ended_sessions_of_any_contact(self, store: Store) -> None:
        must_apply(store, new_contacts(a_contact()))
        expired = a_visitor_session("expired", over=NOW)
        known = replace(a_visitor_session("known", over=NOW - DAY), contact_id="con_1")
        revoked = a_visitor_session("revoked", revoked=NOW)
        kept = (a_visitor_session("kept", over=NOW + 1), a_visitor_session("elsewhere", over=NOW, app_id="app_2"))
        store_sessions(store, expired, known, revoked, *kept)
        assert store.sweep(replace(SESSION_SWEEP, anonymous_before=None)) == SweepResult(sessions=3, visitors=3)
        assert remaining_sessions(store, "expired", "known", "revoked", "kept", "elsewhere") == ["kept", "elsewhere"]

    def test_sweep_removes_stale_silent_anonymous_visitors(self, store: Store) -> None:
        must_apply(store, new_contacts(a_contact()))
        long_ago = NOW - 31 * DAY
        store_sessions(
            store,
            a_visitor_session("old", seen=long_ago),
            # S3: exactly 30 days is not over yet.
            a_visitor_session("at the limit", seen=NOW - 30 * DAY),
            replace(a_visitor_session("known", seen=long_ago), contact_id="con_1"),
            # Says that it is somebody who was erased, and is told from nobody who is known.
            replace(a_visitor_session("veiled", seen=long_ago), standing=Standing.CLAIMED),
            a_visitor_session("spoke", seen=long_ago),
            a_visitor_conversation("spoke", long_ago),
            a_visitor_session("elsewhere", seen=long_ago, app_id="app_2"),
        )
        names = ("old", "at the limit", "known", "veiled", "spoke", "elsewhere")
        assert store.sweep(SESSION_SWEEP) == SweepResult(sessions=1, visitors=1)
        assert remaining_sessions(store, *names) == list(names[1:])
        assert store.sweep(SESSION_SWEEP) == NOTHING_REMOVED

    def test_sweep_removes_contacts_that_nobody_proved(self, store: Store) -> None:
        long_ago, claimed, proven = NOW - 400 * DAY, _fact(Standing.OWNED), _fact(Standing.PROVEN)

        def contact(name: str, **fields: Any) -> Contact:
            made = a_contact(f"con_{name}", email=f"{name}@example.com")
            return replace(made, **{"last_seen_at": long_ago, "identifiers": {"email": claimed(name)}, **fields})

        gone = [
            contact("a_alone", custom_data={APP: {"n": claimed(3), "text": claimed("x,y")}}),
            contact("b_many", also={"email": (claimed("other"),)}, profile={"name": claimed("Ann")}),
        ]
        kept = [
            contact("named", identifiers={"email": proven("named")}),
            contact("also", also={"email": (proven("second"),)}),
            contact("profile", profile={"name": proven("Ann")}),
            contact("custom", custom_data={APP: {"n": claimed(1)}, "app_2": {"n": proven(True)}}),
            contact("tagged", tags={"vip": proven(True)}),
            contact("absorbed", absorbed=1),
            contact("blocked", blocks=(ContactBlock(id="blk_1", at=NOW, by="agent:ada", of_contact=True),)),
            contact("fresh", last_seen_at=NOW - 365 * DAY),
            contact("talked"),
            contact("noted"),
            contact("elsewhere", workspace_id="ws_2"),
        ]
        must_apply(store, new_contacts(*gone, *kept))
        store_sessions(
            store,
            replace(a_visitor_session("claimant"), contact_id="con_a_alone", standing=Standing.OWNED),
            replace(a_visitor_conversation("talker", NOW - 399 * DAY), contact_id="con_talked"),
        )
        must_apply(store, ChangeSet(notes=(a_note(subject_id="con_noted"),)))
        sweep = Sweep(app_id="", now=NOW, workspace_id=WORKSPACE, contacts_before=NOW - 365 * DAY, limit=1)
        assert store.sweep(sweep, dry_run=True).contacts == 2
        for expected in gone:
            swept = store.sweep(sweep)
            assert swept == SweepResult(contacts=1, last_contact=expected.id)
            assert store.find_contact(WORKSPACE, expected.id) is None
            sweep = replace(sweep, contacts_after=swept.last_contact)
        assert store.sweep(sweep) == NOTHING_REMOVED
        assert all(store.find_contact(contact.workspace_id, contact.id) for contact in kept)
        # H4: the visitor is answered as before, and the identifier is free again.
        session = store.find_session(secret_digest("claimant"))
        assert session is not None
        assert (session.contact_id, session.standing, session.revoked_at) == (None, Standing.CLAIMED, None)
        must_apply(store, new_contacts(replace(gone[0], id="con_again")))

    def test_sweep_keeps_visitors_with_conversation_or_session(self, store: Store) -> None:
        # A second session of the same visitor: the visitor goes with the last one only.
        other = replace(a_visitor_session("other"), visitor_id="vis_two")
        store_sessions(
            store,
            a_visitor_session("spoke", over=NOW),
            a_visitor_conversation("spoke", NOW),
            a_visitor_session("two", over=NOW),
        )
        must_apply(store, ChangeSet(sessions=(insertion(other),)))
        assert store.sweep(SESSION_SWEEP) == SweepResult(sessions=2, visitors=0)
        assert remaining_sessions(store, "spoke", "two", "other") == ["other"]
        assert store.find_conversation(WORKSPACE, "cnv_spoke") is not None

    def test_sweep_takes_conversation_with_messages_and_notes(self, store: Store) -> None:
        last = NOW - 11 * DAY
        store_sessions(
            store,
            a_visitor_session("a"),
            a_visitor_conversation("a", last),
            a_visitor_conversation("b", NOW - 10 * DAY),
            a_visitor_conversation("c", last, app_id="app_2"),
        )
        must_apply(
            store,
            ChangeSet(notes=(a_note("note_1", subject_id="cnv_a"), a_note("note_2", subject_id="cnv_b"))),
        )
        assert store.sweep(CONVERSATION_SWEEP) == SweepResult(conversations=1, messages=2)
        left = [item.id for item in store.list_conversations(ConversationFilter(workspace_id=WORKSPACE), PAGE).items]
        assert left == ["cnv_c", "cnv_b"]
        assert (store.list_messages("cnv_a", PAGE).items, len(store.list_messages("cnv_b", PAGE).items)) == ((), 2)
        assert (store.find_note(WORKSPACE, "note_1"), store.find_note(WORKSPACE, "note_2") is None) == (None, False)
        # The session stays: only its own age ends it.
        assert remaining_sessions(store, "a") == ["a"]
        # The id is free again: nothing of the message was left behind.
        must_apply(store, ChangeSet(messages=(a_message("msg_cnv_a_0", conversation_id="cnv_b"),)))

    def test_sweep_removes_visitor_with_its_last_item(self, store: Store) -> None:
        """Its session was over first, and then its conversation was too old."""
        store_sessions(store, a_visitor_session("a", over=NOW), a_visitor_conversation("a", NOW - 9 * DAY))
        assert store.sweep(SESSION_SWEEP) == SweepResult(sessions=1)
        later = replace(CONVERSATION_SWEEP, conversations_before=NOW)
        assert store.sweep(later) == SweepResult(conversations=1, messages=2, visitors=1)

    def test_sweep_removes_decisions_timelines_by_app_time(self, store: Store) -> None:
        must_apply(store, new_contacts(a_contact()))
        for number, (app_id, at) in enumerate(((APP, NOW - 2), (APP, NOW - 1), ("app_2", NOW - 2), (None, NOW - 2))):
            must_apply(
                store,
                ChangeSet(
                    decisions=(replace(a_decision(f"dec_{number}"), app_id=app_id, at=at),),
                    events=(an_event(f"evt_{number}", app_id=app_id, at=at),),
                    contact_events=(replace(a_contact_event(f"cev_{number}", app_id=app_id), occurred_at=at),),
                ),
            )
        sweep = Sweep(app_id=APP, now=NOW, decisions_before=NOW - 1, timeline_before=NOW - 1)
        assert store.sweep(sweep) == SweepResult(decisions=1, timeline=2)
        assert [item.id for item in store.list_decisions(WORKSPACE, "con_1", PAGE).items] == ["dec_3", "dec_2", "dec_1"]
        left = [item.id for item in store.list_timeline(WORKSPACE, "con_1", PAGE).items]
        assert left == ["evt_3", "evt_2", "evt_1", "cev_3", "cev_2", "cev_1"]
        # What is not dispatched yet stays in the outbox: retention shortens memory, and loses no event (R4).
        assert len(store.list_outbox(10)) == 4

    def test_sweep_without_age_keeps_everything(self, store: Store) -> None:
        must_apply(store, new_contacts(a_contact()), ChangeSet(decisions=(a_decision(),), events=(an_event(),)))
        store_sessions(store, a_visitor_session("a", seen=0), a_visitor_conversation("b", 0))
        far = Sweep(app_id=APP, now=NOW)
        assert store.sweep(far) == store.sweep(far, dry_run=True) == NOTHING_REMOVED

    def test_sweep_run_is_capped_per_kind(self, store: Store) -> None:
        names = [f"{number:02}" for number in range(5)]
        store_sessions(store, *(a_visitor_session(name, seen=0) for name in names))
        store_sessions(
            store,
            *(a_visitor_session(f"x{name}", over=NOW) for name in names),
            *(a_visitor_conversation(f"y{name}", 0) for name in names),
        )
        sweep = replace(SESSION_SWEEP, conversations_before=NOW, limit=4)
        # In small runs: a sweep of everything would hold locks for as long as it lasts.
        runs = [store.sweep(sweep) for _ in range(4)]
        assert [(run.sessions, run.conversations) for run in runs] == [(4, 4), (4, 1), (2, 0), (0, 0)]
        assert sum(runs, NOTHING_REMOVED) == SweepResult(sessions=10, visitors=15, conversations=5, messages=10)

    def test_sweep_dry_run_counts_and_removes_nothing(self, store: Store) -> None:
        must_apply(store, new_contacts(a_contact()))
        must_apply(store, ChangeSet(decisions=(a_decision(),), events=(an_event(),)))
        old = NOW - 40 * DAY
        store_sessions(store, *(a_visitor_session(f"plain {number}", seen=old) for number in range(3)))
        store_sessions(
            store, a_visitor_session("spoke long ago", seen=old), a_visitor_conversation("spoke long ago", old)
        )
        store_sessions(store, a_visitor_session("spoke", seen=old), a_visitor_conversation("spoke", NOW))
        store_sessions(
            store,
            a_visitor_session("over", over=NOW),
            a_visitor_conversation("over", NOW),
            a_visitor_session("over and out", over=NOW, revoked=old),
        )
        store_sessions(
            store, a_visitor_conversation("nobody's", old), a_visitor_session("now"), a_visitor_conversation("now", old)
        )
        store_sessions(store, replace(a_visitor_session("known", over=NOW), contact_id="con_1"))
        sweep = replace(
            SESSION_SWEEP, conversations_before=NOW - DAY, decisions_before=NOW + 1, timeline_before=NOW + 1, limit=2
        )
        # With every case in the store: the count of a dry run must be exact, as an operator decides by it.
        told = store.sweep(sweep, dry_run=True)
        assert store.sweep(sweep, dry_run=True) == told
        done = NOTHING_REMOVED
        while (run := store.sweep(sweep)).total:
            assert max(run.sessions, run.conversations, run.decisions, run.timeline) <= 2
            done += run
        assert done == told
        assert done == SweepResult(sessions=7, visitors=7, conversations=3, messages=6, decisions=1, timeline=1)

    def test_swept_items_stay_gone_after_undo(self, store: Store) -> None:
        must_apply(store, new_contacts(ANN, OLD), owned_records("con_2", 2), merge_changes(ANN, OLD))
        everything = Sweep(app_id=APP, now=NOW * 2, conversations_before=NOW + 1)
        # The merge remembers what it moved, also when retention has removed it since.
        assert store.sweep(everything) == SweepResult(sessions=2, conversations=2)
        # The same ids again: the undo must not take them for those that it had moved.
        anew = owned_records("con_2", 2)
        hers = ChangeSet(
            sessions=tuple(insertion(replace(session.after, contact_id="con_1")) for session in anew.sessions),
            conversations=tuple(
                insertion(replace(conversation.after, contact_id="con_1")) for conversation in anew.conversations
            ),
        )
        must_apply(store, hers, split_changes(store, merge_of(store)))
        assert store.count_related(WORKSPACE, "con_2").people == 1
        assert owned_by(store, "con_2") == (set(), set())

    def test_threads_sweeping_remove_everything_once(self, store: Store) -> None:
        names = [f"{number:03}" for number in range(120)]
        store_sessions(
            store,
            *(a_visitor_session(name, over=NOW) for name in names),
            *(a_visitor_conversation(name, 0) for name in names),
        )
        sweep = replace(SESSION_SWEEP, conversations_before=NOW, limit=7)

        def run(_: int) -> SweepResult:
            done = NOTHING_REMOVED
            while (swept := store.sweep(sweep)).total:
                done += swept
            return done

        done = sum(run_in_threads(run), NOTHING_REMOVED)
        # A rest may be left: a thread ends when its own run finds nothing, while others still hold rows.
        done += run(0)
        assert done == SweepResult(sessions=120, visitors=120, conversations=120, messages=240)
