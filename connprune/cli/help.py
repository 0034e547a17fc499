"""Help that names values by what they are, such as DIR, and not by the types of Python."""

from typing import Any

from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from connprune.cli.quick_start import convert_only_where_needed, import_layout_of_help


class Command(TyperCommand):
    """A command."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Prints its help."""
        import_layout_of_help()
        super().format_help(ctx, formatter)

    def get_params(self, ctx: Any) -> list[Any]:
        """Its arguments and options; help says no types."""
        return _prepared(super().get_params(ctx))


class Group(TyperGroup):
    """All commands; one that belongs to another has a name of two words, like `runs diff`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that the first words name, and the words after it."""
        words = " ".join(args[:2])
        return super().resolve_command(ctx, [words, *args[2:]] if words in self.commands else args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Prints its help."""
        import_layout_of_help()
        super().format_help(ctx, formatter)

    def get_params(self, ctx: Any) -> list[Any]:
        """Its options; help says no types."""
        return _prepared(super().get_params(ctx))


def _prepared(params: list[Any]) -> list[Any]:
    for param in params:
        # typer gives an argument's type a column of its own, and no way to leave it out.
        if isinstance(param, TyperArgument):
            param.display_type_rich = _nothing  # type: ignore[method-assign]
        elif isinstance(param, TyperOption) and param.is_flag and param.metavar is None:
            param.metavar = ""
    convert_only_where_needed(params)
    return params


def _nothing(ctx: Any) -> str:
    return ""
