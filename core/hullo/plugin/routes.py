"""What the hook `routes` needs: routes that refuse as hullo's own do, and that are in its OpenAPI document.

A plugin may return any Starlette route instead; such a route does all of that itself.
"""

from hullo.api.authentication import require_api_key, require_workspace_key
from hullo.api.contact_schemas import ContactResponse
from hullo.api.contacts import load_contact, restrict_to_key
from hullo.api.endpoint import Handler
from hullo.api.field_types import one_of
from hullo.api.openapi.operation import KEY_REFUSALS, Operation, by_key, in_path, path_id
from hullo.api.openapi.route import DescribedRoute, Method
from hullo.api.parameters import PAGE, QueryParameter, query
from hullo.api.request import Request
from hullo.api.schemas import ResponseBody
from hullo.asgi.response import Response, json_response

__all__ = [
    "KEY_REFUSALS",
    "PAGE",
    "ContactResponse",
    "DescribedRoute",
    "Handler",
    "Method",
    "Operation",
    "QueryParameter",
    "Request",
    "Response",
    "ResponseBody",
    "by_key",
    "in_path",
    "json_response",
    "load_contact",
    "one_of",
    "path_id",
    "query",
    "require_api_key",
    "require_workspace_key",
    "restrict_to_key",
]
