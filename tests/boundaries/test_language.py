"""Measures how docstrings and comments are written. The limits only ever get stricter."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from dataclasses import dataclass
from functools import cache

from boundaries.imports import ROOT

FOLDERS = ["core", "plugins", "stores", "tests", "examples"]

MOST_PRONOUNS = 3.6
"""Per 1,000 words of docstrings and comments."""

FEWEST_VERBS = 56.8
"""Of 100 docstrings of functions, how many begin with a verb."""

FEWEST_COMMENTS = 5.1
"""Per 100 lines of core. Comments that only speak to a tool do not count."""

# Words that leave open who does what to which object.
PRONOUN = re.compile(
    r"\b(?:who(?:m|se)?ever|whom|(?:some|any|every|no)body|someone|whichever|whatever)\b", re.IGNORECASE
)
TO_A_TOOL = re.compile(r"# *(?:noqa|type:|pyright:|pragma|fmt:|ruff:|!)")

# fmt: off
VERBS = frozenset({
    "absorb", "accept", "acquire", "add", "allow", "answer", "append", "apply", "arrange", "ask", "assemble",
    "assert", "attach", "attest", "back", "begin", "bind", "bring", "build", "calculate", "call", "cancel", "cap",
    "change", "check", "choose", "claim", "clean", "clear", "close", "collect", "combine", "come", "commit",
    "compare", "compile", "compute", "connect", "convert", "copy", "count", "create", "cut", "decide", "declare",
    "decode", "decorate", "define", "delete", "deliver", "deny", "derive", "describe", "detach", "detect",
    "determine", "disconnect", "dispatch", "display", "divide", "do", "drain", "draw", "drop", "emit", "encode",
    "end", "enqueue", "ensure", "enter", "erase", "escape", "execute", "exit", "expand", "expect", "explain",
    "export", "extract", "fail", "fake", "fetch", "fill", "filter", "find", "finish", "fold", "follow", "forget",
    "format", "forward", "generate", "get", "give", "go", "group", "guard", "hand", "handle", "hash", "hear", "hide",
    "hold", "identify", "ignore", "import", "include", "index", "insert", "inspect", "introduce", "invoke", "issue",
    "iterate", "join", "judge", "keep", "kill", "know", "label", "lease", "leave", "let", "limit", "link", "list",
    "listen", "load", "lock", "log", "look", "make", "map", "mark", "match", "measure", "merge", "mint", "mount",
    "move", "name", "narrow", "normalize", "notify", "offer", "open", "order", "pack", "page", "parse", "pass",
    "patch", "pause", "pick", "plan", "post", "prepare", "preserve", "print", "process", "produce", "protect",
    "prove", "provide", "publish", "pull", "push", "put", "query", "quote", "raise", "rank", "reach", "read",
    "rebuild", "receive", "recognise", "record", "redact", "redeem", "redirect", "reduce", "reflect", "refresh",
    "refuse", "register", "reject", "release", "remember", "remove", "rename", "render", "renew", "repeat", "replace",
    "reply", "report", "request", "reserve", "reset", "resolve", "restore", "resume", "retry", "return", "reveal",
    "review", "revoke", "roll", "rollback", "rotate", "round", "route", "run", "save", "say", "scan", "schedule",
    "seal", "search", "select", "send", "separate", "serve", "set", "settle", "shorten", "show", "shut", "sign",
    "simulate", "skip", "sort", "speak", "split", "spread", "stand", "start", "state", "stay", "step", "stop",
    "store", "stream", "strip", "stub", "subscribe", "suggest", "sum", "supply", "swap", "sweep", "switch", "tag",
    "take", "tell", "test", "tidy", "trace", "transform", "translate", "treat", "trim", "truncate", "try", "turn",
    "type", "undo", "unlink", "unlock", "unpack", "unregister", "unwrap", "update", "upgrade", "use", "validate",
    "verify", "view", "visit", "wait", "wake", "walk", "warn", "watch", "widen", "withdraw", "work", "wrap", "write",
    "yield",
})
# fmt: on
"""Base forms; the third person singular is understood."""


@dataclass(frozen=True, kw_only=True)
class Writing:
    """What one file says in words."""

    lines: int
    comments: tuple[str, ...]
    strings: tuple[str, ...]
    """Those that stand alone: all docstrings, those of attributes too."""
    function_docstrings: tuple[str, ...]


@cache
def writings(folder: str) -> tuple[Writing, ...]:
    paths = sorted((ROOT / folder).rglob("*.py"))
    return tuple(read_writing(path.read_text("utf-8")) for path in paths if "node_modules" not in path.parts)


def read_writing(source: str) -> Writing:
    strings: list[str] = []
    docstrings: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            strings.append(node.value.value)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (text := ast.get_docstring(node)):
            docstrings.append(text)
    # Splitting into tokens is slow, and many files have no comment.
    tokens = tokenize.generate_tokens(io.StringIO(source).readline) if "#" in source else ()
    return Writing(
        lines=len(source.splitlines()),
        comments=tuple(token.string for token in tokens if token.type == tokenize.COMMENT),
        strings=tuple(strings),
        function_docstrings=tuple(docstrings),
    )


def begins_with_verb(text: str) -> bool:
    """Compare the first word with VERBS: `Try`, `Tries`, `Match`, `Matches`. `GET` and `POST` name a route."""
    written = re.sub(r"[^A-Za-z].*", "", text, flags=re.DOTALL)
    word = written.lower()
    forms = {word, word.removesuffix("s"), word.removesuffix("es"), re.sub("ies$", "y", word)}
    return not (written.isupper() or VERBS.isdisjoint(forms))


def pronouns_per_1000_words() -> float:
    texts = [text for folder in FOLDERS for file in writings(folder) for text in (*file.strings, *file.comments)]
    return 1000 * sum(len(PRONOUN.findall(text)) for text in texts) / sum(len(text.split()) for text in texts)


def percent_beginning_with_verb() -> float:
    begun = [begins_with_verb(x) for folder in FOLDERS for file in writings(folder) for x in file.function_docstrings]
    return 100 * sum(begun) / len(begun)


def comments_per_100_lines() -> float:
    core = writings("core")
    reasons = [text for file in core for text in file.comments if not TO_A_TOOL.match(text)]
    return 100 * len(reasons) / sum(file.lines for file in core)


def test_pronouns_do_not_grow_more_frequent() -> None:
    assert pronouns_per_1000_words() <= MOST_PRONOUNS


def test_docstrings_keep_beginning_with_verbs() -> None:
    assert percent_beginning_with_verb() >= FEWEST_VERBS


def test_core_keeps_its_share_of_comments() -> None:
    assert comments_per_100_lines() >= FEWEST_COMMENTS
