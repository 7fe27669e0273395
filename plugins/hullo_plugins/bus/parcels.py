"""What a bus between processes puts around notices: whose they are, and the how manieth parcel of theirs it is."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from hullo.bus.notice import NOTICE_BYTES, Notice, decoded, encoded

SENDER: Final = 16
"""Characters of the name that a sender goes by."""
DIGITS: Final = 19
"""Of a parcel's number, at most."""
LOSS: Final = "!"
"""Behind the number: the sender has lost something before this parcel, whether or not an earlier one was heard."""
AROUND: Final = SENDER + 1 + DIGITS + len(LOSS) + 1
SENDERS_KNOWN: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked:
    """What a payload is to whoever hears it."""

    notices: Sequence[Notice] = ()
    gap: bool = False
    """Whether something of the same sender from before it was not heard."""


class Packer:
    """Makes parcels of at most `longest` bytes in the name of one sender.

    They are numbered, so that whoever hears them knows which it has had already, and that it has missed some.
    """

    def __init__(self, longest: int) -> None:
        assert longest >= AROUND + NOTICE_BYTES + 2
        self.sender = secrets.token_hex(SENDER // 2)
        self._room = longest - AROUND
        self._number = 0
        self._lost = False

    def skip(self) -> None:
        """Says with the next parcel that something was lost before it."""
        self._lost = True

    def pack(self, notices: Iterable[Notice]) -> Iterator[bytes]:
        """As few parcels as there can be. A notice that fits into none is lost."""
        packed: list[bytes] = []
        size = 1  # a bracket, and with each notice a comma or the other one
        for notice in notices:
            text = encoded((notice,))[1:-1]
            if len(text) + 2 > self._room:
                self.skip()
                continue
            if size + len(text) + 1 > self._room:
                yield self._parcel(packed)
                packed, size = [], 1
            packed.append(text)
            size += len(text) + 1
        if packed:
            yield self._parcel(packed)

    def _parcel(self, packed: Sequence[bytes]) -> bytes:
        self._number += 1
        loss, self._lost = LOSS if self._lost else "", False
        return f"{self.sender} {self._number}{loss} [".encode() + b",".join(packed) + b"]"


class Unpacker:
    """Reads the parcels of others: each once, and none of `own`, whose notices were heard when they were published."""

    def __init__(self, own: str) -> None:
        self._own = own
        self._last: OrderedDict[str, int] = OrderedDict()

    def unpack(self, payload: bytes | str) -> Unpacked:
        """Raises `ValueError` for what is no parcel."""
        text = payload if isinstance(payload, str) else payload.decode()
        sender, marked_number, notices_text = text.split(" ", 2)
        number_text = marked_number.removesuffix(LOSS)
        if len(sender) != SENDER or not (number_text.isdecimal() and len(number_text) <= DIGITS):
            raise ValueError("no parcel")
        notices = decoded(notices_text)
        number = int(number_text)
        last = self._last.get(sender)
        if sender == self._own or (last is not None and number <= last):
            return Unpacked()
        self._last[sender] = number
        self._last.move_to_end(sender)
        if len(self._last) > SENDERS_KNOWN:
            self._last.popitem(last=False)
        lost = number_text != marked_number
        return Unpacked(notices=notices, gap=lost or (last is not None and number != last + 1))
