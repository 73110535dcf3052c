"""How often something occurs."""

import unittest

from pagewise.counts import lengths, most_common


class Counts(unittest.TestCase):
    def test_equals_are_in_alphabetical_order(self) -> None:
        self.assertEqual(most_common(["b", "a", "c", "c"], 2), [("c", 2), ("a", 1)])

    def test_nothing_has_no_most_common(self) -> None:
        self.assertEqual(most_common([], 3), [])

    def test_lengths_are_shortest_first(self) -> None:
        self.assertEqual(list(lengths(["three", "a", "seven", "it"]).items()), [(1, 1), (2, 1), (5, 2)])
