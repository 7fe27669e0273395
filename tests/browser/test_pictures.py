"""Pictures of the widget, small, for people to look at; the tests look at where things are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext

from browser.pages import shop_page
from browser.serving import App
from browser.sites import Site
from browser.visits import Visit

Take = Callable[..., Path]
BYTES = 80_000
BODY = (
    "<style>body { font: 17px/1.6 Georgia, serif; margin: 3rem; max-width: 34rem; color-scheme: light dark }"
    "@media (prefers-color-scheme: dark) { body { background: #1b1714; color: #f3ebe3 } }</style>"
    "<h1>Kettle &amp; Crumb</h1><p>Things for a good afternoon: an enamel kettle that whistles in F, two stoneware "
    "cups, and a loaf tin with a lid, for a crust that sings.</p>"
)
LOOKS: dict[str, dict[str, Any]] = {
    "desk": {},
    "phone": {"viewport": {"width": 375, "height": 667}, "has_touch": True},
    "dark": {"color_scheme": "dark"},
    "right-to-left": {"locale": "ar"},
    "reduced-motion": {"reduced_motion": "reduce"},
    "large-text": {"viewport": {"width": 450, "height": 350}},
}


def within(visit: Visit, selector: Any) -> bool:
    """Whether all of it is on the screen."""
    box, screen = selector.bounding_box(), visit.page.viewport_size
    return (
        box["x"] >= 0
        and box["y"] >= 0
        and box["x"] + box["width"] <= screen["width"] + 1
        and box["y"] + box["height"] <= screen["height"] + 1
    )


@pytest.mark.slow
@pytest.mark.parametrize("look", LOOKS)
def test_widget_parts_all_fit_on_screen(
    look: str, new_context: Callable[..., BrowserContext], site: Site, app: App, take: Take
) -> None:
    visit = Visit(new_context(**LOOKS[look]).new_page())
    root = 'lang="ar" dir="rtl"' if look == "right-to-left" else 'lang="en"'
    visit.go(site.put("/", shop_page(app, body=BODY, root=root))).ready()
    assert within(visit, visit.launcher)
    taken = [take(visit.page, f"{look}-launcher")]

    visit.open()
    visit.until(lambda: within(visit, visit.panel))  # it comes up from below
    visit.until(lambda: within(visit, visit.text))

    visit.say("Do you ship to Peru? I am looking for the kettle, and perhaps for both of the cups.")
    visit.prompt.wait_for()
    visit.until(lambda: len(app.texts()) == 1)
    taken.append(take(visit.page, f"{look}-prompt"))
    app.answer("We do. It takes about ten days, and travels in straw: https://example.com/shipping")
    visit.shows("ten days")
    visit.identify(email="jane@example.com", name="Jane")
    visit.prompt.wait_for(state="hidden")
    taken.append(take(visit.page, f"{look}-chat"))
    visit.until(lambda: within(visit, visit.panel))
    assert all(0 < each.stat().st_size < BYTES for each in taken)


def test_launcher_sits_at_inline_end_ltr_rtl(new_context: Callable[..., BrowserContext], site: Site, app: App) -> None:
    middles = []
    for direction in ("ltr", "rtl"):
        visit = Visit(new_context().new_page())
        visit.go(site.put("/", shop_page(app, root=f'lang="en" dir="{direction}"'))).ready()
        box = visit.launcher.bounding_box()
        assert box is not None
        middles.append(box["x"] + box["width"] / 2)
    assert middles[0] > 450 > middles[1]
