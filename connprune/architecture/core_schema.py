"""What a plain word in YAML is: null, true, a number or text, by the core schema of YAML 1.2 (section 10.3.2).

PyYAML goes by YAML 1.1, in which 0100 is 64, 1:30 is 90, and `no` is false.
"""

import re
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

_PREFIX = "tag:yaml.org,2002:"
INT = f"{_PREFIX}int"
FLOAT = f"{_PREFIX}float"
# For each tag what such a value looks like, and the characters that it can begin with.
_LOOKS = {
    f"{_PREFIX}null": (re.compile(r"(?:~|null|Null|NULL|)\Z"), ["~", "n", "N", ""]),
    f"{_PREFIX}bool": (re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"), list("tTfF")),
    INT: (re.compile(r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)\Z"), list("-+0123456789")),
    FLOAT: (
        re.compile(
            r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z"
        ),
        list("-+.0123456789"),
    ),
}
_BASES = {"0o": 8, "0x": 16}


class CoreValues(Composer, SafeConstructor, Resolver):
    """What makes values of YAML's events, plain words by the core schema; dates, merge keys and the like are text."""

    yaml_implicit_resolvers: dict[str, list[Any]] = {}  # noqa: RUF012 - as PyYAML has it

    def begin(self) -> None:
        """Makes ready for a text, which what gives the events has by now."""
        Composer.__init__(self)
        SafeConstructor.__init__(self)
        Resolver.__init__(self)


class CoreDumper(yaml.SafeDumper):
    """Quotes text that readers of YAML 1.2 or of YAML 1.1 would take for something else."""


def _whole_number(text: str) -> int:
    base = _BASES.get(text[:2])
    return int(text[2:], base) if base else int(text)


def _number(text: str) -> float:
    return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))


def _is_true(text: str) -> bool:
    return text.lower() == "true"


def _add(tag: str, read: Any) -> None:
    looks, beginnings = _LOOKS[tag]

    def construct(loader: Any, node: yaml.ScalarNode) -> Any:
        text = loader.construct_scalar(node)
        # A tag can also be written out, as in `!!int 1_000`.
        if not looks.match(text):
            raise ValueError(f"{text[:60]!r} is no {tag.removeprefix(_PREFIX)}")
        return read(text)

    CoreValues.add_constructor(tag, construct)
    for loader_or_dumper in (CoreValues, CoreDumper):
        loader_or_dumper.add_implicit_resolver(tag, looks, beginnings)


_add(f"{_PREFIX}null", lambda text: None)
_add(f"{_PREFIX}bool", _is_true)
_add(INT, _whole_number)
_add(FLOAT, _number)
