"""One attempt at a track: claim, run, report, release, in a small process of its own."""
