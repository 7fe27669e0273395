"""Blocks of contacts and visitors, for servers with an API key."""

from __future__ import annotations

from hullo.api.agent_bodies import BlockBody
from hullo.api.authentication import require_api_key, require_workspace_key
from hullo.api.contact_schemas import ContactResponse
from hullo.api.contacts import load_contact
from hullo.api.conversation_schemas import VisitorResponse
from hullo.api.openapi.operation import by_key, operation
from hullo.api.request import Request
from hullo.asgi.response import Response, json_response
from hullo.errors import Conflicting
from hullo.model.app import Scope
from hullo.operations.contacts.block import BlockContact, UnblockContact
from hullo.operations.sessions.block_visitor import BlockVisitor, UnblockVisitor, find_visitor


@operation(
    "Block a contact",
    description="Messages and identify calls of every browser that proves to be the contact are refused as `blocked`. "
    "A browser that only claims to be the contact learns nothing of it: block its visitor. Needs a key of the whole "
    "workspace. May be repeated.",
    security=by_key(Scope.WRITE),
    answers=ContactResponse,
    body=BlockBody,
    needs_body=False,
    refusals=(Conflicting,),
)
async def block_contact(request: Request) -> Response:
    """`POST /v1/contacts/{id}/block`"""
    return await _change_contact(request, BlockContact)


@operation(
    "Unblock a contact",
    description="Also in the browsers that the block has reached. May be repeated.",
    security=by_key(Scope.WRITE),
    answers=ContactResponse,
    body=BlockBody,
    needs_body=False,
    refusals=(Conflicting,),
)
async def unblock_contact(request: Request) -> Response:
    """`POST /v1/contacts/{id}/unblock`"""
    return await _change_contact(request, UnblockContact)


@operation(
    "Block a visitor",
    description="Messages and identify calls of this browser are refused as `blocked`, and stay so after a reset. A "
    "browser that has lost its session is a new visitor. May be repeated.",
    security=by_key(Scope.WRITE),
    answers=VisitorResponse,
    body=BlockBody,
    needs_body=False,
)
async def block_visitor(request: Request) -> Response:
    """`POST /v1/visitors/{id}/block`"""
    return await _change_visitor(request, BlockVisitor)


@operation(
    "Unblock a visitor",
    description="And the visitors that its browser has become by a reset. A blocked contact stays blocked. May be "
    "repeated.",
    security=by_key(Scope.WRITE),
    answers=VisitorResponse,
    body=BlockBody,
    needs_body=False,
)
async def unblock_visitor(request: Request) -> Response:
    """`POST /v1/visitors/{id}/unblock`"""
    return await _change_visitor(request, UnblockVisitor)


async def _change_contact(request: Request, change: type[BlockContact | UnblockContact]) -> Response:
    key = await require_workspace_key(request, Scope.WRITE, "the block of a contact affects the whole workspace")
    reason = (await request.parse_optional(BlockBody)).reason
    # The path may hold an absorbed id: the survivor is blocked (G3).
    contact = await load_contact(request, key, request.path_id)
    changed = await request.runtime.run(
        change(
            contact_id=contact.id,
            workspace_id=key.workspace_id,
            by=key.writer,
            reason=reason,
            context=request.context,
        )
    )
    return json_response(ContactResponse.of(changed, requested_id=request.path_id))


async def _change_visitor(request: Request, change: type[BlockVisitor | UnblockVisitor]) -> Response:
    key = await require_api_key(request, Scope.WRITE)
    reason = (await request.parse_optional(BlockBody)).reason
    visitor_id = request.path_id
    # By the visitor's session: a block is of no use where no browser can come back as the visitor.
    session = await request.runtime.read(
        lambda store: find_visitor(store, key.workspace_id, visitor_id, app_id=key.app_id)
    )
    changed = await request.runtime.run(change(session=session, by=key.writer, reason=reason, context=request.context))
    return json_response(VisitorResponse.of(visitor_id, changed))
