"""Notes everything a page complains of: errors in the console, exceptions, breaches of its security policy."""

from playwright.async_api import ConsoleMessage, Page

EXPECTED = ("ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "ERR_INTERNET_DISCONNECTED", "ERR_EMPTY_RESPONSE")
"""What a browser writes by itself when the server is away."""


class Watchman:
    def __init__(self, page: Page) -> None:
        self.complaints: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not any(word in message.text for word in EXPECTED):
            where = message.location
            self.complaints.append(f"{message.type}: {message.text} ({where.get('url')}:{where.get('lineNumber')})")

    def take(self) -> list[str]:
        """What was noted since the last time."""
        complaints, self.complaints = self.complaints, []
        return complaints
