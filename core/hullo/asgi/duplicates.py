"""Who may be the person that a contact is, for servers with an API key. Of everybody the command line tells: that takes
too long for a request."""

from __future__ import annotations

from hullo.api.authentication import require_api_key
from hullo.api.contact_schemas import ContactResponse
from hullo.api.contacts import load_contact, restrict_to_key
from hullo.api.request import Request
from hullo.api.schemas import JsonObject
from hullo.asgi.response import Response, json_response
from hullo.model.app import Scope
from hullo.pipeline.duplicates.around import find_duplicates_of
from hullo.pipeline.duplicates.comparing import DuplicateSuggestion


async def list_duplicates(request: Request) -> Response:
    """`GET /v1/contacts/{id}/duplicates`"""
    key = await require_api_key(request, Scope.READ)
    contact = await load_contact(request, key, request.path_id)
    hullo = request.runtime.hullo
    # Beside the lanes: a search may read all contacts, and nobody's identify shall wait for that.
    found = await request.runtime.run_in_thread(lambda: find_duplicates_of(hullo.store, contact))
    items = [
        {
            "contact": ContactResponse.of(
                restrict_to_key(key, each.second if each.first.id == contact.id else each.first)
            ),
            **suggestion_json(each),
        }
        for each in found
    ]
    return json_response({"items": items})


def suggestion_json(suggestion: DuplicateSuggestion) -> JsonObject:
    """Why two may be one, without saying who they are."""
    return {
        "score": suggestion.score,
        "reasons": [{"kind": each.kind, "words": each.words, "weight": each.weight} for each in suggestion.reasons],
        "remark": suggestion.remark,
    }
