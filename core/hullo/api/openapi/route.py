"""Routes of plugins that are as hullo's own."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from starlette.routing import Route

from hullo.api.endpoint import Endpoint, Handler
from hullo.api.openapi.notation import Schema
from hullo.api.openapi.operation import Operation
from hullo.value import Value


class Method(Value):
    """What answers one method of a path, and what is said of it."""

    handler: Handler
    operation: Operation


class DescribedRoute(Route):
    """A path that plugins may offer (`routes`): refused calls are answered with hullo's problems, and it is in the
    document, for servers with an API key. `schemas` are those that its operations refer to, and hullo has not."""

    def __init__(
        self, path: str, methods: Mapping[str, Method], schemas: Mapping[str, Schema] = MappingProxyType({})
    ) -> None:
        # No runtime yet: plugins make their routes before there is one.
        handlers = {name: method.handler for name, method in methods.items()}
        operations = {name: method.operation for name, method in methods.items()}
        super().__init__(path, Endpoint(None, handlers, operations))
        # OpenAPI has methods in lower case.
        self.operations = {name.lower(): each.operation for name, each in methods.items()}
        self.schemas = schemas
