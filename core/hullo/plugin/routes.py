"""What the hook `routes` needs: routes that refuse as hullo's own do, and that are in its OpenAPI document.

A plugin may return any Starlette route instead; such a route does all of that itself.
"""

from hullo.api.authentication import require_api_key, require_workspace_key
from hullo.api.contact_schemas import ContactResponse
from hullo.api.contacts import load_contact, restrict_to_key
from hullo.api.field_types import one_of
from hullo.api.openapi.operation import Handler, Operation, by_key, operation
from hullo.api.openapi.route import DescribedRoute
from hullo.api.parameters import PAGE, QueryParameter, query
from hullo.api.request import Request
from hullo.api.schemas import ResponseBody
from hullo.asgi.response import Response, json_response

__all__ = [
    "PAGE",
    "ContactResponse",
    "DescribedRoute",
    "Handler",
    "Operation",
    "QueryParameter",
    "Request",
    "Response",
    "ResponseBody",
    "by_key",
    "json_response",
    "load_contact",
    "one_of",
    "operation",
    "query",
    "require_api_key",
    "require_workspace_key",
    "restrict_to_key",
]
