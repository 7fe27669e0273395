"""Logs one structured line for each identify call, without personal data (P4)."""

from __future__ import annotations

import logging
from typing import ClassVar

from hullo.plugin import App, HulloError, Outcome, ProofRejected, hookimpl

_log = logging.getLogger("hullo.identify")


class Log:
    """Writes ids, counts and verdicts to the logger `hullo.identify`, as `key=value` and as record attributes."""

    name: ClassVar = "log"
    waits: ClassVar = False

    @hookimpl
    def identified(self, outcome: Outcome) -> None:
        if outcome.mistake is not None:
            _write(
                logging.WARNING,
                {
                    "event": "let_pass",
                    "request_id": outcome.request_id,
                    "app_id": outcome.app_id,
                    "mistake": outcome.mistake,
                },
            )
        if not _log.isEnabledFor(logging.INFO):
            return
        _write(
            logging.INFO,
            {
                "event": "identified",
                "request_id": outcome.request_id,
                "contact_id": outcome.contact_id,
                "visitor_id": outcome.visitor_id,
                "matched_by": outcome.matched_by,
                "standing": outcome.standing.label,
                "changed": outcome.changed,
                "switched": outcome.switched,
                "linked": outcome.linked_conversations,
                "written": len(outcome.written),
                "kept": len(outcome.kept),
                "rejected": len(outcome.rejected),
                "conflicts": len(outcome.conflicts),
            },
        )

    @hookimpl
    def identify_refused(self, error: HulloError, app: App | None, request_id: str) -> None:
        _write(
            logging.WARNING,
            {
                "event": "refused",
                "request_id": request_id,
                "app_id": app.id if app is not None else None,
                "code": error.code,
                **({"mistake": error.mistake} if isinstance(error, ProofRejected) else {}),
            },
        )


def _write(level: int, fields: dict[str, object]) -> None:
    line = " ".join(f"{key}={value}" for key, value in fields.items())
    _log.log(level, "%s", line, extra={"hullo": fields})
