"""The browser of tests/browser/conftest.py, for those who play a year on the whole platform."""

from __future__ import annotations

from tests.browser.conftest import browser

__all__ = ["browser"]
