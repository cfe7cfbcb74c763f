"""`python -m ordermesh.cli` is the `ordermesh` command."""

from ordermesh.cli import main

main()
