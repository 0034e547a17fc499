"""`connprune bench`."""

from typing import Annotated

import typer

from connprune.cli import numbers, options
from connprune.cli.output import Output


def bench(
    preset: options.PresetOption = None,
    config: options.ConfigOption = None,
    assignments: options.SetOption = None,
    against: Annotated[
        str | None, typer.Option("--against", metavar="literal", help="Also time a literal port of the post.")
    ] = None,
    rounds: Annotated[
        int,
        typer.Option("--rounds", metavar="N", parser=numbers.whole_number_from(1), help="Timed steps of each."),
    ] = 15,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            metavar="N",
            parser=numbers.whole_number_from(0, 1_000),
            help="Processes that load the literal port's images (GPU: 4; CPU: none).",
        ),
    ] = None,
    threads: options.ThreadsOption = None,
    device: options.DeviceOption = "auto",
    plugins: options.PluginOption = None,
    as_json: options.JsonOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Measure how fast training and forward passes are on this machine.

    Random images stand in for the data. The measurements take turns: training steps, batches, forward passes of a
    network, of half of it masked and of the cut, and the machine's own limits. The literal port runs in a process of
    its own.

      connprune bench --preset blog --against literal
    """
    from connprune.bench.run import bench as measure
    from connprune.bench.run import random_splits
    from connprune.data.shape import image_shape
    from connprune.errors import UsageError
    from connprune.report.bench import bench_text
    from connprune.training.configuration import design, resolve
    from connprune.training.device import choose_device

    options.load_plugins(plugins)
    options.prepare_cpu(threads)
    output = Output(as_json, quiet)
    if against not in (None, "literal"):
        raise UsageError(f"--against: found {against!r}, expected literal.")
    configuration = resolve(preset, config, settings=options.assigned(assignments))
    architecture = design(configuration)
    if not architecture.gated_connections:
        raise UsageError("bench compares a network with and without gates, but this one has none; give it some.")
    chosen = choose_device(device, output.warning)
    splits = random_splits(*image_shape(configuration.data)).to(chosen)
    if workers is None:
        workers = 0 if chosen.type == "cpu" else 4
    measured = measure(
        configuration, architecture, splits, chosen, rounds, workers if against else None, output.warning
    )
    output.result(bench_text(measured), measured)
