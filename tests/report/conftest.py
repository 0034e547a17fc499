"""A headless Chromium for the tests of the page.

With CONNPRUNE_SCREENSHOTS=DIR the pictures that the tests take are kept there, to be looked at.
"""

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield browser
        browser.close()


class Shown:
    """A page that is open, and what went wrong on it."""

    def __init__(self, browser: "Browser", path: Path, width: int, colours: Any = "light") -> None:
        self.page: Page = browser.new_page(
            viewport={"width": width, "height": 900}, color_scheme=colours, reduced_motion="reduce"
        )
        self.wrong: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.wrong.append(message.text))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())
        self.page.locator("main section").first.wait_for()
        self.path = path

    def picture(self, name: str) -> None:
        """Live only if someone wants to look."""
        folder = os.environ.get("CONNPRUNE_SCREENSHOTS")
        picture = self.page.screenshot(full_page=True)
        assert picture
        if folder:
            (Path(folder) / f"{name}.png").write_bytes(picture)

    def stat(self, key: str) -> str:
        return self.page.locator(f'[data-stat="{key}"]').inner_text()

    def close(self) -> None:
        assert self.wrong == []
        assert self.requests == [self.path.as_uri()]
        self.page.close()
