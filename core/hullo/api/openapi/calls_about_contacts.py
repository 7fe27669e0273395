"""What servers call about contacts: found, read, written, erased, logged out."""

from __future__ import annotations

from typing import Final

from hullo.api.contact_schemas import (
    ContactResponse,
    ErasedContactResponse,
    LoggedOutContactResponse,
    WrittenContactResponse,
)
from hullo.api.contact_search import BY_EMAIL, BY_EXTERNAL_ID, BY_PHONE, BY_STANDING, BY_TAG, QUERY
from hullo.api.contacts import PROVENANCE
from hullo.api.openapi.operation import BODY_REFUSALS, KEY_REFUSALS, Operation, Operations, by_key, path_id
from hullo.api.parameters import PAGE
from hullo.api.privacy import CONVERSATIONS
from hullo.api.schemas import PageResponse, SessionResponse
from hullo.errors import Conflicting, Invalid, NoIdentifier, NotFound, UnknownApp
from hullo.model.app import Scope

_CONTACT: Final = path_id("ContactId")

CALLS_ABOUT_CONTACTS: Final[Operations] = {
    "/v1/contacts": {
        "get": Operation(
            id="list_contacts",
            summary="List contacts",
            security=by_key(Scope.READ),
            parameters=(
                QUERY,
                BY_EXTERNAL_ID,
                BY_EMAIL,
                BY_PHONE,
                BY_TAG,
                BY_STANDING,
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
            parameters=(_CONTACT, PROVENANCE),
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
            parameters=(_CONTACT, CONVERSATIONS),
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
