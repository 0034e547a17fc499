"""What a verdict says of the cost."""

from connprune.experiments.verdict import cost
from tests.experiments.helpers import network


def test_a_mean_of_unequal_networks_is_no_equal_cost() -> None:
    ours = network("cut", 100, 100)
    found = cost([network("one", 100, 50), network("other", 100, 150)], ours)
    assert (found.ratios.parameters, found.ratios.macs) == (1, 1)
    assert not found.equal
    assert cost([network("one", 102, 98)], ours).equal
    assert cost([network("one", 100, 0)], ours).ratios.macs is None
