"""What a plugin author may import: complete, and nothing that an import of hullo alone would make slow."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from collections.abc import Iterator

import pytest

import hullo
import hullo.plugin
from hullo.application import Hullo
from hullo.errors import PluginError
from hullo.hooks import hookspecs
from hullo.hooks.hookspecs import HOOK_NAMES
from hullo.hooks.manager import PluginManager
from hullo.plugin import App, Claim, Host, Identifier, Instant, Proof, Specs, hookimpl


def _names_in_hook_signatures() -> Iterator[str]:
    for hook in HOOK_NAMES:
        signature = inspect.signature(getattr(Specs, hook))
        annotations = [parameter.annotation for parameter in signature.parameters.values()]
        for annotation in [*annotations, signature.return_annotation]:
            if annotation is not inspect.Parameter.empty:
                yield from (node.id for node in ast.walk(ast.parse(annotation)) if isinstance(node, ast.Name))


def _own_types_in_hook_signatures() -> set[str]:
    """Those that hookspecs imports from hullo: the others are Python's, click's and Starlette's."""
    tree = ast.parse(inspect.getsource(hookspecs))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    own = {alias.name for node in imports if (node.module or "").startswith("hullo.") for alias in node.names}
    return own & set(_names_in_hook_signatures())


def test_plugin_module_exports_every_hook_type() -> None:
    types = _own_types_in_hook_signatures()
    assert {"Claim", "Host", "HulloError", "Instant", "MergePlan"} <= types
    for name in types:
        assert name in hullo.plugin.__all__
        assert getattr(hullo.plugin, name) is getattr(hookspecs, name)


def test_hullo_exports_every_hook_value() -> None:
    # Host is what a plugin gets to see of the Hullo that users have.
    assert _own_types_in_hook_signatures() - {"Host"} <= set(hullo.__all__)


@pytest.mark.parametrize("module", ["hullo", "hullo.plugin", "hullo.plugin.commands", "hullo.plugin.routes"])
def test_public_module_lists_what_it_imports(module: str) -> None:
    imported = sys.modules[module] if module in sys.modules else __import__(module, fromlist=["*"])
    named = {
        alias.name
        for node in ast.parse(inspect.getsource(imported)).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert named == set(imported.__all__)


def test_plugin_module_imports_no_command_line() -> None:
    code = "import sys, hullo.plugin; print({'click', 'hullo.cli'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"


def test_hullo_is_a_host() -> None:
    host: Host = Hullo("memory:")
    assert not host.is_open


class Inheriting(Specs):
    name = "inheriting"

    @hookimpl
    def verify_claim(self, claim: Claim, app: App, now: Instant) -> Proof | None:
        return Proof(by=self.name, identifiers=(Identifier("seen", "1"),))


def test_plugin_inheriting_specs_answers_decorated_hooks() -> None:
    assert PluginManager([Inheriting()]).implemented_hooks("inheriting") == ("verify_claim",)


def test_undecorated_override_of_spec_is_refused() -> None:
    class Forgets(Inheriting):
        def name_identifiers(self, claim: Claim) -> list[Identifier]:
            return []

    with pytest.raises(PluginError, match="decorate it with @hookimpl"):
        PluginManager([Forgets()])


@pytest.mark.parametrize("hook", HOOK_NAMES)
def test_spec_itself_answers_nothing(hook: str) -> None:
    function = getattr(Specs(), hook)
    assert not function(*[None] * len(inspect.signature(function).parameters))
