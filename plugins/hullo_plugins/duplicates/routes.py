"""Serve `GET /v1/contacts/{id}/duplicates`: the duplicates of one contact, for servers with an API key.

`hullo duplicates` lists the duplicates of all contacts, which takes too long for a request.
"""

from __future__ import annotations

from typing import Annotated, Self

from msgspec import Meta

from hullo.plugin import Scope
from hullo.plugin.routes import (
    ContactResponse,
    DescribedRoute,
    Request,
    Response,
    ResponseBody,
    by_key,
    json_response,
    load_contact,
    one_of,
    operation,
    require_api_key,
    restrict_to_key,
)
from hullo_plugins.duplicates.compare import DuplicateSuggestion
from hullo_plugins.duplicates.features import FEATURE_KINDS
from hullo_plugins.duplicates.for_contact import find_duplicates_of


class DuplicateReasonResponse(ResponseBody):
    """One thing that two contacts have in common."""

    kind: Annotated[str, one_of(FEATURE_KINDS, "What they have in common.")]
    words: Annotated[str, Meta(description="For people.")]
    weight: Annotated[float, Meta(ge=0, le=1, description="How much it says alone.")]


class DuplicateResponse(ResponseBody):
    """A contact that may be the same person."""

    contact: ContactResponse
    score: Annotated[float, Meta(ge=0, le=1, description="How likely it is, all reasons together.")]
    reasons: Annotated[list[DuplicateReasonResponse], Meta(description="Why.")]
    remark: Annotated[str | None, Meta(description="What speaks against it, for people.")]

    @classmethod
    def of(cls, suggestion: DuplicateSuggestion, contact: ContactResponse) -> Self:
        """Describe a suggestion by its other contact, which is not the one in the path."""
        return cls(
            contact=contact,
            score=suggestion.score,
            reasons=DuplicateReasonResponse.of_each(suggestion.reasons),
            remark=suggestion.remark,
        )


class DuplicatesResponse(ResponseBody):
    """The contacts that may be the same person as one contact."""

    items: Annotated[list[DuplicateResponse], Meta(description="The likeliest first.")]


def duplicates_route() -> DescribedRoute:
    """Make the route of `list_duplicates`."""
    return DescribedRoute("/v1/contacts/{id}/duplicates", {"GET": list_duplicates})


@operation(
    "Who may be the same person",
    description="Contacts with the same phone, the same name and company, or a similar email, the likeliest "
    "first. Nothing is merged. Left out are those with whom there is an open conflict, and those who were kept "
    "apart. Names and phones are searched for as they are written; `hullo duplicates` looks at everybody, and "
    "finds more.",
    security=by_key(Scope.READ),
    answers=DuplicatesResponse,
)
async def list_duplicates(request: Request) -> Response:
    """Answer `GET /v1/contacts/{id}/duplicates`."""
    key = await require_api_key(request, Scope.READ)
    contact = await load_contact(request, key, request.path_id)
    store = request.runtime.hullo.store
    # Not in the store's own threads: a search may read very many contacts, and an identify must not wait for it.
    found = await request.runtime.run_in_thread(lambda: find_duplicates_of(store, contact))
    items: list[DuplicateResponse] = []
    for suggestion in found:
        other = suggestion.second if suggestion.first.id == contact.id else suggestion.first
        items.append(DuplicateResponse.of(suggestion, ContactResponse.of(restrict_to_key(key, other))))
    return json_response(DuplicatesResponse(items=items))
