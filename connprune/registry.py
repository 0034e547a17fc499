"""What is chosen by its name: the parts that come with the tool, and those that plug-ins bring along."""

import re
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any, TypeVar

from connprune.errors import UsageError

P = TypeVar("P")

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")


def imported(path: str, owner: str) -> Any:
    """What a class or a table names that imports nothing itself.

    Args:
        path: where it is, "package.module:name".
        owner: what messages call what names it.

    Raises:
        UsageError: nothing is there.
    """
    module, _, name = path.partition(":")
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise UsageError(f"The {owner} names the module {path!r}, but: {error}.") from None


class Registry(Mapping[str, P]):
    """The parts of one kind by their names.

    Args:
        what: how a sentence calls the kind.
        group: the group of entry points under which installed packages offer such parts.
        name_of: the name of a part; None if it has none, as a class that is only a base of others.
        base: of parts that are classes the one that all derive from.
        builtin: the names of those that come with the tool, each with its place as `imported` takes it; it is
            imported when it is asked for.
    """

    def __init__(
        self,
        what: str,
        group: str,
        name_of: Callable[[P], str | None],
        base: type | None = None,
        builtin: Mapping[str, str] | None = None,
    ) -> None:
        self.what = what
        self.group = group
        self._name_of = name_of
        self._base = base
        self._builtin = builtin or {}
        self._parts: dict[str, P] = {}

    def __getitem__(self, name: str) -> P:
        if name not in self._parts:
            self._parts[name] = imported(self._builtin[name], f"{self.what} {name}")
        return self._parts[name]

    def __contains__(self, name: object) -> bool:
        return name in self._parts or name in self._builtin

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys((*self._builtin, *self._parts)))

    def __len__(self) -> int:
        return len({*self._builtin, *self._parts})

    def register(self, part: P) -> P:
        """Adds a part under its name; usable as a decorator.

        Raises:
            UsageError: it is no such part, has no name, or another part has it.
        """
        if not self._suits(part):
            expected = f"a subclass of {_place(self._base)}" if self._base else "a function"
            raise UsageError(f"{_place(part)} is no {self.what}; expected {expected}.")
        name = self._name_of(part)
        if name is None or not _NAME.fullmatch(name):
            raise UsageError(
                f"The {self.what} {_place(part)} has the name {name!r}; expected lower-case letters, digits, _ and -, "
                "with a letter first."
            )
        taken = self._parts.get(name)
        if taken is not part and name in self:
            path = _place(taken) if taken else self._builtin[name].replace(":", ".")
            raise UsageError(f"The {self.what} {name!r} is taken by {path}.")
        self._parts[name] = part
        return part

    def defined_in(self, module: ModuleType) -> list[P]:
        """The parts of this kind that a module defines; its classes need not have registered themselves.

        Raises:
            UsageError: as `register` does.
        """
        for value in vars(module).values():
            if self._base and self._suits(value) and _module(value) == module.__name__ and self._name_of(value):
                self.register(value)
        return [part for part in self._parts.values() if _module(part) == module.__name__]

    def _suits(self, part: Any) -> bool:
        return isinstance(part, type) and issubclass(part, self._base) if self._base else callable(part)


def _module(part: Any) -> str:
    return str(getattr(part, "__module__", ""))


def _place(part: Any) -> str:
    return f"{_module(part)}.{getattr(part, '__qualname__', repr(part))}"
