"""YAML read up to some limits: by libyaml where PyYAML has it, and by PyYAML itself what libyaml refuses."""

from collections.abc import Callable
from typing import Any

import yaml
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.scanner import Scanner

from connprune.architecture.core_schema import FLOAT, INT, CoreValues
from connprune.errors import UsageError
from connprune.limits import YAML_VALUES
from connprune.mistakes import Mark, Mistake

# Deeper than any configuration or sweep, and far from the depth at which Python gives up.
DEEPEST = 32
# Digits of a number; Python itself refuses to write out some thousands of them.
LONGEST_NUMBER = 100
TOO_DEEP = f"sections and lists nest more than {DEEPEST} deep, which is the limit"


class Loader(CoreValues):
    """Safe YAML that stops at the limits.

    Attributes:
        name: what messages call the text.
        values: how many values the document stands for so far, with each alias counted as what it stands for.
    """

    name: str
    values: int

    def root(self, name: str) -> yaml.Node | None:
        """The node that the only document of the text is.

        Args:
            name: what messages call the text.

        Raises:
            UsageError: it is beyond a limit.
            yaml.YAMLError: the text is no YAML, or several documents.
        """
        self.begin()
        self.name = name
        self.values = 0
        self._depth = 0
        self._values_of: dict[str, int] = {}
        return self.get_single_node()

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event: yaml.NodeEvent = self.peek_event()  # type: ignore[attr-defined]
        is_alias, anchor, before = isinstance(event, yaml.AliasEvent), event.anchor or "", self.values
        if is_alias and anchor in self.anchors and anchor not in self._values_of:
            raise self._error(event, f"*{anchor} stands within what it stands for")
        # An alias without an anchor is refused further down.
        self.values += self._values_of.get(anchor, 0) if is_alias else 1
        if self.values > YAML_VALUES.most:
            raise self._error(event, str(YAML_VALUES))
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._error(event, TOO_DEEP)
        node = super().compose_node(parent, index)
        self._depth -= 1
        if isinstance(node, yaml.ScalarNode) and node.tag in (INT, FLOAT) and len(node.value) > LONGEST_NUMBER:
            raise self._error(event, f"a number of more than {LONGEST_NUMBER} characters, which is the limit")
        if anchor and not is_alias:
            self._values_of[anchor] = self.values - before
        return node

    def _error(self, event: yaml.Event, problem: str) -> UsageError:
        line = event.start_mark.line + 1 if event.start_mark else None
        return UsageError(Mistake(f"{problem}.", mark=Mark(self.name, line)))


class _Loader(Loader, Reader, Scanner, Parser):
    """Text that PyYAML reads; its messages are those that users get."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)


def loaders(text: str) -> list[Callable[[str], Loader]]:
    """What reads a text, the quickest first; where one refuses it the next has the say.

    Where libyaml takes a tab or a byte order mark PyYAML may not, so it gets no text with these.
    """
    if _quick is None or "\t" in text or "\ufeff" in text:
        return [_Loader]
    return [_quick, _Loader]


_quick: Callable[[str], Loader] | None = None
if yaml.__with_libyaml__:
    from yaml._yaml import CParser

    class _QuickLoader(Loader, CParser):
        """Text that libyaml reads, so that the whole takes a quarter of the time."""

        def __init__(self, text: str) -> None:
            CParser.__init__(self, text)

    _quick = _QuickLoader
