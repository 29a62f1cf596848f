"""Watching retrievers and numbers, and telling when they cross a limit."""
