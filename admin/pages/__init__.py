"""The staff's pages."""

from starlette.routing import BaseRoute

from admin.pages import (
    acts,
    allowances,
    bank,
    blueprints,
    evidence,
    home,
    operations,
    people,
    pictures,
    proctor,
    protocols,
    register,
    reviews,
    sittings,
    streams,
    windows,
)

routes: list[BaseRoute] = [
    *home.routes,
    *streams.routes,  # before the proctor room: its addresses would be taken for a sitting's
    *proctor.routes,
    *acts.routes,
    *sittings.routes,
    *evidence.routes,
    *reviews.routes,
    *protocols.routes,
    *pictures.routes,  # before the bank: an item may have any id
    *bank.routes,
    *blueprints.routes,
    *register.routes,
    *people.routes,
    *operations.routes,
    *windows.routes,
    *allowances.routes,
]
"""Everything that staff open."""
