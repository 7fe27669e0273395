"""Checks of plugins when a plugin manager is built. Each error says what to change in the plugin."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from hullo.errors import PluginError
from hullo.hooks.hookspecs import HOOK_NAMES, PROJECT, Specs

_HOOK_PARAMETERS = {
    hook: [name for name in inspect.signature(getattr(Specs, hook)).parameters if name != "self"] for hook in HOOK_NAMES
}
"""The parameters of each hook."""


def is_hook_candidate(attribute: str) -> bool:
    """Leave out Python's own attributes: a class has many of them, and inspecting them takes time."""
    return not attribute.startswith("__")


def require_name(plugin: object) -> str:
    """Return the plugin's name. Raises `PluginError` for a plugin without one."""
    name = getattr(plugin, "name", None)
    if isinstance(name, str) and name:
        return name
    raise PluginError(f'{type(plugin).__name__} needs a name: add a line such as  name = "loyalty-card"')


def validate_plugin(plugin: object, name: str) -> None:
    """Check all methods. Raises `PluginError` where pluggy would be silent, or would report no remedy."""
    answered = 0
    for attribute in filter(is_hook_candidate, dir(type(plugin))):
        # Static: a property must not run while its class is inspected.
        member = inspect.getattr_static(type(plugin), attribute)
        function: Any = getattr(member, "__func__", member)  # of a static or class method
        options = getattr(function, f"{PROJECT}_impl", None)
        if options is None:
            # A plugin that inherits Specs has all hooks; those that it does not define are not asked.
            if attribute in HOOK_NAMES and inspect.isfunction(function) and function is not getattr(Specs, attribute):
                raise PluginError(f"plugin {name!r}: {attribute} is a hook's name; decorate it with @hookimpl")
            continue
        answered += 1
        _validate_method(name, attribute, function, options)
    if not answered:
        raise PluginError(f"plugin {name!r} answers no hook: decorate its methods with @hookimpl")


def _validate_method(name: str, hook: str, function: Callable[..., object], options: Mapping[str, object]) -> None:
    where = f"plugin {name!r}: {hook}"
    # `specname` would answer a hook under another name, so that the class no longer shows what it answers.
    if hook not in HOOK_NAMES or options.get("specname"):
        near = difflib.get_close_matches(hook, HOOK_NAMES, n=1)
        meant = f"did you mean {near[0]}?" if near else f"the hooks are {', '.join(HOOK_NAMES)}"
        raise PluginError(f"{where} is no hook; {meant}")
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise PluginError(
            f"{where} is async, but the pipeline is synchronous: write 'def'. To ask another system, do it in "
            "verify_claim, which runs in a worker thread"
        )
    # A generator runs when it is read, outside of the guard that names the plugin.
    if inspect.isgeneratorfunction(function):
        raise PluginError(f"{where} is a generator: collect the answers and return a list")
    # Refused: two ways to set an order could contradict each other (M4).
    chosen = [option for option in ("tryfirst", "trylast", "wrapper", "hookwrapper") if options.get(option)]
    if chosen:
        raise PluginError(f"{where} sets {chosen[0]}: plugins are asked in the order of the list, so move it there")
    known = _HOOK_PARAMETERS[hook]
    for argument in list(inspect.signature(function).parameters.values()):
        # The function is inspected unbound, so its first argument is still there.
        if argument.name in {"self", "cls"}:
            continue
        if argument.name not in known:
            near = difflib.get_close_matches(argument.name, known, n=1)
            meant = f"did you mean {near[0]}?" if near else f"it may take {', '.join(known)}"
            raise PluginError(f"{where} takes {argument.name!r}, which the hook does not give; {meant}")
        # pluggy passes no argument that has a default: the plugin would always get the default.
        if argument.default is not argument.empty or argument.kind is not argument.POSITIONAL_OR_KEYWORD:
            raise PluginError(f"{where}: write the argument {argument.name!r} plainly, without * or a default")
