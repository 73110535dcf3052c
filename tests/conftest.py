"""What every room's tests share: examples that are the same on every run; other ones, and more, when asked for."""

from hypothesis import settings

settings.register_profile("ci", derandomize=True, deadline=None, database=None)
settings.register_profile("long", max_examples=10_000, deadline=None, database=None)
settings.load_profile("ci")
