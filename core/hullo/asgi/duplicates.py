"""Who may be the person that a contact is, for servers with an API key. Of everybody the command line tells: that takes
too long for a request."""

from __future__ import annotations

from hullo.asgi.answer import Answer, told
from hullo.asgi.contact_shapes import contact_shape
from hullo.asgi.contacts import as_seen_by, contact_of
from hullo.asgi.exchange import Exchange
from hullo.asgi.keys import api_key
from hullo.asgi.shapes import Shape
from hullo.model.app import Scope
from hullo.pipeline.duplicates.around import duplicates_of
from hullo.pipeline.duplicates.comparing import Suggestion


async def list_duplicates(exchange: Exchange) -> Answer:
    """`GET /v1/contacts/{id}/duplicates`"""
    key = await api_key(exchange, Scope.READ)
    contact = await contact_of(exchange, key, exchange.path_id)
    hullo = exchange.edge.hullo
    # Beside the lanes: a search may read all contacts, and nobody's identify shall wait for that.
    found = await exchange.edge.think(lambda: duplicates_of(hullo.store, contact))
    items = [
        {
            "contact": contact_shape(as_seen_by(key, each.second if each.first.id == contact.id else each.first)),
            **suggestion_shape(each),
        }
        for each in found
    ]
    return told({"items": items})


def suggestion_shape(suggestion: Suggestion) -> Shape:
    """Why two may be one, without saying who they are."""
    return {
        "score": suggestion.score,
        "reasons": [{"kind": each.kind, "words": each.words, "weight": each.weight} for each in suggestion.reasons],
        "remark": suggestion.remark,
    }
