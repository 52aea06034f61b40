"""``dartenv explain ID``: the page behind an id."""

from __future__ import annotations

from typing import Optional

import typer


def explain(
    page_id: Optional[str] = typer.Argument(
        None, metavar="ID", help="A check, as source.posixpath."
    ),
    list_all: bool = typer.Option(False, "--list", help="List every id with its title."),
) -> None:
    """Explain a check: what it looks at, why it matters for DART, and its repair."""
    import sys

    from dartenv.errors import UsageFault
    from dartenv.pages.store import page, titles
    from dartenv.report.terminal import say

    if list_all:
        for known, title in titles():
            say(f"{known:<28}{title}", sys.stdout)
        return
    if page_id is None:
        raise UsageFault("no id given", "a check id", "dartenv explain --list")
    text = page(page_id)
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.markdown import Markdown

        Console(width=80).print(Markdown(text))
    else:
        say(text, sys.stdout)
