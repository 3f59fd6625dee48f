"""Fixtures that several of these files use."""

from tests.integration.reading import conn, readers

__all__ = ["conn", "readers"]
