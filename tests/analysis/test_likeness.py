import pytest

from connprune.analysis.likeness import likeness
from connprune.architecture import Architecture
from connprune.architecture.architecture import Connection
from connprune.architecture.merging import Merge
from connprune.architecture.wirings import WIRINGS


@pytest.mark.parametrize("name", ["dense", "chain", "residual"])
def test_a_reference_wiring_is_most_like_itself(digits: Architecture, name: str) -> None:
    wiring = WIRINGS[name]([layer.name for layer in digits.layers])
    weights = {Connection(source, target): 1.0 for target, sources in wiring.items() for source in sources}
    found = likeness(digits, weights, 0.5)

    assert found.likeness[name].overlap == 1
    beginning = "Nearly a dense network" if name == "dense" else f"Most like a {name} network"
    assert found.sentence.startswith(f"{beginning} (overlap 1.00")
    assert found.likeness[name].chance < 0.5 or name == "dense"
    assert bool(found.long_skips) is (name == "dense")


def test_with_backward_connections_the_whole_is_the_complete_wiring(digits: Architecture) -> None:
    names = [layer.name for layer in digits.layers]
    cyclic = digits.replace(merge=Merge(aggregate="sum"), connections=WIRINGS["complete"](names), unroll=2, gates=None)
    found = likeness(cyclic, dict.fromkeys(cyclic.all_connections, 1.0), 0.5)

    assert found.sentence.startswith("Nearly a complete network (overlap 1.00")
    assert set(found.likeness) == {"complete", "dense", "chain", "residual"}

    forward = {
        connection: 1.0 for connection in cyclic.all_connections if connection not in cyclic.backward_connections
    }
    assert likeness(cyclic, forward, 0.5).sentence.startswith("Most like a dense network (overlap 1.00")


def test_skips_degrees_and_dead_layers_are_counted(digits: Architecture) -> None:
    names = [layer.name for layer in digits.layers]
    kept = [("input", names[0]), (names[0], names[1]), (names[0], "head"), (names[1], "head"), (names[3], names[4])]
    found = likeness(digits, {Connection(*pair): 1.0 for pair in kept}, 0.5)

    assert found.long_skips == (f"{names[0]}->head", f"{names[1]}->head")
    assert found.mean_skip == pytest.approx((1 + 1 + 8 + 7 + 1) / 5)
    assert found.targets[names[0]] == 2
    assert found.sources["head"] == 2
    assert found.dead_layers == tuple(names[2:])
    assert f"without {', '.join(names[2:])}" in found.sentence


def test_a_closed_connection_is_no_skip(digits: Architecture) -> None:
    found = likeness(digits, {Connection("input", "head"): 0.004}, 0.01)
    assert found.long_skips == ()
