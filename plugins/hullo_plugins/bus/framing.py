"""Frames: notices with the sender's name and a number, so that a receiver sees repeats and gaps."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from hullo.plugin import MAX_NOTICE_BYTES, Notice, Value, decode_notices, encode_notices

SENDER_LENGTH: Final = 16
"""Characters of a sender's name."""
MAX_SEQUENCE_DIGITS: Final = 19
GAP_MARKER: Final = "!"
"""Behind a frame's number: the sender has lost notices before this frame, even if no earlier frame is missing."""
FRAME_OVERHEAD: Final = SENDER_LENGTH + 1 + MAX_SEQUENCE_DIGITS + len(GAP_MARKER) + 1
MAX_SENDERS: Final = 1_000


class DecodedFrame(Value):
    """The new notices in a frame."""

    notices: Sequence[Notice] = ()
    gap: bool = False
    """Whether earlier notices of the same sender did not arrive."""


class Encoder:
    """Write numbered frames of at most `max_frame_bytes` bytes in the name of one sender."""

    def __init__(self, max_frame_bytes: int) -> None:
        assert max_frame_bytes >= FRAME_OVERHEAD + MAX_NOTICE_BYTES + 2
        # Random, so that a restarted or forked process is a new sender whose numbers begin anew.
        self.sender = secrets.token_hex(SENDER_LENGTH // 2)
        self._room = max_frame_bytes - FRAME_OVERHEAD
        self._number = 0
        self._has_gap = False

    def mark_gap(self) -> None:
        """Mark the next frame: notices were lost before it."""
        self._has_gap = True

    def encode(self, notices: Iterable[Notice]) -> Iterator[bytes]:
        """Pack notices into as few frames as possible. Drops a notice that is too long for any frame, as a gap."""
        packed: list[bytes] = []
        size = 1  # a bracket; each notice adds a comma, or the other bracket
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
        marker, self._has_gap = GAP_MARKER if self._has_gap else "", False
        return f"{self.sender} {self._number}{marker} [".encode() + b",".join(packed) + b"]"


class Decoder:
    """Read frames: each once, and none of `own_sender`, whose subscribers had the notices when they were published."""

    def __init__(self, own_sender: str) -> None:
        self._own_sender = own_sender
        self._last: OrderedDict[str, int] = OrderedDict()

    def decode(self, payload: bytes | str) -> DecodedFrame:
        """Read a frame. Gives no notices for a repeat or an own frame. Raises `ValueError` for other text."""
        text = payload if isinstance(payload, str) else payload.decode()
        sender, marked_number, notices_text = text.split(" ", 2)
        number_text = marked_number.removesuffix(GAP_MARKER)
        # The length first: `int` of a very long number takes quadratic time.
        if len(sender) != SENDER_LENGTH or not (number_text.isdecimal() and len(number_text) <= MAX_SEQUENCE_DIGITS):
            raise ValueError("not a frame")
        notices = decode_notices(notices_text)
        number = int(number_text)
        last = self._last.get(sender)
        # A number again: the sender repeats what the server did not confirm.
        if sender == self._own_sender or (last is not None and number <= last):
            return DecodedFrame()
        self._last[sender] = number
        # Forget the sender that was silent for longest, as a channel may be open to senders without end.
        self._last.move_to_end(sender)
        if len(self._last) > MAX_SENDERS:
            self._last.popitem(last=False)
        lost = number_text != marked_number
        return DecodedFrame(notices=notices, gap=lost or (last is not None and number != last + 1))
