"""The names that commands take and where each one's part is: for help and completion, so nothing is imported here.

Layers, aggregates and optimizers are named in a configuration, whose classes know their kinds.
"""

from collections.abc import Iterator, Mapping

CRITERIA = {
    "gate": "connprune.training.criteria:by_gate",
    "strength": "connprune.training.criteria:by_strength",
    "saliency": "connprune.training.criteria:by_saliency",
    "ablation": "connprune.training.criteria:by_ablation",
    "random": "connprune.training.criteria:by_chance",
}
SOURCES = {
    "digits": "connprune.data.named:Digits",
    "cifar10": "connprune.data.named:Cifar10",
    "cifar100": "connprune.data.named:Cifar100",
    "mnist": "connprune.data.named:Mnist",
    "fashion-mnist": "connprune.data.named:FashionMnist",
    "svhn": "connprune.data.named:Svhn",
    "stl10": "connprune.data.named:Stl10",
}
DATA_FORMATS = {
    "npz": "connprune.data.arrays:Npz",
    "npy": "connprune.data.arrays:Npy",
    "safetensors": "connprune.data.arrays:Safetensors",
    "parquet": "connprune.data.parquet:Parquet",
}
# As they are written where a comparison names them.
BASELINES = {
    "parent": "connprune.experiments.baselines:Parent",
    "dense": "connprune.experiments.baselines:Dense",
    "chain": "connprune.experiments.baselines:Chain",
    "residual": "connprune.experiments.baselines:Residual",
    "scratch": "connprune.experiments.baselines:Scratch",
    "finetune": "connprune.experiments.baselines:Finetune",
    "rewind": "connprune.experiments.baselines:Rewind",
    "all": "connprune.experiments.baselines:All",
    "random:N": "connprune.experiments.baselines:Random",
    "random-params:N": "connprune.experiments.baselines:RandomParams",
    "random-cost:N": "connprune.experiments.baselines:RandomCost",
    "evolution:N": "connprune.experiments.baselines:Evolution",
    "dense-scaled": "connprune.experiments.baselines:DenseScaled",
    "chain-scaled": "connprune.experiments.baselines:ChainScaled",
    "residual-scaled": "connprune.experiments.baselines:ResidualScaled",
}
CALLBACKS = {
    "wandb": "connprune.training.trackers:Wandb",
    "mlflow": "connprune.training.trackers:Mlflow",
}


def offered(builtin: Mapping[str, str], group: str) -> Iterator[str]:
    """The names that there are without a plug-in: the tool's own, and what installed packages offer.

    Args:
        builtin: one of the tables here.
        group: of entry points.
    """
    from importlib.metadata import entry_points

    yield from builtin
    yield from (offer.name for offer in entry_points(group=group))
