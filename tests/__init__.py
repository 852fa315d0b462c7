"""Tests of the course; `tests.hidden` also judges students, so the folder is a package."""
