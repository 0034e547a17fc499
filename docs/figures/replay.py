"""Films the replay of a report, for the README: frames from a headless Chromium, as one WebP.

connprune train --preset digits --run runs/digits
connprune inspect runs/digits --html report.html
python docs/figures/replay.py report.html docs/figures/replay.webp
"""

import argparse
import io
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from playwright.sync_api import Page

WIDTH, CAPTION, FRAMES, SHADES = 960, 40, 50, 32
# Milliseconds of a frame, and of the first and the last one.
SHORT, LONG = 110, 2500
PAPER, INK = "#ffffff", "#18202b"


def frames(page: "Page") -> list[Image.Image]:
    """The wiring at epochs that are evenly spread over the training."""
    drawing = page.locator("section[aria-label=Wiring] svg[role=listbox]")
    slider = page.locator("#epoch")
    last = int(slider.get_attribute("max") or 0)
    films = []
    for epoch in dict.fromkeys(round(last * step / FRAMES) for step in range(FRAMES + 1)):
        slider.evaluate("(node, at) => { node.value = at; node.dispatchEvent(new Event('input')) }", epoch)
        closed = page.locator("[data-stat=gates_closed]").first.inner_text()
        picture = Image.open(io.BytesIO(drawing.screenshot())).convert("RGB")
        films.append(captioned(picture, f"epoch {epoch} of {last}:  {closed} gates closed"))
    return films


def captioned(picture: Image.Image, text: str) -> Image.Image:
    """A picture below a line of text."""
    whole = Image.new("RGB", (picture.width, picture.height + CAPTION), PAPER)
    whole.paste(picture, (0, CAPTION))
    ImageDraw.Draw(whole).text((8, 10), text, INK, ImageFont.load_default(20))
    return whole


def main() -> None:
    """Films one page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report", type=Path)
    parser.add_argument("film", type=Path)
    arguments = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": 900}, color_scheme="light", reduced_motion="reduce")
        page.goto(arguments.report.resolve().as_uri())
        films = frames(page)
        browser.close()
    times = [LONG // 2, *[SHORT] * (len(films) - 2), LONG]
    # Few shades, those of the last frame: what does not change from frame to frame then takes no room.
    palette = films[-1].quantize(SHADES)
    film = [frame.quantize(palette=palette, dither=Image.Dither.NONE).convert("RGB") for frame in films]
    film[0].save(arguments.film, save_all=True, append_images=film[1:], duration=times, loop=0, lossless=True, method=4)


if __name__ == "__main__":
    main()
