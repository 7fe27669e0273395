"""What the hook `commands` needs: click commands that take the same options as hullo's own, and print alike.

Brings the whole command line with it, so import it inside the hook: a server has no use for it.
"""

from hullo.cli.options import CommonOptions, common_options, pass_options
from hullo.cli.people import confirm, display_name, get_contact, get_workspace
from hullo.cli.progress import show_progress
from hullo.cli.screen import command_text, field_lines, format_time, paragraph, printable, table, title

__all__ = [
    "CommonOptions",
    "command_text",
    "common_options",
    "confirm",
    "display_name",
    "field_lines",
    "format_time",
    "get_contact",
    "get_workspace",
    "paragraph",
    "pass_options",
    "printable",
    "show_progress",
    "table",
    "title",
]
