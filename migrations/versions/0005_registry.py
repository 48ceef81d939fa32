"""The register: notices as they came, receipts, entries in versions. No key leads out of this schema."""

from alembic import op

revision = "0005_registry"
down_revision = "0004_scoring"
branch_labels = None
depends_on = None

STATEMENTS = (
    "CREATE SCHEMA IF NOT EXISTS registry",
    """
    CREATE TABLE registry.notice (
        sender text NOT NULL,
        key text NOT NULL,
        digest bytea NOT NULL CHECK (length(digest) = 32),
        token text NOT NULL,
        person text NOT NULL,
        speciality text NOT NULL,
        decision text NOT NULL,
        sequence bigint NOT NULL,
        annuls text,
        received_at bigint NOT NULL,
        PRIMARY KEY (sender, key)
    )
    """,
    "CREATE INDEX notice_person ON registry.notice (sender, person, speciality)",
    # The same key with another body: refused, and kept for whoever has to find out why.
    """
    CREATE TABLE registry.notice_conflict (
        sender text NOT NULL,
        key text NOT NULL,
        digest bytea NOT NULL CHECK (length(digest) = 32),
        token text NOT NULL,
        received_at bigint NOT NULL,
        PRIMARY KEY (sender, key, digest),
        FOREIGN KEY (sender, key) REFERENCES registry.notice
    )
    """,
    """
    CREATE TABLE registry.receipt (
        sender text NOT NULL,
        key text NOT NULL,
        token text NOT NULL,
        PRIMARY KEY (sender, key),
        FOREIGN KEY (sender, key) REFERENCES registry.notice
    )
    """,
    """
    CREATE TABLE registry.entry (
        number text PRIMARY KEY,
        sender text NOT NULL,
        key text NOT NULL,
        person text NOT NULL,
        speciality text NOT NULL,
        search_name text NOT NULL,
        version int NOT NULL,
        UNIQUE (sender, key),
        FOREIGN KEY (sender, key) REFERENCES registry.notice
    )
    """,
    "CREATE INDEX entry_person ON registry.entry (sender, person, speciality)",
    "CREATE INDEX entry_name ON registry.entry (search_name text_pattern_ops, speciality)",
    """
    CREATE TABLE registry.entry_version (
        number text NOT NULL REFERENCES registry.entry,
        version int NOT NULL CHECK (version > 0),
        recorded_at bigint NOT NULL,
        sequence bigint NOT NULL,
        name text NOT NULL,
        birth_date date,
        speciality_code text NOT NULL,
        speciality_title text NOT NULL,
        kind text NOT NULL,
        basis text NOT NULL,
        valid_from date NOT NULL,
        valid_to date NOT NULL CHECK (valid_to >= valid_from),
        suspended bool NOT NULL,
        annulled bool NOT NULL,
        superseded_by text REFERENCES registry.entry DEFERRABLE INITIALLY DEFERRED,
        reason text NOT NULL,
        actor text NOT NULL,
        PRIMARY KEY (number, version)
    )
    """,
    """
    CREATE TABLE registry.speciality (
        code text PRIMARY KEY,
        title text NOT NULL
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP SCHEMA registry CASCADE")
