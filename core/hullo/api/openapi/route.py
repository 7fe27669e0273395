"""Routes of described operations: hullo's own, and those of plugins."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from starlette.routing import Route

from hullo.api.endpoint import Endpoint, RejectionHandler
from hullo.api.openapi.notation import Schema
from hullo.api.openapi.operation import Operation
from hullo.api.runtime import AsyncRuntime


class DescribedRoute(Route):
    """A path with its operations by method, such as plugins may offer (`routes`): refused calls are answered with
    hullo's problems, and it is in the document. `schemas` are those that its operations refer to, and hullo has not.

    The endpoint selects the method, so that a wrong one gets a problem response. `runtime` None: plugins make their
    routes before there is one. The rest as in `Endpoint`.
    """

    def __init__(
        self,
        path: str,
        methods: Mapping[str, Operation],
        schemas: Mapping[str, Schema] = MappingProxyType({}),
        *,
        runtime: AsyncRuntime | None = None,
        cross_origin: bool = False,
        on_rejected: RejectionHandler | None = None,
    ) -> None:
        endpoint = Endpoint(runtime, methods, cross_origin=cross_origin, on_rejected=on_rejected)
        super().__init__(path, endpoint)
        # OpenAPI has methods in lower case.
        self.operations = {name.lower(): operation for name, operation in methods.items()}
        self.schemas = schemas
