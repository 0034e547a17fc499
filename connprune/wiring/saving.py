"""A wired module, or what was cut from one, in a safetensors file, without a pickle."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

from torch import fx, nn

from connprune.architecture.rules import CountsWithout, Scores, Unit
from connprune.errors import DamagedFileError, UsageError
from connprune.mistakes import Mark, Mistake
from connprune.tensor_files import read_header, read_tensors, write_tensors
from connprune.wiring.origin import Origin
from connprune.wiring.shrink import shrink
from connprune.wiring.tracing import Example
from connprune.wiring.wire import wire

if TYPE_CHECKING:
    from connprune.wiring.gated import Penalise

_KEY = "wired"


class Removed:
    """The rule of a cut that was made before: what it took, by name.

    Args:
        names: of the connections, `source->target`.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = frozenset(names)

    def chosen(self, scores: Scores, counts: CountsWithout) -> frozenset[Unit]:
        """Those connections."""
        return frozenset(unit for unit in scores if str(unit) in self.names)

    def __str__(self) -> str:
        return f"{len(self.names)} connections by name"


def save(graph_module: fx.GraphModule, path: Path) -> None:
    """Writes the state of a wired module, or of what was cut from one, and how it came to be.

    Raises:
        UsageError: it is neither.
        DiskFullError: there is no room; the file that was there stays.
    """
    # A safetensors file takes no tensor that is a part of another, as a tied weight is: it is written twice.
    state = {name: tensor.clone() for name, tensor in graph_module.state_dict().items()}
    write_tensors(path, state, {_KEY: Origin.read(graph_module).text()})


def restore(path: str | Path, module: nn.Module, example: Example) -> fx.GraphModule:
    """What `save` wrote: wired anew from a module of the same code, cut as it was, and with its state.

    Args:
        path: the file.
        module: as `wire` took it; its weights do not matter.
        example: as `wire` takes it.

    Raises:
        UsageError: the file is damaged, is none of this kind, or is another module's.
    """
    path = Path(path)
    metadata = read_header(path).metadata
    if _KEY not in metadata:
        raise UsageError(
            Mistake(found="no wired module", expected="a file that connprune.save wrote of one", mark=Mark(str(path)))
        )
    try:
        origin = Origin.from_text(metadata[_KEY])
    except ValueError as error:
        raise DamagedFileError(path, f"how the module was wired cannot be read: {error}") from error
    made = wire(
        module,
        example,
        kind=origin.kind,
        start=origin.start,
        penalty=origin.penalty,
        penalise=cast("Penalise | None", origin.penalise),
        ungated=origin.ungated,
    )
    if origin.removed is not None:
        made = shrink(made, Removed(origin.removed))
    is_same = origin.removed is not None or Origin.read(made) == origin
    needed = {name: tuple(tensor.shape) for name, tensor in made.state_dict().items()}
    if read_header(path).shapes != needed or not is_same:
        raise UsageError(f"{path}: these weights do not belong to this module.")
    made.load_state_dict(read_tensors(path)[0])
    return made
