"""Claims about the outbox, leases, and deliveries to webhooks (R4)."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from hullo.model.change_set import ChangeSet, insertion, replacement
from hullo.model.instant import HOUR, Instant
from hullo.model.webhook import Delivery, DeliveryState
from hullo.store.protocol import PageRequest, Store
from hullo.testing.builders import (
    LATER,
    NOW,
    a_contact,
    a_delivery,
    a_session,
    a_webhook,
    an_event,
)
from hullo.testing.store.case import StoreCase, apply_one, is_conflict, must_apply, new_contacts
from hullo.testing.store.threads import ROUNDS, run_in_threads

PAGE = PageRequest()
EVENT_WITHOUT_CONTACT = an_event(contact_id=None)


def new_deliveries(*deliveries: Delivery) -> ChangeSet:
    """A change set that creates them."""
    return ChangeSet(deliveries=tuple(map(insertion, deliveries)))


def finished(delivery: Delivery, state: DeliveryState = "delivered") -> ChangeSet:
    """A change set that ends it."""
    return ChangeSet(deliveries=(replacement(delivery, replace(delivery, state=state, last_at=LATER)),))


class DeliveryTests(StoreCase):
    """See the module."""

    def test_outbox_holds_bare_events_until_delivered(self, store: Store) -> None:
        # Committed out of order: clocks of processes differ, and the outbox is read by id (R4).
        events = [an_event(f"evt_{number}") for number in (3, 1, 2)]
        bare = [replace(an_event(f"evt_{number}"), changes=()) for number in (1, 2, 3)]
        must_apply(store, new_contacts(a_contact()), *(ChangeSet(events=(event,)) for event in events))
        assert list(store.list_outbox(10)) == bare
        assert list(store.list_outbox(2)) == bare[:2]
        must_apply(
            store,
            ChangeSet(dispatched_event_ids=("evt_1", "evt_3", "evt_gone")),
            # Again: two processes may dispatch one event, and the second removal must be no conflict.
            ChangeSet(dispatched_event_ids=("evt_1",)),
        )
        assert list(store.list_outbox(10)) == bare[1:2]

    def test_event_without_contact_comes_back_as_applied(self, store: Store) -> None:
        event = replace(
            EVENT_WITHOUT_CONTACT, app_id=None, by=None, changes=(), data={"n": 1, "list": [1, "two", None], "f": 1.5}
        )
        must_apply(store, ChangeSet(events=(event,)))
        assert store.list_outbox(1) == (event,)

    def test_refused_change_puts_nothing_in_outbox(self, store: Store) -> None:
        must_apply(store, new_contacts(a_contact(email="ann@shop.example")))
        taken = a_contact("con_2", email="ann@shop.example")
        # R4: an event of a change that was refused would tell of what never happened.
        assert is_conflict(apply_one(store, replace(new_contacts(taken), events=(EVENT_WITHOUT_CONTACT,))))
        assert store.list_outbox(10) == ()

    def test_outbox_lists_group_events_by_id(self, store: Store) -> None:
        events = [replace(EVENT_WITHOUT_CONTACT, id=f"evt_{number:03}") for number in range(40)]
        store.apply([ChangeSet(events=(events[number], events[number + 20])) for number in reversed(range(20))])
        assert [event.id for event in store.list_outbox(100)] == [event.id for event in events]

    def test_outbox_exit_writes_deliveries_with_it(self, store: Store) -> None:
        must_apply(store, ChangeSet(events=(EVENT_WITHOUT_CONTACT,)))
        both = replace(
            new_deliveries(a_delivery(), a_delivery("dlv_2")), dispatched_event_ids=(EVENT_WITHOUT_CONTACT.id,)
        )
        must_apply(store, both)
        assert store.list_outbox(10) == ()
        # A delivery's id is derived from its event, so a second process that writes it is refused.
        assert is_conflict(apply_one(store, both))
        assert [delivery.id for delivery in store.list_due_deliveries(LATER, 10)] == ["dlv_1"]

    def test_lease_has_one_holder_until_released(self, store: Store) -> None:
        assert store.acquire_lease("tell", "a", NOW, NOW + 10)
        assert not store.acquire_lease("tell", "b", NOW, NOW + 10)
        assert store.acquire_lease("other", "b", NOW, NOW + 10)
        # The holder may renew before the end.
        assert store.acquire_lease("tell", "a", NOW + 5, NOW + 15)
        assert not store.acquire_lease("tell", "b", NOW + 14, NOW + 24)
        # A lease ends at its last instant, not after it: two processes must agree on which.
        assert store.acquire_lease("tell", "b", NOW + 15, NOW + 25)
        # No longer the holder: a late release must not free the lease of another process.
        store.release_lease("tell", "a")
        assert not store.acquire_lease("tell", "a", NOW + 16, NOW + 26)
        store.release_lease("tell", "b")
        assert store.acquire_lease("tell", "a", NOW + 16, NOW + 26)

    def test_threads_taking_same_lease_one_wins(self, store: Store) -> None:
        """When nobody has had it yet, and each time that it has ended."""
        for round_ in range(ROUNDS):
            now = NOW + round_ * HOUR

            # `now` as a default: a closure would read the loop's variable later.
            def take(number: int, now: Instant = now) -> bool:
                return store.acquire_lease("tell", f"thread {number}", now, now + HOUR)

            assert run_in_threads(take).count(True) == 1

    def test_webhook_comes_back_until_deleted(self, store: Store) -> None:
        hooks = [a_webhook("whk_1"), a_webhook("whk_2", app_id=None), a_webhook("whk_3", workspace_id="ws_2")]
        # Empty lists must not come back as None, nor as one empty text.
        hooks[1] = replace(hooks[1], events=(), secrets=())
        must_apply(store, ChangeSet(webhooks=tuple(map(insertion, hooks))))
        assert [store.find_webhook(hook.id) for hook in hooks] == hooks
        assert store.find_webhook("whk_gone") is None
        assert store.list_webhooks("ws_1") == (hooks[1], hooks[0])
        assert store.list_webhooks(None) == tuple(reversed(hooks))
        gone = replacement(hooks[0], replace(hooks[0], deleted_at=LATER))
        must_apply(store, ChangeSet(webhooks=(gone,)))
        assert store.list_webhooks("ws_1") == (hooks[1],)
        assert store.list_webhooks(None) == (hooks[2], hooks[1])
        # A deleted one is still found, as its deliveries name it.
        assert store.find_webhook("whk_1") == gone.after

    def test_delivery_keeps_its_outcome(self, store: Store) -> None:
        delivery = replace(a_delivery(contact_id=None), body='{"Łódź": "💛\\n"}')
        must_apply(store, new_deliveries(delivery))
        assert store.find_delivery("dlv_1") == delivery
        assert store.find_delivery("dlv_gone") is None
        failed = replace(
            delivery, state="failed", tries=3, last_status=503, last_error="no answer in 10 s", last_at=LATER
        )
        must_apply(store, ChangeSet(deliveries=(replacement(delivery, failed),)))
        assert store.find_delivery("dlv_1") == replace(failed, version=1)
        assert store.list_deliveries("whk_1", PAGE).items == (replace(failed, version=1),)
        assert is_conflict(apply_one(store, new_deliveries(delivery)))
        replayed = replacement(replace(failed, version=1), replace(failed, state="pending", next_at=LATER))
        must_apply(store, ChangeSet(deliveries=(replayed,)))
        assert store.list_due_deliveries(LATER, 10) == (replayed.after,)

    def test_due_deliveries_come_longest_waiting_first(self, store: Store) -> None:
        waits = {"dlv_1": 5, "dlv_2": 3, "dlv_3": 9, "dlv_4": 3}
        must_apply(
            store, new_deliveries(*(a_delivery(id, contact_id=None, next_at=NOW + wait) for id, wait in waits.items()))
        )

        def due(now: Instant, limit: int = 10) -> list[str]:
            return [delivery.id for delivery in store.list_due_deliveries(now, limit)]

        assert (due(NOW + 2), due(NOW + 3), due(NOW + 9)) == (
            [],
            ["dlv_2", "dlv_4"],
            ["dlv_2", "dlv_4", "dlv_1", "dlv_3"],
        )
        assert due(NOW + 9, 3) == ["dlv_2", "dlv_4", "dlv_1"]
        assert store.next_delivery_at() == NOW + 3

    def test_deliveries_of_webhook_and_contact_go_serially(self, store: Store) -> None:
        first, second, third = (a_delivery(f"dlv_{number}") for number in (1, 2, 3))
        late = replace(first, next_at=LATER)
        others = (a_delivery("dlv_4", contact_id="con_2"), a_delivery("dlv_5", webhook_id="whk_2"))
        must_apply(store, new_deliveries(late, second, third, *others))

        def due(now: Instant) -> list[str]:
            return [delivery.id for delivery in store.list_due_deliveries(now, 10)]

        # The first of `con_1` is not due, so those behind it wait too (R4).
        assert due(NOW) == ["dlv_4", "dlv_5"]
        assert due(LATER) == ["dlv_4", "dlv_5", "dlv_1"]
        assert store.next_delivery_at() == NOW
        # A failed one makes way like a delivered one: else one dead message would block a contact for ever.
        must_apply(store, finished(late), finished(second, "failed"))
        assert due(NOW) == ["dlv_3", "dlv_4", "dlv_5"]

    def test_busy_webhooks_are_left_out_before_limit(self, store: Store) -> None:
        """`list_due_deliveries(…, without)`."""
        webhooks = {"dlv_1": "whk_1", "dlv_2": "whk_2", "dlv_3": "whk_1", "dlv_4": "whk_3"}
        must_apply(
            store,
            new_deliveries(*(a_delivery(id, webhook_id=webhook, contact_id=None) for id, webhook in webhooks.items())),
        )

        def due(limit: int, *without: str) -> list[str]:
            return [delivery.id for delivery in store.list_due_deliveries(LATER, limit, without)]

        assert due(10) == ["dlv_1", "dlv_2", "dlv_3", "dlv_4"]
        # Left out before the limit counts: a busy webhook's backlog would fill the batch.
        assert due(1, "whk_1") == ["dlv_2"]
        assert due(10, "whk_1", "whk_3") == ["dlv_2"]
        assert due(10, "whk_1", "whk_2", "whk_3", "whk_4") == []

    def test_next_due_follows_first_delivery_in_line(self, store: Store) -> None:
        assert store.next_delivery_at() is None
        must_apply(store, new_deliveries(a_delivery("dlv_1", next_at=LATER), a_delivery("dlv_2", next_at=NOW)))
        # The second is due before the first, and still has to wait for it.
        assert store.next_delivery_at() == LATER
        must_apply(store, finished(a_delivery("dlv_1", next_at=LATER)))
        assert store.next_delivery_at() == NOW

    @pytest.mark.parametrize("state", ["delivered", "failed"])
    def test_old_finished_deliveries_are_forgotten(self, store: Store, state: DeliveryState) -> None:
        tried = [
            replace(a_delivery(f"dlv_{number}"), state=state, last_at=NOW + number if number else None)
            for number in range(5)
        ]
        must_apply(store, new_deliveries(*tried, a_delivery("dlv_pending")))
        assert store.delete_deliveries(NOW + 3, 2) == 2
        assert store.delete_deliveries(NOW + 3, 2) == 1
        assert store.delete_deliveries(NOW + 3, 2) == 0
        left = [item.id for item in store.list_deliveries("whk_1", PAGE).items]
        # A pending one is never too old: retention must not lose what is not yet told.
        assert left == ["dlv_pending", "dlv_4", "dlv_3"]

    def test_session_event_is_stored_once(self, store: Store) -> None:
        """An event belongs to the change that it tells of: with one refused, the other is not there."""
        event = replace(EVENT_WITHOUT_CONTACT, id="evt_1")
        changes = ChangeSet(sessions=(insertion(a_session()),), events=(event,))
        assert [is_conflict(result) for result in store.apply([changes, changes])] == [False, True]
        assert [event.id for event in store.list_outbox(10)] == ["evt_1"]
