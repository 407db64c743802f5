"""What tests of the page share; see browser.py."""

from web.browser import browser, server, visit

__all__ = ["browser", "server", "visit"]
