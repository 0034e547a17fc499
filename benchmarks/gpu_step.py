"""A recorded step on a GPU in both memory layouts, with and without cuDNN's search for kernels, and a step's kernels.

python benchmarks/gpu_step.py [--device cuda] [--tiny] [PRESET:PRECISION[:BATCH]…]
"""

import argparse
import itertools
from functools import partial

import torch
from gpu import Place, trainer_of
from torch.profiler import ProfilerActivity, profile

from connprune.network import network
from connprune.training.timing import Step, in_turns, wait

CASES = ("blog:tf32", "blog:bfloat16", "blog:tf32:128", "strong:bfloat16")
LAYOUTS = {
    "channels first": network.laid_out,
    "channels last": lambda images: images.contiguous(memory_format=torch.channels_last),
}
# Every size of batch is recorded by then.
UNCOUNTED, AT_ONCE, KERNELS = 100, 10, 20


def several(step: Step) -> None:
    """Steps without waiting in between, as in an epoch."""
    for _ in range(AT_ONCE):
        step()


def variants(place: Place, preset: str, precision: str, batch: str | None) -> None:
    """Prints the milliseconds of a step, of ten without waiting in between."""
    more = [f"training.batch_size={batch}"] if batch else []
    steps: dict[str, Step] = {}
    for (layout, laid_out), searches in itertools.product(LAYOUTS.items(), (False, True)):
        network.laid_out = laid_out
        torch.backends.cudnn.benchmark = searches
        trainer, _ = trainer_of(
            place, place.preset(preset), f"training.precision={precision}", *more, count=64 if place.tiny else 2560
        )
        step = trainer.endless_steps()
        for _ in range(1 if place.tiny else UNCOUNTED):
            step()
        steps[f"{layout}, cudnn.benchmark {searches}"] = partial(several, step)
    torch.backends.cudnn.benchmark = False
    network.laid_out = LAYOUTS["channels first"]
    taken = in_turns(steps, place.device, 1 if place.tiny else 15, 1)
    for name, seconds in taken.items():
        print(
            f"{preset} {precision} batch {batch or 'as it is'}: {1e3 * seconds / AT_ONCE:8.3f} ms  {name}", flush=True
        )


def kernels(place: Place, preset: str) -> None:
    """Prints which operations the device's time of a step goes to, launched one by one."""
    trainer, _ = trainer_of(place, place.preset(preset), "training.capture=false", count=64 if place.tiny else 640)
    step = trainer.endless_steps()
    for _ in range(3):
        step()
    on_gpu = place.device.type == "cuda"
    with profile(activities=[ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]) as watched:
        step()
        wait(place.device)
    times = [(event.key, event.self_device_time_total / 1e3, event.count) for event in watched.key_averages()]
    operations = sorted((row for row in times if row[0].startswith("aten::") and row[1]), key=lambda row: -row[1])
    print(f"{preset}: {sum(row[1] for row in operations):.3f} ms of the device in a step")
    for name, milliseconds, count in operations[:KERNELS]:
        print(f"{milliseconds:8.4f} ms {count:4} × {name}")


def main() -> None:
    """Runs all cases."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", default=CASES)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--tiny", action="store_true")
    arguments = parser.parse_args()
    place = Place(torch.device(arguments.device), arguments.tiny)
    for case in arguments.cases:
        preset, precision, *batch = case.split(":")
        variants(place, preset, precision, batch[0] if batch else None)
    for preset in dict.fromkeys(case.split(":")[0] for case in arguments.cases):
        kernels(place, preset)


if __name__ == "__main__":
    main()
