"""What servers call, with an API key, but for what is about contacts."""

from __future__ import annotations

from typing import Final

from hullo.api.openapi.operation import BODY_REFUSALS, KEY_REFUSALS, Operation, Operations, by_key, path_id
from hullo.api.schemas import AppResponse, CheckedResponse
from hullo.errors import Invalid, NotFound, UnknownApp
from hullo.model.app import Scope

_APP: Final = path_id("AppId")

CALLS_OF_SERVERS: Final[Operations] = {
    "/v1/apps/{id}": {
        "get": Operation(
            id="read_app",
            summary="Read an app",
            description="And how many of its identify calls are signed.",
            security=by_key(Scope.READ),
            parameters=(_APP,),
            answers=(AppResponse,),
            refusals=(NotFound, UnknownApp, *KEY_REFUSALS),
            leads_to=("check_identify",),
        ),
    },
    "/v1/apps/{id}/check": {
        "post": Operation(
            id="check_identify",
            summary="Try an identify call",
            description="What would become of it, and which mistake is in its evidence. Nothing is written.",
            security=by_key(Scope.READ),
            parameters=(_APP,),
            body="CheckBody",
            answers=(CheckedResponse,),
            refusals=(NotFound, UnknownApp, Invalid, *BODY_REFUSALS, *KEY_REFUSALS),
        ),
    },
}
