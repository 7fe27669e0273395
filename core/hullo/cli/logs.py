"""The log of a running server: one `key=value` line per record, on standard error."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from hullo.errors import HulloError


def log_to_stderr() -> None:
    """Log hullo's own records from INFO, and those of other libraries from WARNING."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(KeyValue())
    # `force`: a library may have set up handlers of its own, and records would appear twice.
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("hullo").setLevel(logging.INFO)


class KeyValue(logging.Formatter):
    """Format a record as one line. hullo's own records are `key=value` already; the message of others is quoted.

    An exception shows its type and its places in the code, on the same line. The message appears for a `HulloError`
    only: that of another exception may quote personal data (P4).
    """

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        message = record.getMessage()
        # A message of another library may hold line breaks, which would start a record of their own.
        if not hasattr(record, "hullo"):
            message = f"message={_quoted(message)}"
        line = f"time={time[:-6]}Z level={record.levelname.lower()} logger={record.name} {message}"
        # One line instead of a traceback: log collectors take a line for a record.
        if record.exc_info and (error := record.exc_info[1]) is not None:
            line += f" error={type(error).__name__} at={_places(error.__traceback__)}"
            if isinstance(error, HulloError):
                line += f" detail={_quoted(error.detail)}"
        return line


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _places(trace: TracebackType | None) -> str:
    frames = traceback.extract_tb(trace)
    return "<".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames)) or "-"
