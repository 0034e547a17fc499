"""What the benchmarks found, as text."""

from connprune.documents.bench import Bench, FileCosts, ForwardTime
from connprune.report.aligned import aligned


def bench_text(bench: Bench) -> str:
    """Tables of training steps and of forward passes."""
    header = ["training step", "ms", "images/s", "× connprune", "of matrix rate", "peak memory", "batch alone ms"]
    steps = aligned(header, [_step(name, bench) for name in bench.steps])
    header = ["forward at", "parent ms", "masked ms", "cut ms", "parent/cut", "MAC ratio"]
    forward = aligned(header, [_forward(row) for row in bench.forward])
    return "\n\n".join(
        [
            f"torch {bench.torch}, {bench.device}, {bench.threads} thread{'s' if bench.threads > 1 else ''}, "
            f"batch {bench.batch_size}, medians of {bench.rounds}\n"
            f"matrix product ({bench.matrix_product_precision}) {bench.matrix_product_flops / 1e9:,.0f} GFLOP/s, "
            f"copy {bench.copy_bytes_per_second / 1e9:,.1f} GB/s, "
            f"a step's arithmetic {bench.step_operations / 1e9:,.2f} GFLOP",
            steps,
            forward,
            *([_files(bench.files)] if bench.files else ()),
        ]
    )


def _step(name: str, bench: Bench) -> list[str]:
    step, data = bench.steps[name], bench.data_seconds.get(name)
    return [
        name,
        f"{step.seconds * 1000:.2f}",
        f"{step.images_per_second:,.0f}",
        f"{step.ratio:.2f}",
        f"{step.share_of_matrix_product_rate:.0%}",
        f"{bench.peak_bytes[name] / 2**20:,.0f} MiB",
        "-" if data is None else f"{data * 1000:.2f}",
    ]


def _forward(row: ForwardTime) -> list[str]:
    return [
        f"batch {row.batch_size}",
        *(f"{seconds * 1000:.2f}" for seconds in (row.parent_seconds, row.masked_seconds, row.cut_seconds)),
        f"{row.time_ratio:.2f}",
        f"{row.mac_ratio:.2f}",
    ]


def _files(files: FileCosts) -> str:
    return (
        f"files: a checkpoint of {files.checkpoint_bytes / 2**20:,.1f} MiB every {files.interval_seconds:g} s; "
        f"training waits {files.copy_seconds * 1000:.1f} ms, and it is written beside in "
        f"{files.write_seconds * 1000:.1f} ms: {files.share:.2%} of the time at most"
    )
