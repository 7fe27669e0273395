"""The lines that a server logs."""

from __future__ import annotations

import logging
import re

from hullo.cli.logs import KeyValue
from hullo.errors import SettingsError


def line(message: str, *, name: str = "hullo.test", error: BaseException | None = None, **more: object) -> str:
    about = (type(error), error, error.__traceback__) if error is not None else None
    record = logging.LogRecord(name, logging.WARNING, "file.py", 1, message, (), about)
    record.created = 1_790_000_000.5
    record.__dict__.update(more)
    return KeyValue().format(record)


def test_own_record_is_already_key_value():
    told = line("event=identified changed=True", hullo={"event": "identified"})
    assert told == "time=2026-09-21T14:13:20.500Z level=warning logger=hullo.test event=identified changed=True"


def test_other_message_is_quoted_into_one_line():
    assert line('it said "no"\nand left').endswith(r'message="it said \"no\"\nand left"')


def test_error_logs_type_and_places_without_message():
    def fail() -> None:
        raise ValueError("jane@example.com")

    try:
        fail()
    except ValueError as error:
        told = line("it failed", error=error)
    assert re.search(r'message="it failed" error=ValueError at=test_serve_log.py:\d+<test_serve_log.py:\d+$', told)
    assert "jane" not in told


def test_unraised_error_has_no_place():
    assert line("odd", error=ValueError()).endswith("error=ValueError at=-")


def test_own_error_includes_its_detail():
    assert line("no", error=SettingsError('say "yes"')).endswith(r'error=SettingsError at=- detail="say \"yes\""')
