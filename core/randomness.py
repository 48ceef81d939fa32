"""The only source of unpredictable values: seeds, tokens, salts."""

import secrets


def fresh_seed() -> int:
    """A seed of 63 random bits (fits PostgreSQL's bigint)."""
    return secrets.randbits(63)


def fresh_token(size: int = 24) -> str:
    """An unguessable URL-safe text made of `size` random bytes."""
    return secrets.token_urlsafe(size)


def fresh_bytes(size: int) -> bytes:
    return secrets.token_bytes(size)


def fresh_int(below: int) -> int:
    """A uniform integer in [0, below)."""
    return secrets.randbelow(below)
