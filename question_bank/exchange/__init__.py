"""Items in files of others' formats: one module per format, streamed in and out. Nothing here reads the database."""
