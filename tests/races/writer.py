"""One process of many: identifies people as fast as it can, and prints what was answered.

Usage: writer.py DB APP_KEY START COUNT THREADS MODE, where MODE is `same` (one person, a custom key each) or
`many` (a person each, with a session, an email and a conversation).
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

from hullo.app import Hullo
from hullo.model.moment import secret_digest
from hullo.pipeline.sessions import Attend
from hullo.pipeline.talk import Say


def main(db: str, app_key: str, start: int, count: int, threads: int, mode: str) -> None:
    with Hullo(db) as hullo, ThreadPoolExecutor(threads) as pool:
        print("ready", flush=True)
        sys.stdin.readline()  # so that all processes begin together
        one = same_person if mode == "same" else new_person
        for answer in pool.map(lambda number: one(hullo, app_key, number), range(start, start + count)):
            print(answer, flush=True)


def same_person(hullo: Hullo, app_key: str, number: int) -> str:
    outcome = hullo.identify(
        {"external_id": "jane", "email": "jane@example.com", "custom_data": {f"key{number}": number}},
        app_key=app_key,
    ).answer
    return f"{number} {outcome.contact_id}"


def new_person(hullo: Hullo, app_key: str, number: int) -> str:
    visit = Attend(verb="join", app_key=app_key, session=None, origin=None, moment=hullo.moment())
    token = hullo.pipeline.run(visit).answer.token
    resumed = Attend(verb="resume", app_key=app_key, session=secret_digest(token), origin=None, moment=hullo.moment())
    said = hullo.pipeline.run(Say(visitor=resumed, conversation_id=None, text="Hi", client_id=None)).answer
    outcome = hullo.identify(
        {
            "external_id": f"user{number}",
            "email": f"user{number}@example.com",
            "name": f"User {number}",
            "custom_data": {"number": number},
        },
        app_key=app_key,
        session_token=token,
    ).answer
    return f"{number} {outcome.contact_id} {said.conversation.id}"


if __name__ == "__main__":
    db, app_key, start, count, threads, mode = sys.argv[1:]
    main(db, app_key, int(start), int(count), int(threads), mode)
