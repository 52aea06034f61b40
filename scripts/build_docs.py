"""Builds the documentation site:  python scripts/build_docs.py [--out DIR] [--serve]

The pages come from what the project says anyway: both READMEs, docs/, the explain pages of every check,
the compatibility tables with their sources, and every command's own help. Needs
``pip install "dartenv[docs]"``. Links that lead nowhere end the build.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import typer  # noqa: E402
import yaml  # noqa: E402

from dartenv.cli.app import assemble  # noqa: E402

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PAGES = ROOT / "dartenv" / "pages"
DOCS = ROOT / "docs"
TABLES = ROOT / "manifests" / "compat"
Nav = List[Dict[str, Any]]


def main() -> int:
    """mkdocs' exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "site")
    parser.add_argument("--serve", action="store_true", help="show it on this machine")
    options = parser.parse_args()
    work = options.out.resolve().parent / "site-source"
    if work.exists():
        shutil.rmtree(str(work))
    pages = work / "pages"
    nav = write_pages(pages)
    config = work / "mkdocs.yml"
    config.write_text(yaml.safe_dump(settings(pages, options.out.resolve(), nav)), encoding="utf-8")
    command = ["serve"] if options.serve else ["build", "--strict"]
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", command[0], "-f", str(config), *command[1:]],
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},  # an advertisement
        check=False,
    )
    if done.returncode == 0 and not options.serve:
        print(f"{len(list(options.out.rglob('*.html')))} pages in {options.out}")
    return done.returncode


def settings(pages: Path, out: Path, nav: Nav) -> Dict[str, Any]:
    """mkdocs.yml: nothing is loaded from elsewhere, neither fonts nor scripts."""
    palette = [
        {"media": f"(prefers-color-scheme: {scheme})", "scheme": name, "primary": "white",
         "toggle": {"icon": icon, "name": f"{other} theme"}}
        for scheme, name, icon, other in (
            ("light", "default", "material/weather-night", "Dark"),
            ("dark", "slate", "material/weather-sunny", "Light"),
        )
    ]  # fmt: skip
    return {
        "site_name": "dartenv",
        "docs_dir": str(pages),
        "site_dir": str(out),
        "use_directory_urls": False,  # readable from a folder, without a server
        "theme": {
            "name": "material",
            "font": False,
            "palette": palette,
            "features": ["navigation.indexes", "content.code.copy", "toc.follow"],
        },
        "plugins": [{"search": {"lang": ["en"]}}],
        "markdown_extensions": ["tables", "toc", "fenced_code", "sane_lists", "attr_list"],
        "validation": {"links": {"anchors": "warn", "unrecognized_links": "warn"}},
        "nav": nav,
    }


def write_pages(folder: Path) -> Nav:
    """Every page into ``folder``; answers the navigation."""
    folder.mkdir(parents=True)
    for name, source in (("index.md", "README.md"), ("zh.md", "README.zh.md")):
        _write(folder / name, _readme((ROOT / source).read_text(encoding="utf-8")))
    guides: Nav = []
    for path in sorted(DOCS.glob("*.md")):
        text = path.read_text(encoding="utf-8").replace("](../README.md", "](../index.md")
        _write(folder / "docs" / path.name, _outside(text))
        guides.append({_title(text): f"docs/{path.name}"})
    _write(folder / "commands.md", commands())
    nav: Nav = [
        {"Start": "index.md"},
        {"中文": "zh.md"},
        {"Commands": "commands.md"},
        {"Guides": guides},
        {"Checks": list(_checks(folder))},
        {"Tables": list(_tables(folder))},
    ]
    return nav


def _readme(text: str) -> str:
    text = text.replace("](README.zh.md", "](zh.md").replace("](README.md", "](index.md")
    return _outside(text)


def _outside(text: str) -> str:
    """Links to files of the repository that are no page become plain words."""
    return re.sub(
        r"\[([^\]]+)\]\((?:\.\./)?(?:scripts|manifests|dartenv|unreal|hosts)/[^)]*\)", r"\1", text
    )


def _title(text: str) -> str:
    return text.splitlines()[0].lstrip("# ").strip()


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _checks(folder: Path) -> Iterator[Dict[str, Any]]:
    groups: Dict[str, Nav] = {}
    for path in sorted(PAGES.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        _write(folder / "checks" / path.name, text)
        groups.setdefault(path.name.split(".")[0], []).append({path.stem: f"checks/{path.name}"})
    for group, pages in groups.items():
        yield {group: pages}


def _tables(folder: Path) -> Iterator[Dict[str, Any]]:
    for path in sorted(TABLES.glob("*.toml")):
        name = f"tables/{path.stem}.md"
        _write(
            folder / name, table_page(path.stem, tomllib.loads(path.read_text(encoding="utf-8")))
        )
        yield {path.stem: name}


def table_page(name: str, table: Dict[str, Any]) -> str:
    """One manifest as a page: its own values, then each list of rows as a table."""
    lines = [f"# {name}", "", f"`manifests/compat/{name}.toml`", ""]
    plain = {key: value for key, value in table.items() if not _is_rows(value)}
    lines += ["| | |", "|---|---|", *(f"| {k} | {_cell(v)} |" for k, v in plain.items()), ""]
    for key, rows in table.items():
        if _is_rows(rows):
            columns = list(dict.fromkeys(column for row in rows for column in row))
            lines += [f"## {key}", "", "| " + " | ".join(columns) + " |"]
            lines.append("|" + "---|" * len(columns))
            for row in rows:
                lines.append("| " + " | ".join(_cell(row.get(c, "")) for c in columns) + " |")
            lines.append("")
    return "\n".join(lines)


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_cell(one) for one in value)
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_cell(one)}" for key, one in value.items())
    text = str(value).replace("\n", " ").replace("|", "\\|")
    return re.sub(r"([<*_`\[\]])", r"\\\1", text)


def commands() -> str:
    """Every command's help as it prints itself."""
    lines = ["# Commands", ""]
    for name, text in helps(typer.main.get_command(assemble()), "dartenv"):
        lines += [f"## {name}", "", "```text", text.rstrip(), "```", ""]
    return "\n".join(lines)


def helps(command: Any, name: str) -> Iterator[Tuple[str, str]]:
    """A command and everything below it. Newer typers carry a click of their own."""
    context = command.context_class(command, info_name=name, terminal_width=100)
    yield name, command.get_help(context)
    for below, one in sorted(getattr(command, "commands", {}).items()):
        yield from helps(one, f"{name} {below}")


if __name__ == "__main__":
    sys.exit(main())
