"""Debian's Chromium, driven by Playwright, for pages on disk, without a network."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

SERIOUS = {"serious", "critical"}


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run a browser; without one the test is skipped, or fails with PIPELINE_ALL_SERVERS=1."""
    program = shutil.which("chromium")
    if program is None:
        reason = "chromium is not installed; .ci/run says how to install it"
        if os.environ.get("PIPELINE_ALL_SERVERS") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        # As root it has no sandbox; a container's /dev/shm is small.
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        try:
            yield browser
        finally:
            browser.close()


class Opened:
    """A page opened from disk, with its messages and requests."""

    def __init__(self, browser: Browser, path: Path, **options: Any) -> None:
        context = browser.new_context(offline=True, **options)
        context.set_default_timeout(60_000)  # of a machine with much else to do
        self.page: Page = context.new_page()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", self._ask)
        self.address = path.resolve().as_uri()
        self.page.goto(self.address)
        self.page.evaluate("drawn")

    def _ask(self, request: Any) -> None:
        if not request.url.startswith("data:"):
            self.asked.append(request.url)

    def quiet(self) -> None:
        """Assert that nothing went wrong and that only the file was requested."""
        assert self.said == []
        assert self.asked == [self.address]

    def faults(self) -> list[str]:
        """Return serious faults of accessibility, as axe-core finds them."""
        found = Axe().run(self.page).response["violations"]
        return [
            f"{fault['id']}: {node['html'][:200]}"
            for fault in found
            if fault["impact"] in SERIOUS
            for node in fault["nodes"]
        ]

    def text(self, selector: str) -> str:
        """Return the visible text of an element."""
        return self.page.locator(selector).inner_text()

    def marks(self, chart: str, kind: str) -> Any:
        """Return the drawn marks of a chart: ``rect``, ``line``, ``symbol``."""
        return self.page.locator(f'[data-chart="{chart}"] .mark-{kind}.role-mark path')
