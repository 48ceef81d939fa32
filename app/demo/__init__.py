"""Demo data: a question bank, people, and a history played through the real engine."""
