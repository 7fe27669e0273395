"""The document as a whole, and the path where it is published."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from importlib.metadata import version
from importlib.resources import files
from typing import Any, Final
from urllib.parse import quote

import msgspec
from starlette.routing import BaseRoute

from hullo.api.field_types import NAMED_SCHEMAS
from hullo.api.openapi.claims import custom_data_schema
from hullo.api.openapi.components import ResponseSchemas
from hullo.api.openapi.notation import Schema, ref
from hullo.api.openapi.operation import (
    PARAMETERS,
    PUBLIC,
    Operation,
    operation,
    path_parameters,
    query_parameter,
)
from hullo.api.openapi.refusals import HEADERS, REQUEST_ID, WHEN, by_status, problem_schema, responses
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

Bodies are JSON objects in UTF-8, of {body_bytes} bytes at most; texts hold no control characters. In a body about a
person one bad field loses only itself, also custom data that makes the body too large: it is named in `rejected`.
Times are RFC 3339 in UTC, ids are opaque. Each path that takes GET takes HEAD too. Later versions may add fields to
answers.

Whatever is refused is answered with a problem (RFC 9457), whose `code` is for programs:

{problems}
"""

_GROUPS: Final[Mapping[str, str]] = {
    "Pages": "For pages of the origins that an app lists, with a visitor's session.",
    "Servers": "For a site's servers, with an API key.",
    "Operators": "For the people who run it.",
}
"""What `Operation.group` means."""

_EXAMPLES: Final[Mapping[str, Any]] = msgspec.json.decode(
    files("hullo.api.openapi").joinpath("examples.json").read_bytes()
)
"""Bodies of requests and responses, by the names of their schemas. The ids of one person's calls, in their order."""

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


def describe_routes(runtime: AsyncRuntime, routes: Iterable[BaseRoute]) -> Operation:
    """Make the operation that publishes the document of these routes, and of itself."""

    @operation("Read this document", security=PUBLIC, answers="Description")
    async def describe(request: Request) -> Response:
        scope = request.scope
        # From the call itself: a host or proxy may mount hullo anywhere.
        mount = scope.get("root_path", "") + route_path(scope).removesuffix(PATH)
        return json_response({**parts, "servers": [{"url": quote(mount)}]})

    described = document(runtime.hullo.settings.limits, [*routes, DescribedRoute(PATH, {"GET": describe})])
    # Encoded once: from call to call only the mount differs.
    parts = {name: msgspec.Raw(encode(part)) for name, part in described.items()}
    return describe


def document(limits: Limits, routes: Iterable[BaseRoute]) -> dict[str, Any]:
    """Describe the routes, but for where they are mounted. Of what plugins serve those that say what they are."""
    described = [route for route in routes if isinstance(route, DescribedRoute)]
    calls = [(route.path_format, operation) for route in described for operation in route.operations.values()]
    ids = {operation.id for _, operation in calls}
    answers = ResponseSchemas.of(
        answer for _, operation in calls for answer in operation.answers if not isinstance(answer, str)
    )
    schemas = {
        **NAMED_SCHEMAS,
        "CustomData": custom_data_schema(limits),
        **{body.__name__: body.described(limits) for _, operation in calls if (body := operation.body) is not None},
        **answers.components,
        **{name: schema for route in described for name, schema in route.schemas.items()},
        "Description": {"type": "object", "description": "An OpenAPI document."},
        "Problem": problem_schema(),
    }
    problems = "\n".join(f"- {refusal.status} `{refusal.code}`: {when}" for refusal, when in WHEN.items())
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
        "tags": [{"name": name, "description": description} for name, description in _GROUPS.items()],
        "paths": {
            route.path_format: {
                method: _operation_object(
                    operation, list(path_parameters(route.path_format, schemas)), route.path_format, answers, ids
                )
                for method, operation in route.operations.items()
            }
            for route in described
        },
        "components": {
            "schemas": {name: _with_example(name, schema) for name, schema in schemas.items()},
            "responses": responses(operation.all_refusals(path) for path, operation in calls),
            "parameters": PARAMETERS,
            "headers": HEADERS,
            "securitySchemes": _SECURITY,
        },
    }


def _with_example(name: str, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**schema, "examples": [_EXAMPLES[name]]} if name in _EXAMPLES else schema


def _operation_object(
    operation: Operation, in_path: list[Schema], path: str, answers: ResponseSchemas, ids: Collection[str]
) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.id,
        "tags": [operation.group],
        "summary": operation.summary,
        "description": operation.description,
        "parameters": [*in_path, *operation.headers, *map(query_parameter, operation.query)],
        "requestBody": _body(operation),
        "responses": {"200": _success(operation, answers, ids), **by_status(operation.all_refusals(path))},
    }
    # Empty parts are left out, but not `security`: empty it says that no credential is needed.
    return {**{name: part for name, part in described.items() if part}, "security": operation.security}


def _body(operation: Operation) -> dict[str, Any] | None:
    if operation.body is None:
        return None
    schema = ref(operation.body.__name__)
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
        success["links"] = {name: {"operationId": name, "parameters": parameters} for name in leads_to}
    return success


def _alternatives(names: list[str], field: str, answers: ResponseSchemas) -> dict[str, Any]:
    """One of several schemas, told apart by a constant field."""
    constants = {name: answers.components[name]["properties"][field]["const"] for name in names}
    # A discriminator knows texts alone: an answer with null is the one that no text names.
    mapping = {constant: ref(name)["$ref"] for name, constant in constants.items() if constant is not None}
    return {
        "oneOf": [ref(name) for name in names],
        "discriminator": {"propertyName": field, "mapping": mapping},
    }
