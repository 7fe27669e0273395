"""What a built-in plugin imports of hullo: what every plugin may, so that it can be copied and changed."""

from __future__ import annotations

from boundaries.imports import imports, is_inside, lines

PUBLIC = {"hullo", "hullo.plugin", "hullo.plugin.commands", "hullo.plugin.routes"}


def private_imports() -> set[tuple[str, str]]:
    """Find what a plugin imports of hullo or of other plugins that is neither public nor in its own package."""
    found: set[tuple[str, str]] = set()
    for module, imported in imports().items():
        if is_inside(module, ["hullo_plugins"]):
            own_package = ".".join(module.split(".")[:2])
            ours = {target for target in imported if is_inside(target, ["hullo", "hullo_plugins"])}
            found |= {(module, target) for target in ours - PUBLIC if not is_inside(target, [own_package])}
    return found


def test_plugins_import_only_public_names() -> None:
    assert not private_imports(), f"not in {sorted(PUBLIC)}:{lines(private_imports())}"
