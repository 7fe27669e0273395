"""The document as a whole, and the path where it is published."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from importlib.metadata import version
from typing import Any, Final
from urllib.parse import quote

import msgspec
from starlette.routing import BaseRoute

from hullo.api.endpoint import Handler
from hullo.api.field_types import NAMED_SCHEMAS
from hullo.api.openapi.bodies import body_schemas
from hullo.api.openapi.bodies_about_contacts import bodies_about_contacts
from hullo.api.openapi.calls_about_contacts import CALLS_ABOUT_CONTACTS
from hullo.api.openapi.calls_about_history import CALLS_ABOUT_HISTORY
from hullo.api.openapi.calls_about_merges import CALLS_ABOUT_MERGES
from hullo.api.openapi.calls_about_privacy import CALLS_ABOUT_PRIVACY
from hullo.api.openapi.calls_of_operators import CALLS_OF_OPERATORS
from hullo.api.openapi.calls_of_pages import CALLS_OF_PAGES
from hullo.api.openapi.calls_of_servers import CALLS_OF_SERVERS
from hullo.api.openapi.components import ResponseSchemas
from hullo.api.openapi.notation import Schema, ref
from hullo.api.openapi.operation import PARAMETERS, Operation, Operations, parameter_object
from hullo.api.openapi.refusals import HEADERS, PROBLEM, REQUEST_ID, WHEN, by_status, responses
from hullo.api.openapi.route import DescribedRoute
from hullo.api.request import Request
from hullo.api.runtime import AsyncRuntime
from hullo.asgi.json import encode
from hullo.asgi.response import JSON, Response, json_response
from hullo.asgi.scope import API_KEY_PREFIX, SESSION_PREFIX, route_path
from hullo.model.limits import Limits

PATH: Final = "/openapi.json"

_JSON: Final = JSON.decode()

_INTRODUCTION: Final = """\
Turns anonymous visitors of sites into named contacts.

Bodies are JSON objects in UTF-8, of {body_bytes} bytes at most; texts hold no control characters. Times are RFC 3339
in UTC, ids are opaque. Whatever takes GET takes HEAD too. Later versions may add fields to answers.

Whatever is refused is answered with a problem (RFC 9457), whose `code` is for programs:

{problems}
"""

_GROUPS: Final[dict[str, tuple[str, Operations]]] = {
    "Pages": ("For pages of the origins that an app lists, with a visitor's session.", CALLS_OF_PAGES),
    "Servers": (
        "For a site's servers, with an API key.",
        {
            **CALLS_ABOUT_CONTACTS,
            **CALLS_ABOUT_HISTORY,
            **CALLS_ABOUT_MERGES,
            **CALLS_ABOUT_PRIVACY,
            **CALLS_OF_SERVERS,
        },
    ),
    "Operators": ("For whoever runs it.", CALLS_OF_OPERATORS),
}

OPERATIONS: Final[Operations] = {path: methods for _, paths in _GROUPS.values() for path, methods in paths.items()}
"""What hullo's own paths offer."""

_OF_PLUGINS: Final = "Servers"
"""The group of what plugins describe."""

_SECURITY: Final[dict[str, Schema]] = {
    "session": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": f"{SESSION_PREFIX}…",
        "description": "A visitor's session, as join, identify and reset tell it. It names its app. Pages on this very "
        "host may have it in a cookie instead.",
    },
    "apiKey": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": f"{API_KEY_PREFIX}…",
        "description": "A server's key, with the scopes that are listed; `hullo api-key create` makes one.",
    },
    "appKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Hullo-App",
        "description": "The app's public key, where neither the body nor a session names the app.",
    },
}


def openapi_handler(edge: AsyncRuntime, plugin_routes: Iterable[BaseRoute] = ()) -> Handler:
    """`GET /openapi.json`. The other paths are where this one is. `added` are the routes of plugins."""
    described = document(edge.hullo.settings.limits, plugin_routes)
    # Encoded once: from call to call only the mount differs.
    parts = {name: msgspec.Raw(encode(part)) for name, part in described.items()}

    async def describe(request: Request) -> Response:
        scope = request.scope
        # From the call itself: a host or proxy may mount hullo anywhere.
        mount = scope.get("root_path", "") + route_path(scope).removesuffix(PATH)
        return json_response({**parts, "servers": [{"url": quote(mount)}]})

    return describe


def document(limits: Limits, added: Iterable[BaseRoute] = ()) -> dict[str, Any]:
    """All of it, but for where it is mounted. Of what plugins serve those routes that are described."""
    theirs = [route for route in added if isinstance(route, DescribedRoute)]
    own = [(group, path, methods) for group, (_, paths) in _GROUPS.items() for path, methods in paths.items()]
    calls = [*own, *((_OF_PLUGINS, route.path_format, route.operations) for route in theirs)]
    operations = [each for _, _, methods in calls for each in methods.values()]
    ids = {operation.id for operation in operations}
    answers = ResponseSchemas.of(
        answer for operation in operations for answer in operation.answers if not isinstance(answer, str)
    )
    problems = "\n".join(f"- {each.status} `{each.code}`: {when}" for each, when in WHEN.items())
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "hullo",
            "version": version("hullo"),
            "summary": "Self-hosted visitor identification.",
            "description": _INTRODUCTION.format(body_bytes=limits.body_bytes, problems=problems),
        },
        # Filled in with each call, which alone knows the mount.
        "servers": [],
        "tags": [{"name": name, "description": description} for name, (description, _) in _GROUPS.items()],
        "paths": {
            path: {method: _operation_object(group, each, answers, ids) for method, each in methods.items()}
            for group, path, methods in calls
        },
        "components": {
            "schemas": {
                **NAMED_SCHEMAS,
                **body_schemas(limits),
                **bodies_about_contacts(limits),
                **answers.components,
                **{name: schema for route in theirs for name, schema in route.schemas.items()},
                "Description": {"type": "object", "description": "An OpenAPI document."},
                "Problem": PROBLEM,
            },
            "responses": responses(each.all_refusals for each in operations),
            "parameters": PARAMETERS,
            "headers": HEADERS,
            "securitySchemes": _SECURITY,
        },
    }


def _operation_object(
    group: str, operation: Operation, answers: ResponseSchemas, ids: Collection[str]
) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.id,
        "tags": [group],
        "summary": operation.summary,
        "description": operation.description,
        "parameters": [parameter_object(parameter) for parameter in operation.parameters],
        "requestBody": _body(operation),
        "responses": {"200": _success(operation, answers, ids), **by_status(operation.all_refusals)},
    }
    # Empty parts are left out, but not `security`: empty it says that no credential is needed.
    return {**{name: part for name, part in described.items() if part}, "security": operation.security}


def _body(operation: Operation) -> dict[str, Any] | None:
    if operation.body is None:
        return None
    schema = ref(operation.body)
    content = {_JSON: {"schema": schema}}
    # A beacon leaves with a page that closes: `text/plain` needs no preflight.
    if operation.beacon:
        content["text/plain"] = {
            "schema": {"type": "string", "contentMediaType": _JSON, "contentSchema": schema},
        }
    return {"required": operation.needs_body, "content": content}


def _success(operation: Operation, answers: ResponseSchemas, ids: Collection[str]) -> dict[str, Any]:
    names = [answer if isinstance(answer, str) else answers.names[answer] for answer in operation.answers]
    schema = ref(names[0]) if len(names) == 1 else {"anyOf": [ref(name) for name in names]}
    if operation.discriminator is not None:
        schema = _alternatives(names, operation.discriminator, answers)
    success = {"description": "Done.", "headers": REQUEST_ID, "content": {_JSON: {"schema": schema}}}
    # A plugin that is left out takes its operations with it.
    leads_to = [name for name in operation.leads_to if name in ids]
    if leads_to:
        parameters = {"id": f"$response.body#/{operation.leads_by}"}
        success["links"] = {each: {"operationId": each, "parameters": parameters} for each in leads_to}
    return success


def _alternatives(names: list[str], field: str, answers: ResponseSchemas) -> dict[str, Any]:
    """One of several schemas, told apart by a constant field."""
    mapping = {answers.components[name]["properties"][field]["const"]: ref(name)["$ref"] for name in names}
    return {
        "oneOf": [ref(name) for name in names],
        "discriminator": {"propertyName": field, "mapping": mapping},
    }
