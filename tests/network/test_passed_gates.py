"""The gates that layers pass on act on whatever reads them, as if each had been multiplied in where it stands."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from connprune.architecture import Architecture
from connprune.architecture.base import Shape
from connprune.network import build
from connprune.network.image_layers import Dropout, MaxPooling
from connprune.network.passed_gates import Products
from connprune.training.configuration import resolve
from tests.network.test_equals_the_formula import assert_equals_the_formula
from tests.strategies import AGGREGATES


@given(st.integers(1, 5), st.integers(1, 4), st.integers(1, 6), st.integers(0, 1000))
def test_products_and_their_gradients(count: int, most: int, products: int, seed: int) -> None:
    """Zeros among the factors, too: there a gradient is no quotient."""
    generator = torch.Generator().manual_seed(seed)
    factors = torch.randint(0, count + 1, (most, products), generator=generator)
    values = torch.randint(-1, 3, (count,), generator=generator).double().requires_grad_()
    made = Products(factors)(values)
    expected = torch.cat([values, torch.ones(1)])[factors].prod(0)
    torch.testing.assert_close(made, expected)
    weights = torch.rand(products, dtype=torch.float64, generator=generator)
    found, wanted = (torch.autograd.grad((each * weights).sum(), values)[0] for each in (made, expected))
    torch.testing.assert_close(found, wanted)


def test_a_layer_that_does_not_say_that_it_passes_gates_on_need_not(
    digits: Architecture, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    passing = build(digits).eval()
    for layer in (Dropout, MaxPooling):
        monkeypatch.setattr(layer, "passes_gates", lambda self, positive: False)
    other = build(digits).eval()
    other.load_state_dict(passing.state_dict())
    assert passing.passed is not None
    assert other.passed is not None
    assert len(passing.passed.products.factors) > len(other.passed.products.factors) == 1
    images = torch.randint(0, 256, (3, 1, 8, 8), dtype=torch.uint8)
    torch.testing.assert_close(passing(images), other(images))


@pytest.mark.parametrize("aggregate", AGGREGATES)
def test_a_maximum_of_what_is_resized_is_of_the_products_where_gates_may_be_negative(aggregate: str) -> None:
    small = (f"layers.{number}.feature_maps=2" for number in (0, 1, 4, 5))
    chosen = resolve(
        "digits",
        assignments=[
            *small,
            f"merge.aggregate={aggregate}",
            "merge.interpolation=max-pool",
            "gates.kind=linear",
            "gates.initialisation={kind: normal, mean: 0, deviation: 1}",
        ],
    )
    assert_equals_the_formula(chosen.with_input(Shape(1, 8, 8), 10), batch=2)
