"""What every page stands on: templates, the design system, languages, and the rules a browser must keep."""
