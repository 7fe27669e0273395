"""The plugin can be left out like any other."""

from __future__ import annotations

import json

from hullo import Hullo
from hullo.api.openapi.document import document
from hullo.api.routes import api_routes
from hullo.api.runtime import AsyncRuntime


def test_document_without_plugin_leads_nowhere_to_it() -> None:
    with_it, without = (Hullo("memory:", without=names) for names in ([], ["duplicates"]))
    described = [
        document(hullo.settings.limits, [*api_routes(AsyncRuntime(hullo)), *hullo.hooks.routes(hullo)])
        for hullo in (with_it, without)
    ]
    assert [json.dumps(each).count("list_duplicates") > 0 for each in described] == [True, False]
    assert "duplicates" not in without.hooks.plugin_names
