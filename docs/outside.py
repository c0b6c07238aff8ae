"""Links out of docs/ into the repository hold in the built pages, too.

A page links to a study as it does on any host of repositories, ``../studies/NAME/README.md``. The built site gets these
files as pages; a link to any other file of the repository, which the site does not have, becomes the file's path.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
_FENCE = re.compile(r"(?ms)^(```.*?^```)$")
_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]\n]+)\]\((?P<target>[^)\s:]+?)(?P<anchor>#[^)\s]*)?\)")


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """The README of every study is a page of the site, in no menu."""
    for readme in sorted((ROOT / "studies").glob("*/README.md")):
        uri = readme.relative_to(ROOT).as_posix()
        files.append(File.generated(config, uri, content=readme.read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, *, page: Page, files: Files, **_: Any) -> str:
    """Links between docs/ and the rest of the repository, as the site has these files; code is left alone."""
    parts = _FENCE.split(markdown)
    parts[::2] = [_LINK.sub(lambda link: _placed(link, page, files), part) for part in parts[::2]]
    return "".join(parts)


def _placed(link: re.Match[str], page: Page, files: Files) -> str:
    here = page.file.src_uri
    at_home = here if here.startswith("studies/") else f"docs/{here}"  # where the page is in the repository
    target = posixpath.normpath(posixpath.join(posixpath.dirname(at_home), link["target"]))
    if at_home.startswith("docs/") and target.startswith("docs/"):
        return link[0]
    for uri in (target.removeprefix("docs/"), f"{target}/README.md"):
        if files.get_file_from_path(uri):
            path = posixpath.relpath(uri, posixpath.dirname(here) or ".")
            return f"[{link['text']}]({path}{link['anchor'] or ''})"
    text = link["text"].strip("`")
    return f"`{target}`" if target.endswith(text) else f"{link['text']} (`{target}`)"
