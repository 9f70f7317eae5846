"""Releases: what a commit is handed out as, made so that anybody who makes it again gets the same bytes."""
