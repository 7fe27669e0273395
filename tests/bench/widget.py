"""How much of a page's main thread the widget takes until it is ready.

    python tests/bench/widget.py [--visits 15] [--slowdown 1]

A customer who is logged in opens the front page of the demo shop, each time in a browser that knows nothing yet.
Chromium's own trace tells what its main thread did between the first byte of `widget.js` that it compiled and the
moment at which the widget said that it is ready. Times are the thread's own on the processor, as the machine may have
other things to do:

- `script`: compiling and running the widget, its promises included,
- `all`: every task of that time, the page's own layout and painting too: an upper bound.

`--slowdown 4` makes the processor that much slower, which is about a phone.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))  # where what the tests share is

from demo_site import Sites, serving

CATEGORIES = ["toplevel", "devtools.timeline", "blink.user_timing"]
"""No more than are read: a trace of V8's own work costs several times what is measured."""
READY = "hullo is ready"
LISTENING = f"""
window.hullo = function () {{ (hullo.q = hullo.q || []).push(arguments); }};
hullo('on', 'ready', () => performance.mark('{READY}'));
"""
SCRIPT = {"EvaluateScript", "FunctionCall", "v8.compile"}
PROMISES = {"RunMicrotasks", "BlinkScheduler_PerformMicrotaskCheckpoint"}

Event = dict[str, Any]


def spent(events: Iterable[Event]) -> float:
    """Milliseconds of the processor's time in which at least one of them went on: they lie within one another."""
    total = end = 0.0
    for event in sorted(events, key=lambda event: event["tts"]):
        start, stop = event["tts"], event["tts"] + event["tdur"]
        total += max(0.0, stop - max(start, end))
        end = max(end, stop)
    return total / 1000


def of_the_widget(event: Event) -> bool:
    told = event.get("args", {})
    address = told.get("data", {}).get("url", "") or told.get("fileName", "")
    return "/widget.js" in address


def read(trace: bytes) -> tuple[float, float]:
    """What `script` and `all` were."""
    events: list[Event] = json.loads(trace)["traceEvents"]
    ready = next(event for event in events if event["name"] == READY)
    here = [event for event in events if event["tid"] == ready["tid"] and event["pid"] == ready["pid"]]
    begun = min(event["ts"] for event in here if event["name"] in SCRIPT and of_the_widget(event))
    during = [event for event in here if event.get("tdur") and begun <= event["ts"] <= ready["ts"]]
    own = [event for event in during if event["name"] in SCRIPT and of_the_widget(event)]
    promises = [event for event in during if event["name"] in PROMISES]
    return spent([*own, *promises]), spent(during)


def visit(browser: Browser, sites: Sites, slowdown: float) -> tuple[float, float]:
    context = browser.new_context()
    context.add_init_script(LISTENING)
    page = context.new_page()
    page.request.post(f"{sites.shop}/login", form={"as": "jane"})
    if slowdown > 1:
        context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": slowdown})
    browser.start_tracing(page=page, categories=CATEGORIES)
    page.goto(f"{sites.shop}/")
    wait_until_ready(page)
    trace = browser.stop_tracing()
    context.close()
    return read(trace)


def wait_until_ready(page: Page) -> None:
    page.wait_for_function("name => performance.getEntriesByName(name).length > 0", arg=READY)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visits", type=int, default=15)
    parser.add_argument("--slowdown", type=float, default=1)
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as sites, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        visit(browser, sites, options.slowdown)  # the first starts more than the widget
        taken = [visit(browser, sites, options.slowdown) for _ in range(options.visits)]
        browser.close()
    for name, times in zip(("script", "all"), zip(*taken, strict=True), strict=True):
        print(f"{name:8}{statistics.median(times):8.1f} ms in the middle{max(times):8.1f} ms at most")


if __name__ == "__main__":
    main()
