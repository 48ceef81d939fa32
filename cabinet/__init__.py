"""The candidate's face of the platform: signing in, what is next, dates, results."""
