"""URLs that may be shown."""

from __future__ import annotations

import pytest

from hullo.store.urls import mask_secrets


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("memory:", "memory:"),
        ("sqlite:///hullo.db?synchronous=normal", "sqlite:///hullo.db?synchronous=normal"),
        ("sqlite:////srv/a:b@c.db", "sqlite:////srv/a:b@c.db"),
        ("postgresql://localhost/hullo", "postgresql://localhost/hullo"),
        ("postgresql://shop@localhost:5432/hullo", "postgresql://shop@localhost:5432/hullo"),
        ("postgresql://shop:s3cret@localhost:5432/hullo", "postgresql://shop:***@localhost:5432/hullo"),
        ("mysql://:s3cret@localhost/hullo", "mysql://:***@localhost/hullo"),
        ("postgresql:///hullo?host=/run&user=shop", "postgresql:///hullo?host=/run&user=shop"),
        (
            "postgresql://localhost/hullo?password=s3cret&user=shop",
            "postgresql://localhost/hullo?password=***&user=shop",
        ),
        (
            "mysql://localhost/hullo?user=shop&ssl_passphrase=s3cret",
            "mysql://localhost/hullo?user=shop&ssl_passphrase=***",
        ),
        ("mysql://localhost/hullo?PWD=s3cret", "mysql://localhost/hullo?PWD=***"),
    ],
)
def test_url_hides_only_its_secrets(url: str, shown: str):
    assert mask_secrets(url) == shown


@pytest.mark.parametrize("sign", "@:/?#&=%[] ")
def test_unencoded_password_is_hidden(sign: str):
    for url in (
        f"postgresql://shop:s3{sign}cr{sign}et@localhost:5432/hullo?sslmode=require",
        f"postgresql://shop:s3{sign}cret@[::1]/hullo",
    ):
        shown = mask_secrets(url)
        assert shown.startswith("postgresql://shop:***@")
        assert "s3" not in shown
        assert "cr" not in shown
