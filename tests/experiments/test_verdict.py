"""What a verdict says of the cost."""

from connprune.experiments.verdict import cost


def test_a_mean_of_unequal_networks_is_no_equal_cost() -> None:
    ours = {"parameters": 100, "macs": 100}
    others = [{"parameters": 100, "macs": 50}, {"parameters": 100, "macs": 150}]
    found = cost(others, ours)
    assert found["times"] == {"parameters": 1, "macs": 1}
    assert not found["equal"]
    assert cost([{"parameters": 102, "macs": 98}], ours)["equal"]
    assert cost([{"parameters": 100, "macs": 0}], ours)["times"]["macs"] is None
