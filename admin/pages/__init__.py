"""The staff's pages."""

from starlette.routing import BaseRoute

from admin.pages import (
    acts,
    allowances,
    authoring,
    bank,
    blueprints,
    bulk,
    evidence,
    exchange,
    exchange_report,
    exporting,
    exposure,
    forms,
    home,
    item,
    operations,
    people,
    pictures,
    proctor,
    protocols,
    register,
    requirements,
    reviews,
    shelves,
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
    *authoring.routes,  # before the bank: a new item's address would be taken for an item
    *requirements.routes,
    *bulk.routes,
    *exchange_report.routes,
    *exporting.routes,
    *exchange.routes,  # before the bank as well
    *shelves.routes,  # before the items: its addresses would be taken for ids
    *bank.routes,
    *item.routes,
    *blueprints.routes,
    *forms.routes,
    *exposure.routes,
    *register.routes,
    *people.routes,
    *operations.routes,
    *windows.routes,
    *allowances.routes,
]
"""Everything that staff open."""
