"""The page that compares the dialects says what the tables say."""

from __future__ import annotations

import runpy
from pathlib import Path

from mock_capgo.errors import CATALOGUE
from mock_capgo.operations import OPERATIONS
from mock_capgo.quirks import Quirk

ROOT = Path(__file__).resolve().parent.parent


def test_page_is_what_the_tables_say() -> None:
    """docs/dialects.md is the page that `make docs` writes."""
    written = runpy.run_path(str(ROOT / "scripts" / "dialects_page.py"))["page"]()
    assert (ROOT / "docs" / "dialects.md").read_text() == written, "run `make docs`"


def test_page_names_every_row_of_the_tables() -> None:
    """Every operation, every refusal and every quirk has its line."""
    page = (ROOT / "docs" / "dialects.md").read_text()
    for name in [*(operation.id for operation in OPERATIONS), *CATALOGUE, *(quirk.name for quirk in Quirk)]:
        assert name in page
