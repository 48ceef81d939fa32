"""Reading the weighted lists of Accept and Accept-Language (RFC 9110, section 12.4.2)."""


def weighed(header: str) -> list[tuple[str, float]]:
    """Each wish in lower case with its weight, in the header's order; a malformed weight counts as 0."""
    wishes: list[tuple[str, float]] = []
    for part in header.lower().split(","):
        wish, *parameters = (piece.strip() for piece in part.split(";"))
        if wish:
            wishes.append((wish, _weight(parameters)))
    return wishes


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return min(max(float(parameter[2:]), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0
