"""The register's public pages."""

from registry.pages.check import routes

__all__ = ["routes"]
