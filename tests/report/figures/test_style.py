"""The shades: pale is closed, dark is open, and what is written on them can be read."""

import re
from importlib.resources import files

import pytest
from matplotlib.colors import LinearSegmentedColormap, to_hex, to_rgb

from connprune.report.figures.style import BACKWARD_SHADES, SHADES, on_shade


def luminance(colour: tuple[float, ...]) -> float:
    """As the WCAG 2.2 define it, from 0 to 1."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour[:3]]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


BOTH = pytest.mark.parametrize("shades", [SHADES, BACKWARD_SHADES], ids=lambda shades: str(shades.name))


@BOTH
def test_the_more_open_the_darker(shades: LinearSegmentedColormap) -> None:
    seen = [luminance(shades(step / 100)) for step in range(101)]
    assert seen == sorted(seen, reverse=True)


@BOTH
@pytest.mark.parametrize("share", [step / 50 for step in range(51)])
def test_text_on_a_shade_can_be_read(share: float, shades: LinearSegmentedColormap) -> None:
    pair = sorted((luminance(shades(share)), luminance(to_rgb(on_shade(shades(share))))))
    assert (pair[1] + 0.05) / (pair[0] + 0.05) >= 4.5


def test_figures_and_the_light_page_have_the_same_ends_and_the_dark_page_stands_out_from_its_ground() -> None:
    style = (files("connprune.report.html") / "style.css").read_text(encoding="utf-8")
    ends = {name: re.search(rf"--{name}: light-dark\((#\w+), (#\w+)\)", style) for name in ("low", "high", "card")}
    light, dark = ({name: end[side] for name, end in ends.items() if end} for side in (1, 2))
    assert (light["low"], light["high"]) == (to_hex(SHADES(0)), to_hex(SHADES(1.0)))
    for theme in (light, dark):
        ground, closed, opened = (luminance(to_rgb(theme[name])) for name in ("card", "low", "high"))
        assert abs(closed - ground) < abs(opened - ground)
