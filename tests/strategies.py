"""Random architectures, small enough to run in milliseconds."""

from typing import Any

from hypothesis import assume
from hypothesis import strategies as st
from pydantic import ValidationError

from connprune.architecture import Architecture

INTERPOLATIONS = ["bilinear", "nearest", "bicubic", "area", "max-pool"]
AGGREGATES = ["concat", "sum", "max", "squeeze"]


def layers() -> st.SearchStrategy[dict[str, Any]]:
    convolution = st.fixed_dictionaries(
        {
            "kind": st.just("conv"),
            "feature_maps": st.integers(1, 4),
            "kernel": st.integers(1, 3),
            "padding": st.sampled_from(["same", "valid"]),
            "bias": st.booleans(),
            "activation": st.sampled_from(["relu", "none"]),
        }
    )
    pooling = st.fixed_dictionaries({"kind": st.just("max-pool"), "size": st.integers(1, 3)})
    dropout = st.fixed_dictionaries({"kind": st.just("dropout"), "rate": st.floats(0, 0.9)})
    return st.one_of(convolution, convolution, pooling, dropout)


def initialisations() -> st.SearchStrategy[dict[str, Any]]:
    weight = st.floats(-2, 2)
    return st.one_of(
        st.fixed_dictionaries({"kind": st.just("constant"), "value": weight}),
        st.fixed_dictionaries({"kind": st.just("uniform"), "low": st.floats(-2, 0), "high": st.floats(0, 2)}),
        st.fixed_dictionaries({"kind": st.just("normal"), "mean": weight, "deviation": st.floats(0, 1)}),
        st.fixed_dictionaries({"kind": st.just("feed-forward"), "chain": weight, "rest": weight}),
    )


def gates() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "kind": st.sampled_from(["sigmoid", "linear", "hard-concrete"]),
            "sharing": st.sampled_from(["shared", "per-feature-map"]),
            "initialisation": initialisations(),
        }
    )


def merges() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "aggregate": st.sampled_from(AGGREGATES),
            "resize": st.sampled_from(["smallest", "pad"]),
            "interpolation": st.sampled_from(INTERPOLATIONS),
        }
    )


@st.composite
def wirings(draw: st.DrawFn, count: int) -> dict[str, list[str]]:
    """Connections over layers called l0, l1, …, in which every layer is read."""
    names = ["input", *(f"l{number}" for number in range(count)), "head"]
    connections = {
        target: draw(st.lists(st.sampled_from(names[:position]), min_size=1, unique=True))
        for position, target in enumerate(names)
        if position
    }
    read = {source for sources in connections.values() for source in sources}
    connections["head"] += [name for name in names[1:-1] if name not in read]
    return connections


@st.composite
def architectures(draw: st.DrawFn, gated: bool = True) -> Architecture:
    drawn = draw(st.lists(layers(), max_size=6))
    targets = ["head", *(f"l{number}" for number in range(len(drawn)))]
    data: dict[str, Any] = {
        "input": {name: draw(st.integers(low, high)) for name, low, high in SIDES},
        "classes": draw(st.integers(2, 4)),
        "layers": [{"name": f"l{number}", **layer} for number, layer in enumerate(drawn)],
        "connections": draw(st.one_of(st.just("dense"), wirings(len(drawn)))),
        "merge": draw(merges()),
        "merges": draw(st.dictionaries(st.sampled_from(targets), merges(), max_size=2)),
        "gates": draw(gates()) if gated else None,
        "head": {
            "reduce": draw(st.sampled_from(["flatten", "average"])),
            "hidden": draw(st.lists(st.integers(1, 5), max_size=2)),
        },
    }
    if draw(st.booleans()):
        size = [draw(st.integers(1, 12)), draw(st.integers(1, 12))]
        data["merges"].setdefault(draw(st.sampled_from(targets)), {})["size"] = size
    try:
        return Architecture.model_validate(data)
    except ValidationError as error:
        assume(all(details["type"] != "shape" for details in error.errors()))
        raise


SIDES = (("feature_maps", 1, 3), ("height", 5, 12), ("width", 5, 12))
