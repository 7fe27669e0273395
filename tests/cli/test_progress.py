"""How far a long command has come."""

from __future__ import annotations

import pytest

from hullo.cli import progress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Its only item is the time."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_log_gets_periodic_and_final_lines(clock: list[float], capsys: pytest.CaptureFixture[str]):
    with progress.show_progress() as tell:
        for second in range(0, 13):
            clock[0] = float(second)
            tell("copying", second, 12)
        for _ in range(3):
            tell("verifying", 0, 0)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == "Copying: 41 %\nCopying: 83 %\nCopying: 100 %\nVerifying: 100 %\n"


def test_terminal_gets_a_bar_for_each_phase(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with progress.show_progress() as tell:
        for done in range(0, 101, 25):
            tell("copying", done, 100)
        tell("verifying", 0, 0)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Copying" in shown.err
    assert "Verifying" in shown.err
    assert shown.err.count("100%") >= 2
