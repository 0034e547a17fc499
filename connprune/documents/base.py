"""What all documents share: frozen, complete, and of one version."""

import re
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
)

from connprune.errors import DamagedFileError, UsageError

SCHEMA: Literal[2] = 2

Fraction = Annotated[float, Field(strict=True, ge=0, le=1)]
Natural = Annotated[int, Field(strict=True, ge=0)]


class Part(BaseModel):
    """A part of a document: frozen, its numbers finite, and with no key that its class does not name."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        populate_by_name=True,
        protected_namespaces=(),
        # Of many documents a command needs few.
        defer_build=True,
    )

    @classmethod
    def parse(cls, data: Mapping[str, object], origin: str, line: int | None = None) -> Self:
        """What JSON holds.

        Args:
            data: a JSON object.
            origin: the file that it is from, which begins the message.
            line: of that file, from 1.

        Raises:
            UsageError: something is missing or wrong; the message names the first key.
        """
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False)[0]
            key = ".".join(map(str, first["loc"]))
            # In the words of JSON.
            wrong = (
                re.sub(r" or instance of \w+", "", first["msg"])
                .replace("tuple", "list")
                .replace("dictionary", "object")
            )
            raise DamagedFileError(origin, f"{key}: {wrong}", line) from None

    def plain(self) -> dict[str, object]:
        """As JSON has it."""
        return self.model_dump(mode="json", by_alias=True)


class Sparse(Part):
    """A part whose keys are left out while nothing is known of them."""

    @model_serializer(mode="wrap")
    def _serialize(self, serialize: SerializerFunctionWrapHandler) -> dict[str, object]:
        data: dict[str, object] = serialize(self)
        return {key: value for key, value in data.items() if value not in (None, {})}


class Document(Part):
    """A whole document.

    Attributes:
        version: of all documents; a change of what a key means changes it.
    """

    # Of its keys those that name runs.
    paths: ClassVar[tuple[str, ...]] = ()

    version: Literal[2] = Field(2, alias="schema")

    @classmethod
    def read(cls, data: Mapping[str, object], origin: str) -> Self:
        """The document that JSON holds.

        Args:
            data: as `parse` takes it.
            origin: likewise.

        Raises:
            UsageError: as `parse` does; or it is of another version.
        """
        require_version(data, origin)
        return cls.parse(data, origin)


class Shown(Document):
    """A document of which more can be made.

    Attributes:
        html: the page, where one was asked for.
        figures: the files, where they were asked for.
    """

    html: str | None = None
    figures: tuple[str, ...] | None = None

    @model_serializer(mode="wrap")
    def _serialize(self, serialize: SerializerFunctionWrapHandler) -> dict[str, object]:
        data: dict[str, object] = serialize(self)
        return {key: value for key, value in data.items() if key not in ("html", "figures") or value is not None}


def require_version(data: Mapping[str, object], origin: str) -> None:
    """Refuses what another version wrote.

    Args:
        data: a JSON object.
        origin: the file that it is from.

    Raises:
        UsageError: its schema is another one.
    """
    version = data.get("schema")
    if version != SCHEMA:
        raise UsageError(
            f"{origin}: found schema {version!r}, expected {SCHEMA}: another version of connprune wrote this file; "
            "make it again with this one."
        )
