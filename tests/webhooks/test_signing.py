"""Messages are signed as Standard Webhooks has it: the receivers' own library reads them."""

from __future__ import annotations

import base64
import time

import pytest
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from hullo.hooks.entry_points import open_store
from hullo.model.instant import DAY, HOUR, SECOND
from hullo.model.request_context import RequestContext, system_clock
from hullo.webhooks.admin import MAX_SECRETS
from hullo.webhooks.signing import new_secret, signature_headers
from webhooks.office import Office
from webhooks.receiving import Receiver

pytestmark = pytest.mark.rule("R4")


@pytest.fixture
def office(by_hand: None) -> Office:
    """In the receivers' own time, as they refuse what is older than five minutes."""
    office = Office(open_store("memory:"))
    office.clock.now = system_clock()
    return office


def test_secret_follows_the_format() -> None:
    secrets = [new_secret(RequestContext.at(0)) for _ in range(100)]
    assert len(set(secrets)) == 100
    for secret in secrets:
        assert secret.startswith("whsec_")
        assert 24 <= len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) <= 64


def test_example_of_the_format_is_signed_alike() -> None:
    headers = signature_headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330 * SECOND,
        '{"test": 2432232314}',
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_receiver_verifies_message_and_rejects_changed_one(office: Office, receiver: Receiver) -> None:
    new = office.subscribe(receiver)
    contact_id = office.upsert(external_id="jane").contact_id
    office.deliver()
    [message] = receiver.messages
    assert message.verified_with(new.secret)["data"]["contact_id"] == contact_id
    for secret, body, headers in (
        (new_secret(office.hullo.new_context()), message.body, message.headers),
        (new.secret, message.body.replace("created", "updated"), message.headers),
        (new.secret, message.body, {**message.headers, "webhook-id": "evt_1"}),
        (new.secret, message.body, {**message.headers, "webhook-timestamp": str(int(time.time()) + 1)}),
    ):
        with pytest.raises(WebhookVerificationError):
            Verifier(secret).verify(body, dict(headers))


def test_message_states_send_time_and_stays_same(office: Office, receiver: Receiver) -> None:
    new = office.subscribe(receiver)
    receiver.answer = lambda message: 500
    office.upsert(external_id="jane")
    office.deliver()
    office.clock.now += 10 * SECOND
    receiver.answer = lambda message: 200
    office.deliver()
    first, second = receiver.messages
    assert (first.id, first.body) == (second.id, second.body)
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) in {10, 11}
    assert first.verified_with(new.secret) == second.verified_with(new.secret)


class TestRotation:
    def test_old_secret_signs_one_more_day(self, office: Office, receiver: Receiver) -> None:
        old = office.subscribe(receiver)
        new = office.book.rotate_secret(old.webhook.id)
        assert new.secret != old.secret
        office.book.send_test(old.webhook.id)
        office.clock.now += DAY
        office.book.send_test(old.webhook.id)
        during, after = receiver.messages
        assert during.verified_with(old.secret)
        assert during.verified_with(new.secret)
        assert len(during.headers["webhook-signature"].split()) == 2
        assert len(after.headers["webhook-signature"].split()) == 1
        now = dict(after.headers)
        said = f"{after.id}.{now['webhook-timestamp']}.{after.body}"
        assert now["webhook-signature"] == signed_by(new.secret, said)

    def test_leaked_secret_is_gone_at_once(self, office: Office, receiver: Receiver) -> None:
        old = office.subscribe(receiver)
        new = office.book.rotate_secret(old.webhook.id, overlap=0)
        office.book.send_test(old.webhook.id)
        [message] = receiver.messages
        assert message.verified_with(new.secret)
        with pytest.raises(WebhookVerificationError):
            message.verified_with(old.secret)
        assert len(new.webhook.secrets) == 1

    def test_second_rotation_prolongs_no_old_secret(self, office: Office, receiver: Receiver) -> None:
        webhook_id = office.subscribe(receiver).webhook.id
        first = office.book.rotate_secret(webhook_id, overlap=HOUR).webhook.secrets[1]
        again = office.book.rotate_secret(webhook_id, overlap=DAY).webhook.secrets
        assert [each.expires_at for each in again] == [None, again[0].created_at + DAY, first.expires_at]

    def test_number_of_signing_secrets_is_limited(self, office: Office, receiver: Receiver) -> None:
        webhook_id = office.subscribe(receiver).webhook.id
        for _ in range(MAX_SECRETS - 1):
            office.book.rotate_secret(webhook_id)
        with pytest.raises(Exception, match="secrets sign already"):
            office.book.rotate_secret(webhook_id)
        assert len(office.book.rotate_secret(webhook_id, overlap=0).webhook.secrets) == 1


def signed_by(secret: str, said: str) -> str:
    """Without the time that its receiver would ask for."""
    from datetime import UTC, datetime

    message_id, seconds, body = said.split(".", 2)
    return Verifier(secret).sign(message_id, datetime.fromtimestamp(int(seconds), UTC), body)
