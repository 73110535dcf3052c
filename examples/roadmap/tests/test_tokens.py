"""Words, sentences, paragraphs."""

import unittest

from pagewise.tokens import paragraphs, sentences, words


class Words(unittest.TestCase):
    def test_case_and_punctuation_do_not_count(self) -> None:
        self.assertEqual(words("The cat, the CAT!"), ["the", "cat", "the", "cat"])

    def test_apostrophes_and_hyphens_stay_inside(self) -> None:
        self.assertEqual(words("Don't well-known 'quoted'"), ["don't", "well-known", "quoted"])

    def test_numbers_are_not_words(self) -> None:
        self.assertEqual(words("7 of 9"), ["of"])


class Sentences(unittest.TestCase):
    def test_each_ends_with_its_mark(self) -> None:
        self.assertEqual(sentences("Why? Because.\nNo end"), ["Why?", "Because.", "No end"])

    def test_dots_alone_are_none(self) -> None:
        self.assertEqual(sentences("... !"), [])


class Paragraphs(unittest.TestCase):
    def test_blank_lines_part_them(self) -> None:
        self.assertEqual(paragraphs("One\nstill one.\n \nTwo.\n\n\n---\n"), ["One\nstill one.", "Two."])
