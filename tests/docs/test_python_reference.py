"""The Python reference names whatever is public."""

from pathlib import Path

import pytest

import connprune
import connprune.architecture
from connprune import errors

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("module", [connprune, connprune.architecture], ids=lambda module: module.__name__)
def test_the_reference_has_every_public_name(module: object) -> None:
    for name in set(module.__all__) - {"__version__"}:  # type: ignore[attr-defined]
        # The same one is offered in both places.
        places = {f"connprune.{name}\n", f"connprune.architecture.{name}\n", f"{module.__name__}.{name}\n"}  # type: ignore[attr-defined]
        assert any(place in PAGE for place in places), name


def test_errors_stand_there_as_a_whole() -> None:
    assert f".. automodule:: {errors.__name__}\n   :members:" in PAGE
