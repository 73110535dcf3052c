"""orchd: many coding agents at once in one repository, none in another's way."""

__version__ = "0.1.0"
