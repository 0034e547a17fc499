"""Help that names values by what they are, such as DIR, and not by the types of Python."""

from typing import TYPE_CHECKING, Any

from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

if TYPE_CHECKING:
    _Base = TyperCommand
else:
    _Base = object


def _nothing(ctx: Any) -> str:
    return ""


class _WithoutTypes(_Base):
    def get_params(self, ctx: Any) -> list[Any]:
        """The arguments and options; an argument, and a switch that typer adds, shows no type."""
        params = super().get_params(ctx)
        for param in params:
            # typer gives an argument's type a column of its own, and no way to leave it out.
            if isinstance(param, TyperArgument):
                param.display_type_rich = _nothing  # type: ignore[method-assign]
            elif isinstance(param, TyperOption) and param.is_flag and param.metavar is None:
                param.metavar = ""
        return params


class Command(_WithoutTypes, TyperCommand):
    """A command."""


class Group(_WithoutTypes, TyperGroup):
    """All commands."""
