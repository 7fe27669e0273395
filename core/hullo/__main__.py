"""`python -m hullo`: the command line."""

from hullo.cli import main

main()
