"""Random architectures, small enough to run in milliseconds."""

from collections.abc import Iterator
from typing import Any

from hypothesis import reject
from hypothesis import strategies as st
from pydantic import ValidationError

from connprune.architecture import Architecture

INTERPOLATIONS = ["bilinear", "nearest", "bicubic", "area", "max-pool"]
AGGREGATES = ["concat", "sum", "max", "squeeze", "mean"]


ACTIVATIONS = ["relu", "none", "leaky-relu", "relu6", "gelu", "silu", "hard-swish", "tanh", "sigmoid"]
ORDERS = ["conv-norm-act", "norm-act-conv", "act-conv-norm"]
Layers = st.SearchStrategy[dict[str, Any]]


def layer(kind: str, **keys: st.SearchStrategy[Any]) -> Layers:
    return st.fixed_dictionaries({"kind": st.just(kind), **keys})


def norms() -> st.SearchStrategy[Any]:
    group = st.fixed_dictionaries({"kind": st.just("group"), "group_size": st.integers(1, 3)})
    return st.one_of(st.none(), st.just("batch"), st.just("layer"), group)


def image_layers() -> Layers:
    maps, activation = st.integers(1, 4), st.sampled_from(ACTIVATIONS)
    kernel = st.one_of(st.integers(1, 3), st.tuples(st.integers(1, 4), st.integers(1, 4)))
    padding, bias, step = st.sampled_from(["same", "valid"]), st.booleans(), st.integers(1, 2)
    block = {"bias": bias, "activation": activation, "norm": norms(), "order": st.sampled_from(ORDERS)}
    plain = {"feature_maps": maps, "kernel": kernel, "padding": padding, **block}
    pooling = {"size": kernel, "stride": st.one_of(st.none(), st.integers(1, 3)), "padding": padding}
    return st.one_of(
        layer("conv", **plain),
        layer("conv", **plain, stride=step, dilation=step),
        layer("conv", **{**plain, "feature_maps": st.sampled_from([4, 6])}, groups=st.integers(1, 3)),
        layer("separable-conv", feature_maps=maps, kernel=kernel, stride=step, dilation=step, **block),
        layer("depthwise-conv", kernel=kernel, padding=padding, stride=step, dilation=step, **block),
        layer("max-pool", **pooling),
        layer("average-pool", **pooling),
        layer("global-pool", function=st.sampled_from(["average", "max"])),
        layer("dropout", rate=st.floats(0, 0.9)),
        layer("batch-norm", activation=activation),
        layer("group-norm", group_size=st.integers(1, 3), activation=activation),
        layer("layer-norm", activation=activation),
        layer("activation", function=activation),
        layer("linear", feature_maps=maps, **block),
    )


def sequence_layers() -> Layers:
    maps, kernel, activation = st.integers(1, 4), st.integers(1, 3), st.sampled_from(ACTIVATIONS)
    padding, bias = st.sampled_from(["same", "valid"]), st.booleans()
    block = {"bias": bias, "activation": activation, "norm": norms(), "order": st.sampled_from(ORDERS)}
    return st.one_of(
        layer("conv1d", feature_maps=maps, kernel=kernel, padding=padding, **block),
        layer("lstm", feature_maps=maps),
        layer("gru", feature_maps=maps),
        layer("max-pool1d", size=st.integers(1, 3)),
        layer("average-pool1d", size=st.integers(1, 3)),
        layer("dropout", rate=st.floats(0, 0.9)),
        layer("batch-norm", activation=activation),
        layer("linear", feature_maps=maps, **block),
    )


def initialisations() -> st.SearchStrategy[dict[str, Any]]:
    weight = st.floats(-2, 2)
    return st.one_of(
        st.fixed_dictionaries({"kind": st.just("constant"), "value": weight}),
        st.fixed_dictionaries({"kind": st.just("uniform"), "low": st.floats(-2, 0), "high": st.floats(0, 2)}),
        st.fixed_dictionaries({"kind": st.just("normal"), "mean": weight, "deviation": st.floats(0, 1)}),
        st.fixed_dictionaries({"kind": st.just("feed-forward"), "chain": weight, "rest": weight}),
    )


def gates() -> st.SearchStrategy[dict[str, Any]]:
    both = st.sampled_from(["shared", "per-feature-map"])
    alone = {"kind": st.sampled_from(["sigmoid", "linear", "hard-concrete", "bernoulli", "reinforce"]), "sharing": both}
    best = {"kind": st.just("top-k"), "sharing": both, "open": st.integers(1, 100).map(lambda share: f"{share}%")}
    kinds: list[dict[str, st.SearchStrategy[Any]]] = [alone, alone, best, {"kind": st.just("softmax")}]
    return st.one_of([st.fixed_dictionaries({**kind, "initialisation": initialisations()}) for kind in kinds])


def merges() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "aggregate": st.sampled_from(AGGREGATES),
            "resize": st.sampled_from(["smallest", "pad"]),
            "interpolation": st.sampled_from(INTERPOLATIONS),
        }
    )


@st.composite
def wirings(draw: st.DrawFn, count: int, passes: int = 1) -> dict[str, list[str]]:
    """Connections over layers called l0, l1, …, in which every layer is read; in several passes some lead backward."""
    names = ["input", *(f"l{number}" for number in range(count)), "head"]
    connections = {
        target: draw(st.lists(st.sampled_from(names[:position]), min_size=1, unique=True))
        for position, target in enumerate(names)
        if position
    }
    read = {source for sources in connections.values() for source in sources}
    connections["head"] += [name for name in names[1:-1] if name not in read]
    for position, target in enumerate(names[1:-2], 1):
        if passes > 1:
            connections[target] += draw(st.lists(st.sampled_from(names[position + 1 : -1]), unique=True, max_size=2))
    return connections


def simpler(data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What was drawn, then with less and less in it that may not fit together, so that few draws are in vain."""
    yield data
    blocks = [*data["layers"], data["head"]]
    for block in blocks:
        for grouped in (block, block.get("norm")):
            if isinstance(grouped, dict):
                grouped |= {key: 1 for key in ("group_size", "groups") if key in grouped}
    yield data
    for merge in (data["merge"], *data["merges"].values()):
        merge.pop("size", None)
        merge.pop("resize", None)
    yield data
    for block in blocks:
        if "norm" in block:
            block["norm"] = None
        if block.get("kind") in ("batch-norm", "group-norm", "layer-norm"):
            block["kind"], block["function"] = "activation", block.pop("activation")
            block.pop("group_size", None)
    yield data
    for merge in (data["merge"], *data["merges"].values()):
        merge["aggregate"] = "sum"
    yield data


@st.composite
def architectures(
    draw: st.DrawFn, gated: bool = True, most_passes: int = 1, least_layers: int = 0, least_passes: int = 1
) -> Architecture:
    passes = draw(st.sampled_from([*[1, 1] * (least_passes == 1), *range(least_passes, most_passes + 1)]))
    is_sequence = draw(st.integers(0, 3)) == 0
    drawn = draw(st.lists(sequence_layers() if is_sequence else image_layers(), min_size=least_layers, max_size=6))
    targets = ["head", *(f"l{number}" for number in range(len(drawn)))]
    data: dict[str, Any] = {
        "input": {
            "feature_maps": draw(st.integers(1, 3)),
            "height": 1 if is_sequence else draw(st.integers(5, 12)),
            "width": draw(st.integers(5, 12)),
        },
        "classes": draw(st.integers(2, 4)),
        "layers": [{"name": f"l{number}", **keys} for number, keys in enumerate(drawn)],
        "unroll": passes,
        "connections": draw(st.one_of(st.just("dense" if passes == 1 else "complete"), wirings(len(drawn), passes))),
        "merge": draw(merges()),
        "merges": draw(st.dictionaries(st.sampled_from(targets), merges(), max_size=2)),
        "gates": draw(gates()) if gated else None,
        "head": {
            "norm": draw(norms()),
            "reduce": draw(st.sampled_from(["flatten", "average"])),
            "hidden": draw(st.lists(st.integers(1, 5), max_size=2)),
        },
    }
    if draw(st.booleans()):
        size = [draw(st.integers(1, 12)), draw(st.integers(1, 12))]
        data["merges"].setdefault(draw(st.sampled_from(targets)), {})["size"] = size
    for fewer in simpler(data):
        try:
            return Architecture.model_validate(fewer)
        except ValidationError as error:
            if any(details["type"] != "shape" for details in error.errors()):
                raise
    # What is left are layers that need more of an image than is left of it.
    reject()
    raise AssertionError
