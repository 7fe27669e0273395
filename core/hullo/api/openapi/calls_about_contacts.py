"""What servers call about contacts: found, read, written, erased, logged out."""

from __future__ import annotations

from typing import Final

from hullo.api.contact_schemas import (
    ContactResponse,
    ErasedContactResponse,
    LoggedOutContactResponse,
    WrittenContactResponse,
)
from hullo.api.openapi.notation import TEXT, one_of
from hullo.api.openapi.operation import BODY_REFUSALS, KEY_REFUSALS, PAGE, Operation, Operations, by_key, path_id, query
from hullo.api.schemas import PageResponse, SessionResponse
from hullo.errors import Conflicting, Invalid, NoIdentifier, NotFound, UnknownApp
from hullo.model.app import Scope
from hullo.model.identifier import EMAIL, EXTERNAL_ID

_CONTACT: Final = path_id("ContactId")

CALLS_ABOUT_CONTACTS: Final[Operations] = {
    "/v1/contacts": {
        "get": Operation(
            id="list_contacts",
            summary="List contacts",
            security=by_key(Scope.READ),
            parameters=(
                query("query", TEXT, "Found anywhere in identifiers and profile, whatever the case."),
                query(EXTERNAL_ID, TEXT, "Exactly."),
                query(EMAIL, TEXT, "In any spelling of the same address."),
                query("tag", TEXT, "Exactly."),
                *PAGE,
            ),
            answers=(PageResponse[ContactResponse],),
            refusals=(Invalid, *KEY_REFUSALS),
        ),
        "post": Operation(
            id="upsert_contact",
            summary="Write a contact",
            description="The one with this `external_id`, else with this `email`, else a new one. Whatever is said "
            "counts as proven. `emails` and `phones` are whole lists: what is not in them goes.",
            security=by_key(Scope.WRITE),
            body="ContactBody",
            answers=(WrittenContactResponse,),
            refusals=(NoIdentifier, UnknownApp, Invalid, *BODY_REFUSALS, *KEY_REFUSALS),
            # Operations of plugins too: the document drops those of a plugin that is left out.
            leads_to=(
                "read_contact",
                "amend_contact",
                "erase_contact",
                "list_sessions",
                "log_out_everywhere",
                "list_decisions",
                "list_timeline",
                "report_event",
                "list_contact_tags",
                "tag_contact",
                "untag_contact",
                "list_contact_notes",
                "note_contact",
                "list_duplicates",
                "list_merges",
                "merge_contacts",
                "export_contact",
            ),
        ),
    },
    "/v1/contacts/{id}": {
        "get": Operation(
            id="read_contact",
            summary="Read a contact",
            description="The id of one that became part of another is answered with that one, for ever.",
            security=by_key(Scope.READ),
            parameters=(_CONTACT, query("provenance", one_of(["1"]), "Also tells where each value comes from.")),
            answers=(ContactResponse,),
            refusals=(NotFound, Invalid, *KEY_REFUSALS),
        ),
        "patch": Operation(
            id="amend_contact",
            summary="Change a contact",
            description="Taken whole or not at all; null clears, identifiers too. What names another contact is a "
            "`conflict`. An email or phone that is a further one of this contact changes places with the first one.",
            security=by_key(Scope.WRITE),
            parameters=(_CONTACT,),
            body="ContactBody",
            answers=(ContactResponse,),
            refusals=(NotFound, UnknownApp, Conflicting, Invalid, *BODY_REFUSALS, *KEY_REFUSALS),
        ),
        "delete": Operation(
            id="erase_contact",
            summary="Erase a contact",
            description="And everything else that is held about the person, for good.",
            security=by_key(Scope.ERASE),
            parameters=(
                _CONTACT,
                query(
                    "conversations",
                    {**one_of(["erase", "anonymise"]), "default": "erase"},
                    "What becomes of what was said.",
                ),
            ),
            answers=(ErasedContactResponse,),
            refusals=(NotFound, Invalid, *KEY_REFUSALS),
        ),
    },
    "/v1/contacts/{id}/sessions": {
        "get": Operation(
            id="list_sessions",
            summary="List a contact's sessions",
            description="Of every app, and those that are over too.",
            security=by_key(Scope.READ),
            parameters=(_CONTACT, *PAGE),
            answers=(PageResponse[SessionResponse],),
            refusals=(NotFound, Invalid, *KEY_REFUSALS),
        ),
        "delete": Operation(
            id="log_out_everywhere",
            summary="Log a contact out everywhere",
            description="In every app and browser. May be repeated.",
            security=by_key(Scope.WRITE),
            parameters=(_CONTACT,),
            answers=(LoggedOutContactResponse,),
            refusals=(NotFound, *KEY_REFUSALS),
        ),
    },
}
