"""What every other package stands on: time, ids, errors, settings, database, messages, files, access."""
