"""Nouns and decisions. Pure: no IO, clock, randomness, logging or async."""
