"""The row type, and the JSON in its columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from hullo.model.fact import Fact
from hullo.model.standing import Standing

Row = tuple[Any, ...]

_encode = msgspec.json.Encoder().encode
facts_of: Final = msgspec.json.Decoder(dict[str, Fact]).decode
texts_of: Final = msgspec.json.Decoder(tuple[str, ...]).decode
data_of: Final = msgspec.json.Decoder(dict[str, object]).decode
STANDINGS: Final[Mapping[int | None, Standing | None]] = {
    None: None,
    **{int(standing): standing for standing in Standing},
}
"""Twice as fast as calling the enumeration, and maps NULL too."""


def json_text(value: object) -> str:
    """Return the JSON text that is stored for a mapping or sequence."""
    return _encode(value).decode()
