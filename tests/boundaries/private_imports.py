"""The modules of core that built-in plugins still import although they are not public. Only shrinks."""

from __future__ import annotations

PRIVATE_IMPORTS = {
    "hullo_plugins.bus.channel": {"hullo.errors"},
    "hullo_plugins.bus.framing": {"hullo.value", "hullo.bus.notice"},
    "hullo_plugins.bus.postgresql": {"hullo.errors", "hullo.store.urls"},
    "hullo_plugins.bus.publisher": {"hullo.bus.notice"},
    "hullo_plugins.bus.reachability_log": {"hullo.background.worker"},
    "hullo_plugins.bus.redis": {"hullo.store.urls", "hullo.redis_client"},
    "hullo_plugins.bus.remote_bus": {"hullo.bus.notice", "hullo.bus.protocol", "hullo.bus.subscribers"},
    "hullo_plugins.bus.subscriber": {"hullo.bus.subscribers"},
}
