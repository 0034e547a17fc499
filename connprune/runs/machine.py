"""What a bug report needs to say of a machine and of what is installed on it."""

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from connprune.documents.environment import Cores, Gpu, Machine, TorchBuild, TorchProblem

# What each extra that adds to the product installs, as pyproject.toml has it.
EXTRAS = {
    "mlflow": ("mlflow-skinny",),
    "onnx": ("onnx", "onnxruntime", "onnxscript"),
    "pandas": ("pandas",),
    "parquet": ("pyarrow",),
    "ray": ("ray",),
    "tensorboard": ("tensorboard",),
    "wandb": ("wandb",),
}
_PACKAGES = ("torch", "torchvision", "numpy", "pydantic", "typer", "rich", "safetensors", "pillow", "matplotlib")
_VARIABLES = ("CONNPRUNE_", "OMP_", "MKL_", "KMP_", "OPENBLAS_", "CUDA_", "PYTORCH_", "TORCH_", "NCCL_")


def machine(runs: Path, cache: Path | None) -> Machine:
    """Versions, cores, devices, extras and variables; what cannot be found out is said to be so, not raised.

    Args:
        runs: the runs folder.
        cache: the cache folder; None where there is none.
    """
    return Machine(
        connprune=installed("connprune"),
        python=platform.python_version(),
        interpreter=sys.executable,
        system=platform.platform(),
        packages={name: installed(name) for name in _PACKAGES},
        extras={extra: {name: installed(name) for name in names} for extra, names in EXTRAS.items()},
        cores=Cores(machine=os.cpu_count(), usable=usable_cores()),
        torch=_torch(),
        variables={name: value for name, value in sorted(os.environ.items()) if name.startswith(_VARIABLES)},
        cache=None if cache is None else str(cache),
        runs=str(runs.absolute()),
    )


def installed(package: str) -> str | None:
    """The version of an installed package; None if it is not."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def usable_cores() -> int:
    """Cores of this machine that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _torch() -> TorchBuild | TorchProblem:
    """What torch says of itself; a torch that cannot be imported is what the report is about."""
    try:
        import torch

        gpus = [torch.cuda.get_device_properties(number) for number in range(torch.cuda.device_count())]
        return TorchBuild(
            build=str(torch.__version__),
            cuda=torch.version.cuda,
            cudnn=torch.backends.cudnn.version() if torch.backends.cudnn.is_available() else None,
            threads=torch.get_num_threads(),
            threads_between_operations=torch.get_num_interop_threads(),
            cpu=torch.backends.cpu.get_cpu_capability(),
            gpus=tuple(Gpu(name=gpu.name, bytes=gpu.total_memory) for gpu in gpus),
            mps=torch.backends.mps.is_available(),
        )
    except Exception as error:  # Whatever a broken installation raises belongs into the report.
        return TorchProblem(problem=f"{type(error).__name__}: {error}")
