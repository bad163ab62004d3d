"""What others made and we carry: its source, its licence, unchanged."""

import hashlib
import json

import pytest
from django.conf import settings

STATIC = settings.BASE_DIR / "aseanpm" / "static" / "aseanpm"
SCHEMAS = settings.BASE_DIR / "tests" / "schemas"
VENDORED = [
    row
    for folder in (STATIC, SCHEMAS)
    for row in json.loads((folder / "VENDORED.json").read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("row", VENDORED, ids=lambda row: row["file"])
def test_a_vendored_file_is_what_was_taken(row):
    content = (settings.BASE_DIR / row["file"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == row["sha256"]


@pytest.mark.parametrize("row", VENDORED, ids=lambda row: row["file"])
def test_a_vendored_file_names_where_it_is_from(row):
    assert set(row) == {
        "file",
        "source",
        "version",
        "original",
        "licence",
        "sha256",
    }
    assert all(row.values())


def test_every_font_is_listed_and_its_licence_lies_beside_it():
    fonts = {
        p.relative_to(settings.BASE_DIR).as_posix() for p in STATIC.glob("fonts/*")
    }
    assert fonts == {row["file"] for row in VENDORED if "/fonts/" in row["file"]}
    for font in STATIC.glob("fonts/*.woff2"):
        licence = font.with_name(font.name.replace("-400.woff2", ".LICENSE.txt"))
        assert "SIL OPEN FONT LICENSE" in licence.read_text(encoding="utf-8")


def test_every_schema_is_listed():
    schemas = {
        p.relative_to(settings.BASE_DIR).as_posix() for p in SCHEMAS.rglob("*.xsd")
    }
    assert schemas == {row["file"] for row in VENDORED if "/schemas/" in row["file"]}


def test_the_stylesheet_asks_only_for_files_that_are_there():
    css = (STATIC / "site.css").read_text(encoding="utf-8")
    asked = {part.split('"')[0] for part in css.split('url("')[1:]}
    assert asked == {f"fonts/{font.name}" for font in STATIC.glob("fonts/*.woff2")}
