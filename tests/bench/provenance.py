"""What it costs to remember, of every value, its standing, its time and its writer: in bytes, and in time to read.

python tests/bench/provenance.py
"""

from __future__ import annotations

import timeit

import msgspec

from hullo.model.fact import Fact, Scalar
from hullo.model.request_context import RequestContext
from hullo.model.standing import Standing

ROUNDS = 7
CALLS = 2000

MOMENT = RequestContext.at(1_790_000_000_000_000)
WRITER = f"identity-key:{MOMENT.new_id('ik')}"


def values_of(count: int) -> dict[str, Scalar]:
    kinds: tuple[Scalar, ...] = ("professional", 42, True, "2026-11-22")
    return {f"custom_key_{number}": kinds[number % len(kinds)] for number in range(count)}


def fastest(read: msgspec.json.Decoder[object], text: bytes) -> float:
    """Microseconds, of the quickest of several rounds: the machine has other things to do."""
    return min(timeit.repeat(lambda: read.decode(text), number=CALLS, repeat=ROUNDS)) / CALLS * 1e6


def main() -> None:
    plain: msgspec.json.Decoder[object] = msgspec.json.Decoder(dict[str, Scalar])
    facts: msgspec.json.Decoder[object] = msgspec.json.Decoder(dict[str, Fact])
    print("values   bytes without   with   a value    µs to read without   with   ratio")
    for count in (3, 10, 50, 250):
        values = values_of(count)
        held = {key: Fact(value, Standing.PROVEN, MOMENT.now, WRITER) for key, value in values.items()}
        bare, whole = msgspec.json.encode(values), msgspec.json.encode(held)
        without, with_it = fastest(plain, bare), fastest(facts, whole)
        in_bytes = f"{len(bare):15} {len(whole):6} {(len(whole) - len(bare)) / count:9.1f}"
        print(f"{count:6} {in_bytes} {without:21.2f} {with_it:6.2f} {with_it / without:7.2f}")


if __name__ == "__main__":
    main()
