"""What the server says of itself: all of it, nothing else, and as its settings have it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

import jsonschema_rs
import pytest
import schemathesis
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.testclient import TestClient

from asgi.conftest import PAGE, Shop
from hullo import Hullo, IdentityMiddleware, errors, hookimpl
from hullo.api.openapi.route import DescribedRoute
from hullo.api.routes import api_routes
from hullo.api.runtime import AsyncRuntime
from hullo.errors import HulloError, StoreUnavailable
from hullo.model.app import Scope, VerificationMode
from hullo.model.limits import Limits
from hullo.model.standing import Standing
from hullo.settings import RateLimits, Settings
from hullo.store.protocol import Store

Serve = Callable[..., Shop]

CONFORMANCE: Final = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def described(shop: Shop) -> Any:
    return shop.http.get("/hullo/openapi.json").json()


def operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    """Path, method, and what is said of it."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def schemas(document: Any) -> dict[str, Any]:
    return document["components"]["schemas"]


def filled(path: str, thing: str = "con_1") -> str:
    """The path of one thing."""
    return path.replace("{id}", thing).replace("{tag}", "vip")


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for name, each in part.items():
            if name == "$ref":
                yield each
            else:
                yield from references(each)
    elif isinstance(part, list):
        for each in part:
            yield from references(each)


def test_the_document_is_valid(shop: Shop) -> None:
    document = described(shop)
    assert document["openapi"] == "3.1.0"
    schemathesis.openapi.from_dict(document).validate()
    for schema in schemas(document).values():
        jsonschema_rs.Draft202012Validator({**schema, "components": document["components"]})


def test_document_has_no_dangling_or_unused_references(shop: Shop) -> None:
    document = described(shop)
    components = document["components"]
    there = {f"#/components/{kind}/{name}" for kind in components for name in components[kind]}
    named = {name for _, _, operation in operations(document) for each in operation["security"] for name in each}
    assert {*references(document), *(f"#/components/securitySchemes/{name}" for name in named)} == there


def test_document_lists_exactly_the_served_routes(shop: Shop) -> None:
    served = {}
    added = [route for route in shop.hullo.hooks.routes(shop.hullo) if isinstance(route, DescribedRoute)]
    for route in [*api_routes(AsyncRuntime(shop.hullo)), *added]:
        refused = shop.http.request("TRACE", "/hullo" + filled(route.path_format))
        assert refused.status_code == 405
        served[route.path_format] = refused.headers["allow"].lower().split(", ")
    assert {path: list(methods) for path, methods in described(shop)["paths"].items()} == served


def test_operations_have_summaries_and_unique_names(shop: Shop) -> None:
    document = described(shop)
    told = [operation for _, _, operation in operations(document)]
    assert all(operation["summary"] for operation in told)
    assert len({operation["operationId"] for operation in told}) == len(told)
    tags = {each["name"] for each in document["tags"]}
    assert {operation["tags"][0] for operation in told} == tags


def test_operations_link_to_those_taking_id(shop: Shop) -> None:
    document = described(shop)
    takes_id = {operation["operationId"] for path, _, operation in operations(document) if "{id}" in path}
    led_to = {name for *_, operation in operations(document) for name in operation["responses"]["200"].get("links", {})}
    assert led_to == takes_id - {"read_app", "resolve_conflict"}


def test_document_lists_every_problem_code(shop: Shop) -> None:
    kinds = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, HulloError)]
    # What is raised before anything is served, or in the host's own code, is told nobody.
    told = {each.code for each in kinds if each.status < 500 or each.retry_after is not None}
    assert set(schemas(described(shop))["Problem"]["properties"]["code"]["enum"]) == {*told, HulloError.code}


def test_refusals_list_their_codes_and_retry(shop: Shop) -> None:
    document = described(shop)
    retried = {"RateLimited", "Unavailable"}
    for name, response in document["components"]["responses"].items():
        problem, narrowed = response["content"]["application/problem+json"]["schema"]["allOf"]
        assert problem == {"$ref": "#/components/schemas/Problem"}
        codes = narrowed["properties"]["code"]["enum"]
        assert all(f"`{code}`" in response["description"] for code in codes)
        assert ("Retry-After" in response["headers"]) == (name in retried)
    for _, _, operation in operations(document):
        for status, response in operation["responses"].items():
            if "$ref" in response:
                there = document["components"]["responses"][response["$ref"].rpartition("/")[2]]
                schema = there["content"]["application/problem+json"]["schema"]["allOf"][1]
                assert schema["properties"]["status"] == {"const": int(status)}


def test_request_limits_follow_the_settings(serve: Serve, backend: str) -> None:
    limits = Limits(
        body_bytes=7000,
        name_length=11,
        custom_keys_per_call=12,
        custom_key_length=13,
        custom_value_length=14,
        message_length=15,
        signed_attributes=("plan",),
    )
    document = described(serve(Hullo("memory:", settings=Settings(limits=limits)), backend))
    body = schemas(document)["IdentifyBody"]["properties"]
    custom = schemas(document)["CustomData"]
    assert "7000 bytes" in document["info"]["description"]
    assert body["name"]["maxLength"] == 11
    assert custom["maxProperties"] == 12
    assert custom["propertyNames"]["maxLength"] == 13
    assert custom["additionalProperties"]["maxLength"] == 14
    assert schemas(document)["ReplyBody"]["anyOf"][0]["properties"]["text"]["maxLength"] == 15
    assert {"plan", "plan_hash"} < body.keys()
    assert body.keys().isdisjoint({"shop", "shop_hash"})


def test_enum_words_match_the_model(shop: Shop) -> None:
    told = schemas(described(shop))
    assert told["Contact"]["properties"]["standing"]["enum"] == [each.label for each in Standing]
    assert told["App"]["properties"]["verification"]["enum"] == [each.value for each in VerificationMode]
    assert told["Me"]["properties"]["standing"]["enum"] == ["claimed", "proven", None]


def test_every_response_field_has_a_description(shop: Shop) -> None:
    document = described(shop)
    undescribed = [
        f"{name}.{field}"
        for name in answered_schemas(document)
        for field, schema in schemas(document)[name].get("properties", {}).items()
        if not description_of(schema, document)
    ]
    assert not undescribed


def test_every_body_has_a_valid_example(shop: Shop) -> None:
    document = described(shop)
    bodies = {
        schema["$ref"].rpartition("/")[2]
        for *_, operation in operations(document)
        for part in (operation.get("requestBody"), operation["responses"]["200"])
        if part is not None
        for whole in [part["content"]["application/json"]["schema"]]
        for schema in whole.get("anyOf", whole.get("oneOf", [whole]))
    }
    for name in {*bodies, "Problem"}:
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        [example] = schemas(document)[name]["examples"]
        assert not list(jsonschema_rs.Draft202012Validator(schema).iter_errors(example)), name
    unused = {name for name in schemas(document) if "examples" in schemas(document)[name]} - bodies
    assert unused == {"Problem"}


def answered_schemas(document: Any) -> set[str]:
    """The names of all schemas that successes refer to, directly or not."""
    pending = [operation["responses"]["200"] for *_, operation in operations(document)]
    found: set[str] = set()
    while pending:
        names = {each.rpartition("/")[2] for each in references(pending.pop()) if "/schemas/" in each} - found
        found |= names
        pending += [schemas(document)[name] for name in names]
    return found


def description_of(schema: Any, document: Any) -> str:
    """The schema's own description, or that of the component which it refers to."""
    alternatives = [schema, *schema.get("anyOf", [])]
    named = [schemas(document)[each["$ref"].rpartition("/")[2]] for each in alternatives if "$ref" in each]
    return next((each["description"] for each in [*alternatives, *named] if "description" in each), "")


@pytest.mark.parametrize("scope", list(Scope))
def test_key_needs_exactly_the_named_scope(shop: Shop, scope: Scope) -> None:
    alone, others = shop.api_key(scope), shop.api_key(*(each for each in Scope if each is not scope))
    named = 0
    for path, method, operation in operations(described(shop)):
        if {"apiKey": [scope.value]} in operation["security"]:
            named += 1

            def status(key: str, method: str = method, path: str = path) -> int:
                headers = {"authorization": f"Bearer {key}"}
                return shop.http.request(method, "/hullo" + filled(path), headers=headers).status_code

            assert status(others) == 403
            assert status(alone) not in {401, 403}
    assert named


def test_document_is_public_but_not_cross_origin(shop: Shop) -> None:
    answer = shop.http.get("/hullo/openapi.json", headers={"origin": PAGE})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert "access-control-allow-origin" not in answer.headers
    assert shop.http.head("/hullo/openapi.json").status_code == 200
    assert shop.http.post("/hullo/openapi.json").status_code == 405


def sample_body(document: Any, operation: Any) -> bytes:
    """As many of these fields as the call knows."""
    schema = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    values = {"text": "Hi", "email": "jane@example.com", "granted": True}
    body = schemas(document)[schema]
    # Where it depends on the caller, what a visitor sends.
    known = body.get("anyOf", [body])[0]["properties"]
    return json.dumps({name: value for name, value in values.items() if name in known}).encode()


def tell(shop: Shop, bearer: str, *, content: bytes | None = None, **headers: str) -> set[tuple[str, str, int]]:
    """Calls everything with it, and returns what came of that. All of it is as is described."""
    document = described(shop)
    schema = schemathesis.openapi.from_dict(document)
    ids = {
        "/v1/apps": shop.app_key,
        "/v1/contacts": "con_1",
        "/v1/conversations": "cnv_1",
        "/v1/webhooks": "whk_1",
        "/v1/deliveries": "dlv_1",
    }
    told = set()
    for path, method, operation in operations(document):
        thing = ids.get(path.partition("/{")[0], "con_1")
        body = (content or sample_body(document, operation)) if "requestBody" in operation else None
        answer = shop.http.request(
            method,
            "/hullo" + filled(path, thing),
            content=body,
            headers={"authorization": f"Bearer {bearer}", **headers},
        )
        schema[path][method].Case(path_parameters={"id": thing, "tag": "vip"}).validate_response(
            answer, checks=CONFORMANCE
        )
        told.add((path, method, answer.status_code))
    return told


def saying(shop: Shop, status: int, code: str) -> set[tuple[str, str, int]]:
    """The operations that may be refused like this."""
    document = described(shop)
    found = set()
    for path, method, operation in operations(document):
        reference = operation["responses"].get(str(status), {}).get("$ref", "/")
        response = document["components"]["responses"].get(reference.rpartition("/")[2], {})
        if f"`{code}`" in response.get("description", ""):
            found.add((path, method, status))
    return found


def refused(told: set[tuple[str, str, int]], status: int) -> set[tuple[str, str, int]]:
    return {each for each in told if each[2] == status}


def test_operations_using_store_document_unavailable(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    token = shop.join()

    def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("the database is being moved")

    for name in dir(Store):
        if not name.startswith("_") and callable(getattr(shop.hullo.store, name)) and name not in {"open", "close"}:
            monkeypatch.setattr(shop.hullo.store, name, away)
    by_session, by_key = tell(shop, token), tell(shop, "hsk_0")
    assert refused(by_session | by_key, 503) == saying(shop, 503, "unavailable")


def test_rate_limited_operations_document_it(serve: Serve, backend: str) -> None:
    settings = Settings(rate_limits=RateLimits(calls_per_address=1))
    shop = serve(Hullo("memory:", settings=settings), backend)
    assert shop.get("/me").status_code == 401
    assert refused(tell(shop, "hsk_0"), 429) == saying(shop, 429, "rate_limited")


def test_origin_checked_operations_document_bad_origin(shop: Shop) -> None:
    told = tell(shop, shop.join(), origin="https://evil.test")
    assert refused(told, 403) == saying(shop, 403, "bad_origin")


def test_operations_with_body_document_too_large(shop: Shop) -> None:
    large = b" " * (Limits().body_bytes + 1)
    told = tell(shop, shop.join(), content=large) | tell(shop, shop.api_key(), content=large)
    assert refused(told, 413) == saying(shop, 413, "too_large")


def test_authenticated_operations_document_missing_credentials(shop: Shop) -> None:
    assert refused(tell(shop, "hvs_0"), 401) == saying(shop, 401, "session_revoked") | saying(shop, 401, "key_required")
    nobody = tell(shop, "")
    assert refused(nobody, 401) == saying(shop, 401, "session_required") | saying(shop, 401, "key_required")


def below(mount: str, prefix: str) -> Starlette:
    """A host that serves an application with hullo in front of it below a path."""
    middleware = [Middleware(IdentityMiddleware, hullo=Hullo("memory:"), prefix=prefix)]
    inner = Starlette(middleware=middleware)
    return Starlette(routes=[Mount(mount, app=inner)]) if mount else inner


@pytest.mark.parametrize(
    ("root_path", "mount", "prefix", "where"),
    [
        ("", "", "/hullo", "/hullo"),
        ("", "", "/api/visitors", "/api/visitors"),
        ("", "/chat", "/hullo", "/chat/hullo"),
        ("/outer", "", "/hullo", "/outer/hullo"),
        ("/outer", "/chat", "/hullo", "/outer/chat/hullo"),
        ("", "/{a}", "/hü llo", "/x/h%C3%BC%20llo"),
    ],
)
def test_document_says_where_paths_are(backend: str, root_path: str, mount: str, prefix: str, where: str) -> None:
    with TestClient(below(mount, prefix), backend=backend, root_path=root_path) as http:
        assert http.get(f"{where}/openapi.json").json()["servers"] == [{"url": where}]
        assert http.get(f"{where}/healthz").status_code == 200


def test_undescribed_plugin_routes_are_left_out(serve: Serve, backend: str) -> None:
    class Extra:
        name = "extra"

        @hookimpl
        def routes(self) -> list[BaseRoute]:
            return [Route("/v1/extra", lambda request: PlainTextResponse("here"))]

    shop = serve(Hullo("memory:", plugins=[Extra()], without=["webhooks"]), backend)
    assert shop.get("/extra").text == "here"
    paths = described(shop)["paths"]
    assert paths.keys().isdisjoint({"/v1/extra", "/v1/webhooks"})


def test_document_is_built_once_and_stable(shop: Shop) -> None:
    first, second = (shop.http.get("/hullo/openapi.json").content for _ in range(2))
    assert first == second
    assert json.loads(first)["info"]["title"] == "hullo"
