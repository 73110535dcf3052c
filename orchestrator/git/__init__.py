"""The one door to git: worktrees, backups, the commit phase, integration and publication."""
