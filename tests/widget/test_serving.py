"""What a browser is given that asks for the SDK, and for how long it keeps it."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from asgi.conftest import Shop
from hullo.errors import PluginError
from hullo_plugins.widget.files import BUILD_FOLDER, read_files

MANIFEST: dict[str, Any] = json.loads((BUILD_FOLDER / "manifest.json").read_text("utf-8"))
VERSION: str = MANIFEST["version"]
NAMES = ["widget.js", "panel.js", "hullo.d.ts", "manifest.json"]


def get(shop: Shop, path: str, **headers: str) -> Any:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return shop.http.get(f"/hullo{path}", headers=sent)


@pytest.mark.parametrize("path", ["/widget.js", "/widget/manifest.json", "/widget/hullo.d.ts"])
def test_current_script_is_cached_for_minutes(shop: Shop, path: str) -> None:
    answer = get(shop, path)
    assert answer.status_code == 200
    assert answer.content == (BUILD_FOLDER / path.rpartition("/")[2]).read_bytes()
    assert answer.headers["cache-control"] == "public, max-age=300, stale-while-revalidate=86400"
    again = get(shop, path, if_none_match=answer.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")
    for name in ("etag", "cache-control", "vary", "access-control-allow-origin"):
        assert again.headers[name] == answer.headers[name]


@pytest.mark.parametrize("name", NAMES)
def test_versioned_script_is_cached_for_ever(shop: Shop, name: str) -> None:
    answer = get(shop, f"/widget/{VERSION}/{name}")
    assert answer.content == (BUILD_FOLDER / name).read_bytes()
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("path", [f"{VERSION}/other.js", f"{VERSION}/..%2fplugin.py", f"{VERSION}/", "0.0.0/widget.js"])
def test_unknown_version_or_name_is_not_found(shop: Shop, path: str) -> None:
    answer = get(shop, f"/widget/{path}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "not_found"
    assert answer.headers["cache-control"] == "no-store"


def test_pages_of_any_origin_may_load_script(shop: Shop) -> None:
    for path in ("/widget.js", f"/widget/{VERSION}/panel.js"):
        headers = get(shop, path, origin="https://anywhere.example.net").headers
        assert headers["access-control-allow-origin"] == "*"
        assert headers["cross-origin-resource-policy"] == "cross-origin"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-type"] == "text/javascript; charset=utf-8"


@pytest.mark.parametrize("accepted", ["gzip", "br, GZIP;q=0.8", "*", "identity;q=0, gzip"])
def test_script_is_compressed_on_request(shop: Shop, accepted: str) -> None:
    answer = get(shop, "/widget.js", accept_encoding=accepted)
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) < len((BUILD_FOLDER / "widget.js").read_bytes()) / 2
    assert answer.content == (BUILD_FOLDER / "widget.js").read_bytes()  # the client has inflated it


@pytest.mark.parametrize("accepted", ["", "br", "identity", "gzip;q=0", "gzip; q=0.000, *", "*;q=0"])
def test_script_is_sent_plain_without_accept_encoding(shop: Shop, accepted: str) -> None:
    answer = get(shop, "/widget.js", accept_encoding=accepted)
    assert "content-encoding" not in answer.headers
    assert answer.headers["vary"] == "Accept-Encoding"


def test_both_encodings_share_one_etag(shop: Shop) -> None:
    etag = get(shop, "/widget.js", accept_encoding="gzip").headers["etag"]
    assert etag == get(shop, "/widget.js", accept_encoding="identity").headers["etag"]
    for known in (etag, etag.removeprefix("W/"), f'"other", {etag}', "*"):
        assert get(shop, "/widget.js", if_none_match=known).status_code == 304
    assert get(shop, "/widget.js", if_none_match='"other"').status_code == 200
    assert get(shop, "/widget/hullo.d.ts").headers["etag"] != etag


def test_head_answers_like_get_without_body(shop: Shop) -> None:
    asked, told = (shop.http.request(method, "/hullo/widget.js") for method in ("GET", "HEAD"))
    assert told.status_code == 200
    assert told.headers["etag"] == asked.headers["etag"]
    assert told.headers["content-length"] == asked.headers["content-length"]
    assert shop.http.post("/hullo/widget.js").json()["code"] == "method_not_allowed"


@pytest.mark.parametrize("name", list(MANIFEST["files"]))
def test_stated_digest_matches_the_file(shop: Shop, name: str) -> None:
    told = get(shop, "/widget/manifest.json").json()["files"][name]
    served = get(shop, f"/widget/{VERSION}/{name}").content
    assert told["integrity"] == f"sha384-{base64.b64encode(hashlib.sha384(served).digest()).decode()}"
    assert told["bytes"] == len(served)


def test_script_knows_its_panels_digest() -> None:
    assert MANIFEST["files"]["panel.js"]["integrity"] in (BUILD_FOLDER / "widget.js").read_text("utf-8")


def test_script_size_stays_within_its_limit() -> None:
    widget, panel = (len(gzip.compress((BUILD_FOLDER / name).read_bytes(), 9)) for name in ("widget.js", "panel.js"))
    assert widget <= 12_288
    assert widget + panel <= 25_000


def test_unbuilt_tree_reports_how_to_build(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="run make widget"):
        read_files(tmp_path)
    (tmp_path / "manifest.json").write_text('{"version": "1", "files": {}}')
    with pytest.raises(PluginError, match="is not built"):
        read_files(tmp_path)
