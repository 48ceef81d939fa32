"""Notes everything a page complains of: errors in the console, exceptions, breaches of its security policy."""

import re

from playwright.async_api import ConsoleMessage, Page

EXPECTED = re.compile(r"net::ERR_(CONNECTION|INTERNET|EMPTY_RESPONSE)|WebSocket connection to \S+ failed")
"""What a browser writes by itself when the server is away."""


class Watchman:
    def __init__(self, page: Page) -> None:
        self.complaints: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not EXPECTED.search(message.text):
            where = message.location
            self.complaints.append(f"{message.type}: {message.text} ({where.get('url')}:{where.get('lineNumber')})")

    def take(self) -> list[str]:
        """What was noted since the last time."""
        complaints, self.complaints = self.complaints, []
        return complaints
