"""What a bus between processes puts around notices: whose they are, and the how manieth parcel of theirs it is."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from hullo.bus.notice import MAX_NOTICE_BYTES, Notice, decode_notices, encode_notices
from hullo.value import Value

SENDER_LENGTH: Final = 16
"""Characters of the name that a sender goes by."""
MAX_SEQUENCE_DIGITS: Final = 19
"""Of a parcel's number, at most."""
GAP_MARKER: Final = "!"
"""Behind the number: the sender has lost something before this parcel, whether or not an earlier one was heard."""
FRAME_OVERHEAD: Final = SENDER_LENGTH + 1 + MAX_SEQUENCE_DIGITS + len(GAP_MARKER) + 1
MAX_SENDERS: Final = 1_000


class DecodedFrame(Value):
    """What a payload is to whoever hears it."""

    notices: Sequence[Notice] = ()
    gap: bool = False
    """Whether something of the same sender from before it was not heard."""


class Encoder:
    """Makes parcels of at most `longest` bytes in the name of one sender.

    They are numbered, so that whoever hears them knows which it has had already, and that it has missed some.
    """

    def __init__(self, max_frame_bytes: int) -> None:
        assert max_frame_bytes >= FRAME_OVERHEAD + MAX_NOTICE_BYTES + 2
        self.sender = secrets.token_hex(SENDER_LENGTH // 2)
        self._room = max_frame_bytes - FRAME_OVERHEAD
        self._number = 0
        self._has_gap = False

    def mark_gap(self) -> None:
        """Says with the next parcel that something was lost before it."""
        self._has_gap = True

    def encode(self, notices: Iterable[Notice]) -> Iterator[bytes]:
        """As few parcels as there can be. A notice that fits into none is lost."""
        packed: list[bytes] = []
        size = 1  # a bracket, and with each notice a comma or the other one
        for notice in notices:
            text = encode_notices((notice,))[1:-1]
            if len(text) + 2 > self._room:
                self.mark_gap()
                continue
            if size + len(text) + 1 > self._room:
                yield self._frame(packed)
                packed, size = [], 1
            packed.append(text)
            size += len(text) + 1
        if packed:
            yield self._frame(packed)

    def _frame(self, packed: Sequence[bytes]) -> bytes:
        self._number += 1
        loss, self._has_gap = GAP_MARKER if self._has_gap else "", False
        return f"{self.sender} {self._number}{loss} [".encode() + b",".join(packed) + b"]"


class Decoder:
    """Reads the parcels of others: each once, and none of `own`, whose notices were heard when they were published."""

    def __init__(self, own_sender: str) -> None:
        self._own_sender = own_sender
        self._last: OrderedDict[str, int] = OrderedDict()

    def decode(self, payload: bytes | str) -> DecodedFrame:
        """Raises `ValueError` for what is no parcel."""
        text = payload if isinstance(payload, str) else payload.decode()
        sender, marked_number, notices_text = text.split(" ", 2)
        number_text = marked_number.removesuffix(GAP_MARKER)
        if len(sender) != SENDER_LENGTH or not (number_text.isdecimal() and len(number_text) <= MAX_SEQUENCE_DIGITS):
            raise ValueError("no parcel")
        notices = decode_notices(notices_text)
        number = int(number_text)
        last = self._last.get(sender)
        if sender == self._own_sender or (last is not None and number <= last):
            return DecodedFrame()
        self._last[sender] = number
        self._last.move_to_end(sender)
        if len(self._last) > MAX_SENDERS:
            self._last.popitem(last=False)
        lost = number_text != marked_number
        return DecodedFrame(notices=notices, gap=lost or (last is not None and number != last + 1))
