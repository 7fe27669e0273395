"""Contacts that may be one person: the call, and what it is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hullo.api.openapi.notation import TEXT, Schema, closed_object, listed, one_of, or_null, ref, with_description
from hullo.api.openapi.operation import KEY_REFUSALS, Operation, Operations, by_key, path_id
from hullo.errors import NotFound
from hullo.model.app import Scope
from hullo.pipeline.duplicates.traits import FEATURE_KINDS

_SHARE: Final[Schema] = {"type": "number", "minimum": 0, "maximum": 1}

CALLS_ABOUT_DUPLICATES: Final[Operations] = {
    "/v1/contacts/{id}/duplicates": {
        "get": Operation(
            id="list_duplicates",
            summary="Who may be the same person",
            description="Contacts with the same phone, the same name and company, or a similar email, the likeliest "
            "first. Nothing is merged. Left out are those with whom there is an open conflict, and those who were kept "
            "apart. Names and phones are searched for as they are written; `hullo duplicates` looks at everybody, and "
            "finds more.",
            security=by_key(Scope.READ),
            parameters=(path_id("ContactId"),),
            answers=("Duplicates",),
            refusals=(NotFound, *KEY_REFUSALS),
        ),
    },
}

ANSWERS_ABOUT_DUPLICATES: Final[Mapping[str, Schema]] = {
    "Duplicates": closed_object(
        {
            "items": listed(
                closed_object(
                    {
                        "contact": with_description(ref("Contact"), "The other one."),
                        "score": with_description(_SHARE, "How likely it is, all reasons together."),
                        "reasons": listed(
                            closed_object(
                                {
                                    "kind": one_of(FEATURE_KINDS),
                                    "words": with_description(TEXT, "For people."),
                                    "weight": with_description(_SHARE, "How much it says alone."),
                                }
                            )
                        ),
                        "remark": or_null(with_description(TEXT, "What speaks against it, for people.")),
                    }
                )
            ),
        }
    ),
}
"""By their names in the document."""
