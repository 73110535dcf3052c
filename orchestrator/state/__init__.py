"""Runs on disk: status, job, result and outcome files, and the journal."""
