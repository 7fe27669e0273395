"""The base of every value that crosses a boundary."""

from __future__ import annotations

from typing import Any

import msgspec
from typing_extensions import dataclass_transform


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class ValueType(msgspec.StructMeta):
    """Metaclass that makes every subclass of `Value` frozen and keyword-only: msgspec does not inherit `kw_only`."""

    def __new__(
        cls,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        *,
        secrets: tuple[str, ...] = (),
        **config: Any,
    ) -> ValueType:
        inherited = frozenset[str]().union(*(getattr(base, "__secrets__", ()) for base in bases))
        namespace["__secrets__"] = inherited.union(secrets)
        config.setdefault("frozen", True)
        config.setdefault("kw_only", True)
        return super().__new__(cls, name, bases, namespace, **config)


class Value(msgspec.Struct, metaclass=ValueType):
    """Frozen, keyword-only record. Change one with `msgspec.structs.replace`.

    A struct and not a dataclass: a frozen dataclass costs nine times as much to make, thirty times as much to replace.
    `class Key(Value, secrets=("secret",))` names the fields that `repr` leaves out, so that no log and no traceback
    shows them; `kw_only=False` allows positional arguments.
    """

    def __repr__(self) -> str:
        shown = (f"{name}={getattr(self, name)!r}" for name in self.__struct_fields__ if name not in self.__secrets__)  # type: ignore[attr-defined]  # set by the metaclass
        return f"{type(self).__name__}({', '.join(shown)})"

    def __rich_repr__(self) -> Any:
        """Yield what `repr` shows; msgspec's own would show secrets too."""
        for name in self.__struct_fields__:
            if name not in self.__secrets__:  # type: ignore[attr-defined]  # set by the metaclass
                yield name, getattr(self, name)
