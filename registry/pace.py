"""How often one address may ask: a token bucket each. Pure.

Guessing register numbers or reading the register out by names must not pay, a registrar with a stack of
papers must not notice.
"""

from collections import OrderedDict
from ipaddress import IPv6Address, ip_address

from core.moments import SECOND, Moment, Span


class Pace:
    """`burst` questions at once, then one every `interval`; the addresses least recently seen are forgotten."""

    def __init__(self, burst: int = 20, interval: Span = 3 * SECOND, addresses: int = 50_000) -> None:
        self._burst = burst
        self._interval = interval
        self._addresses = addresses
        self._free_at: OrderedDict[str, Moment] = OrderedDict()

    def wait(self, address: str, now: Moment) -> Span:
        """Count a question: 0 when it may be answered, else how long to wait (and it is not counted)."""
        who = _network(address)
        # The generic cell rate algorithm: one moment per address says as much as a bucket and its level.
        free_at = max(self._free_at.get(who, now), now)
        excess = free_at - now - (self._burst - 1) * self._interval
        if excess > 0:
            return excess
        self._free_at[who] = free_at + self._interval
        self._free_at.move_to_end(who)
        if len(self._free_at) > self._addresses:
            self._free_at.popitem(last=False)
        return 0


def _network(address: str) -> str:
    """The address, or for IPv6 its /64: one subscriber has all of those."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped) if parsed.ipv4_mapped else parsed.packed[:8].hex()
    return str(parsed)
