"""`/widget.js`, and the same of one version under `/widget/{version}/`. Every page of every site may load them:
they hold no personal data."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hullo_plugins.widget.files import MANIFEST, SCRIPT, TYPES, ServedFile, ServedFiles

CACHE_BRIEFLY: Final = "public, max-age=300, stale-while-revalidate=86400"
CACHE_IMMUTABLE: Final = "public, max-age=31536000, immutable"


def widget_routes(files: ServedFiles) -> Sequence[Route]:
    """All paths. What has no version in its path is the one that is current."""

    def current(name: str) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            return _file_response(request, files.by_name[name], CACHE_BRIEFLY)

        return answer

    async def of_version(request: Request) -> Response:
        found = files.by_name.get(request.path_params["file"])
        if found is None or request.path_params["version"] != files.version:
            raise HTTPException(404, "there is no such file of this version")
        return _file_response(request, found, CACHE_IMMUTABLE)

    return [
        Route(f"/{SCRIPT}", current(SCRIPT)),
        *(Route(f"/widget/{name}", current(name)) for name in (MANIFEST, TYPES)),
        Route("/widget/{version}/{file}", of_version),
    ]


def _file_response(request: Request, file: ServedFile, cache_control: str) -> Response:
    headers = {
        "cache-control": cache_control,
        "etag": file.etag,
        "vary": "Accept-Encoding",
        "access-control-allow-origin": "*",  # a page that pins the script asks for it so (Subresource Integrity)
        "cross-origin-resource-policy": "cross-origin",
        "x-content-type-options": "nosniff",
    }
    if _etag_matches(request.headers.get("if-none-match", ""), file.etag):
        return Response(status_code=304, headers=headers)
    if _accepts_gzip(request.headers.get("accept-encoding", "")):
        return Response(file.gzipped, headers={**headers, "content-encoding": "gzip"}, media_type=file.content_type)
    return Response(file.body, headers=headers, media_type=file.content_type)


def _etag_matches(if_none_match: str, etag: str) -> bool:
    """Compare weakly (RFC 9110, section 13.1.2)."""
    sent = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return bool(sent & {etag.removeprefix("W/"), "*"})


def _accepts_gzip(accept_encoding: str) -> bool:
    """Whether the client takes gzip. A weight of zero refuses a coding (RFC 9110, section 12.5.3)."""
    weights: dict[str, str] = {}
    for accepted in accept_encoding.lower().replace(" ", "").split(","):
        coding, _, weight = accepted.partition(";q=")
        weights[coding] = weight or "1"
    return weights.get("gzip", weights.get("*", "0")).strip("0.") != ""
