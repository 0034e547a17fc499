"""A machine and what is installed on it as text to paste into a bug report."""

from connprune.documents.environment import Machine, TorchBuild, TorchProblem, Versions


def machine_text(machine: Machine) -> str:
    """A line for each thing."""
    lines = {
        "connprune": machine.connprune,
        "python": f"{machine.python} ({machine.interpreter})",
        "system": machine.system,
        "cores": f"{machine.cores.machine}, {machine.cores.usable} of them usable",
        **{name: version or "not installed" for name, version in machine.packages.items()},
        **_torch_lines(machine.torch),
        **{f"extra {name}": _extra(packages) for name, packages in machine.extras.items()},
        "cache": machine.cache or "none: CONNPRUNE_CACHE names no folder, and this user has no home",
        "runs": machine.runs,
        **machine.variables,
    }
    width = max(map(len, lines))
    return "\n".join(f"{name.ljust(width)}  {value}" for name, value in lines.items())


def _torch_lines(torch: TorchBuild | TorchProblem) -> dict[str, str]:
    if isinstance(torch, TorchProblem):
        return {"torch cannot be used": torch.problem}
    gpus = {f"cuda:{number}": f"{gpu.name}, {gpu.bytes / 2**30:.1f} GiB" for number, gpu in enumerate(torch.gpus)}
    return {
        "torch build": torch.build,
        "torch threads": f"{torch.threads}, {torch.threads_between_operations} between operations",
        "torch cpu": torch.cpu,
        "torch cuda": f"{torch.cuda}, cuDNN {torch.cudnn}" if torch.cuda else "built without",
        "GPUs": str(len(gpus)) if gpus else "Apple's (mps)" if torch.mps else "none",
        **gpus,
    }


def _extra(packages: Versions) -> str:
    versions = [f"{name} {version}" if version else f"{name} not installed" for name, version in packages.items()]
    return ", ".join(versions)
