"""Texts from files."""

import tempfile
import unittest
from pathlib import Path

from pagewise.reading import read, without_front_matter


class Read(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "text"

    def test_a_mark_is_not_text(self) -> None:
        self.path.write_bytes(b"\xef\xbb\xbfna\xc3\xafve")
        self.assertEqual(read(self.path), "naïve")

    def test_what_is_not_utf_8_is_latin_1(self) -> None:
        self.path.write_bytes(b"na\xefve")
        self.assertEqual(read(self.path), "naïve")

    def test_line_ends_are_of_one_kind(self) -> None:
        self.path.write_bytes(b"a\r\nb\rc\n")
        self.assertEqual(read(self.path), "a\nb\nc\n")


class FrontMatter(unittest.TestCase):
    def test_the_block_goes(self) -> None:
        self.assertEqual(without_front_matter("---\ntitle: x\n---\nText\n"), "Text\n")

    def test_without_an_end_it_is_text(self) -> None:
        self.assertEqual(without_front_matter("---\nText\n"), "---\nText\n")
