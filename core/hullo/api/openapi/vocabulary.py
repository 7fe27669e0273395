"""What several answers tell of: ids, times, standings, faults, pages of a list."""

from __future__ import annotations

from typing import Final

from hullo.api.openapi.notation import TEXT, Schema, closed_object, listed, one_of, or_null, ref, with_description
from hullo.model.app import VerificationMode
from hullo.model.proof import Signature
from hullo.model.standing import Standing
from hullo.operations.admin.app_settings import NONE, REQUIRED

STANDING: Final = one_of([each.label for each in Standing])
BROWSER_STANDING: Final = one_of(dict.fromkeys(each.public_label for each in Standing))
MODE: Final = with_description(
    one_of([each.value for each in VerificationMode]), "What the app demands of identify calls."
)
SIGNATURE: Final = with_description(one_of([each.value for each in Signature]), "What the call has to show for itself.")

CONSENT: Final = with_description(
    one_of([REQUIRED, NONE]), "`required`: nothing is stored of a visitor until the page says that they agree."
)

MATCHED_BY: Final = with_description(TEXT, "`external_id`, `email`, `created`, the name of a plugin, or `erased`.")
REJECTED: Final = with_description(listed(ref("Fault")), "What was left out, and why: faults of the call alone.")
WRITTEN: Final = with_description(listed(TEXT), "The fields that changed.")
KEPT: Final = with_description(listed(ref("Fault")), "What was not written, as what is stored goes before it.")
RULE: Final = with_description(TEXT, "Why the two contacts were kept apart, as `C1`.")
WRITER: Final = with_description(TEXT, "As `visitor:vis_…`, `identity-key:…`, `token:…`, `api-key:…`, `command line`.")
STEPS: Final = with_description(
    listed(closed_object({"stage": TEXT, "plugin": TEXT, "answer": TEXT})), "Which plugin answered what, in order."
)
SCALAR: Final[Schema] = {"type": ["string", "number", "boolean"]}


def id_schema(prefix: str, what: str) -> Schema:
    """Of the things whose ids begin like this."""
    return {"type": "string", "pattern": f"^{prefix}_", "description": what}


def page_of(item: str) -> Schema:
    """A list, or a part of one."""
    return closed_object(
        {"items": listed(ref(item)), "next": or_null(with_description(TEXT, "The `cursor` of what comes after."))}
    )
