"""Reads are answered while a writer elsewhere holds what this process wants to write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2 as httpx
import pytest

from behind import ask, connected
from databases import ENGINES, Databases, Engine
from hullo import Hullo, IdentityMiddleware
from hullo.settings import RateLimits, Settings

PATIENT = {"sqlite": "busy_timeout_ms=60000", "postgresql": "lock_timeout_ms=60000&statement_timeout_ms=60000"}
PATIENT["mysql"] = PATIENT["postgresql"]
LOCKS = {
    "sqlite": ["BEGIN IMMEDIATE"],
    "postgresql": ["BEGIN", "LOCK TABLE contact IN SHARE MODE"],
    "mysql": ["BEGIN", "SELECT id FROM contact FOR UPDATE", "SELECT id FROM workspace FOR UPDATE"],
}
MANY = 8


@contextmanager
def held(url: str, engine: Engine) -> Iterator[None]:
    """Another process's open write transaction, in effect."""
    with closing(connected(url)) as other:
        for statement in LOCKS[engine]:
            ask(other, statement)
        yield
        ask(other, "ROLLBACK")


@pytest.mark.parametrize("engine", ENGINES)
def test_reads_wait_for_no_writer(engine: Engine, databases: Databases, tmp_path: Path, backend: str) -> None:
    url = databases.empty(engine, tmp_path)
    hullo = Hullo(f"{url}?{PATIENT[engine]}", settings=Settings(rate_limits=RateLimits(on=False)))
    app = hullo.create_app("Shop")
    key = {"authorization": f"Bearer {hullo.create_api_key().secret}"}
    signed = {"external_id": "ann", "user_hash": hullo.user_hash(app.app_key, "ann")}

    async def visit() -> None:
        transport = httpx.ASGITransport(IdentityMiddleware(None, hullo))
        async with httpx.AsyncClient(transport=transport, base_url="http://hullo.test/hullo") as client:

            async def identify(**fields: Any) -> httpx.Response:
                return await client.post("/v1/identify", json={"app_key": app.app_key, **fields})

            token = (await identify(**signed, name="Ann")).json()["session_token"]
            me = {"authorization": f"Bearer {token}"}
            written: list[httpx.Response] = []

            async def write(number: int) -> None:
                written.append(await identify(**signed, session_token=token, name=f"Ann {number}"))

            with anyio.fail_after(50):
                async with anyio.create_task_group() as writers:
                    with held(url, engine):
                        for number in range(MANY):
                            writers.start_soon(write, number)
                            await anyio.wait_all_tasks_blocked()
                        answers = [
                            await client.get("/readyz"),
                            await client.get("/v1/me", headers=me),
                            await client.get("/v1/conversations", headers=me),
                            await client.get("/v1/contacts", headers=key),
                            await identify(**signed, session_token=token, name="Ann"),
                        ]
                        assert [answer.status_code for answer in answers] == [200] * 5
                        assert answers[-1].json()["written"] == []
                        assert not written
            assert [answer.status_code for answer in written] == [200] * MANY

    try:
        anyio.run(visit, backend=backend)
    finally:
        hullo.close()
