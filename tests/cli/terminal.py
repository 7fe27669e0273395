"""A terminal to type into."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from hullo.cli import main

HULLO = (sys.executable, "-c", "from hullo.cli import main; main()")


class Terminal:
    """Types commands, and looks at what they print."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._runner = CliRunner()

    def type(self, *words: str, stdin: str | None = None) -> Result:
        """Whatever comes of it. A traceback is a failure of its own."""
        result = self._runner.invoke(main, list(words), input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def text(self, *words: str) -> str:
        """What a command that succeeds prints for people."""
        result = self.type(*words)
        assert result.exit_code == 0, result.output
        return result.stdout

    def json(self, *words: str) -> Any:
        """The one document that a command prints with `--json`."""
        return json.loads(self.text(*words, "--json"))

    def refusal(self, *words: str) -> str:
        """The one sentence of a command that fails."""
        result = self.type(*words)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith("Error: ")
        return result.stderr.removeprefix("Error: ").strip()

    def misuse(self, *words: str) -> str:
        """What somebody is told who used a command wrongly."""
        result = self.type(*words)
        assert (result.exit_code, result.stdout) == (2, "")
        return result.stderr
