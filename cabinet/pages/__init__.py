"""The candidate's pages."""

from starlette.routing import BaseRoute

from cabinet.pages import account, bookings, home, outcomes, password, practice

routes: list[BaseRoute] = [
    *account.routes,
    *password.routes,
    *home.routes,
    *bookings.routes,
    *practice.routes,
    *outcomes.routes,
]
"""Everything a candidate opens, the front page and the sign-in included."""
