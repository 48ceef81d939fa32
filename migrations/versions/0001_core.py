"""People, logins, the outbox, the journal and encrypted files."""

from alembic import op

revision = "0001_core"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = (
    "CREATE SCHEMA IF NOT EXISTS core",
    """
    CREATE TABLE core.person (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        login text NOT NULL UNIQUE CHECK (login = lower(login) AND length(login) BETWEEN 1 AND 100),
        family_name text NOT NULL CHECK (length(family_name) BETWEEN 1 AND 100),
        given_name text NOT NULL DEFAULT '' CHECK (length(given_name) <= 100),
        patronymic text NOT NULL DEFAULT '' CHECK (length(patronymic) <= 100),
        email text NOT NULL DEFAULT '' CHECK (length(email) <= 254),
        zone text NOT NULL DEFAULT 'Europe/Moscow',
        password_hash text NOT NULL,
        roles text[] NOT NULL DEFAULT '{}',
        created_at bigint NOT NULL
    )
    """,
    """
    CREATE TABLE core.login (
        token_digest bytea PRIMARY KEY CHECK (length(token_digest) = 32),
        person_id bigint NOT NULL REFERENCES core.person ON DELETE CASCADE,
        created_at bigint NOT NULL,
        expires_at bigint NOT NULL,
        address text NOT NULL DEFAULT ''
    )
    """,
    "CREATE INDEX login_person ON core.login (person_id)",
    "CREATE INDEX login_expiry ON core.login (expires_at)",
    # Failures are counted for whatever was typed, known or not: a lock must not tell which logins exist.
    """
    CREATE TABLE core.sign_in_failure (
        subject bytea PRIMARY KEY CHECK (length(subject) = 32),
        failures int NOT NULL,
        since_at bigint NOT NULL
    )
    """,
    "CREATE INDEX sign_in_failure_age ON core.sign_in_failure (since_at)",
    """
    CREATE TABLE core.outbox (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        topic text NOT NULL,
        key text NOT NULL,
        body bytea NOT NULL,
        created timestamptz NOT NULL DEFAULT now(),
        sent timestamptz,
        attempts int NOT NULL DEFAULT 0,
        next_try timestamptz NOT NULL DEFAULT now(),
        last_error text NOT NULL DEFAULT '',
        UNIQUE (topic, key)
    )
    """,
    "CREATE INDEX outbox_due ON core.outbox (next_try, id) WHERE sent IS NULL",
    """
    CREATE TABLE core.journal (
        position bigint PRIMARY KEY CHECK (position > 0),
        at bigint NOT NULL,
        actor text NOT NULL,
        action text NOT NULL,
        subject text NOT NULL,
        body bytea NOT NULL,
        prev bytea NOT NULL CHECK (length(prev) = 32),
        digest bytea NOT NULL CHECK (length(digest) = 32)
    )
    """,
    "CREATE INDEX journal_subject ON core.journal (subject, position)",
    "CREATE INDEX journal_actor ON core.journal (actor, position)",
    # An erased field keeps its row, so that an erasure can be told from a removal.
    """
    CREATE TABLE core.journal_field (
        position bigint NOT NULL REFERENCES core.journal,
        name text NOT NULL,
        salt bytea,
        value text,
        erased_at bigint,
        PRIMARY KEY (position, name),
        CHECK ((salt IS NULL) = (erased_at IS NOT NULL) AND (value IS NULL) = (erased_at IS NOT NULL))
    )
    """,
    """
    CREATE TABLE core.data_key (
        owner text PRIMARY KEY CHECK (length(owner) BETWEEN 1 AND 200),
        master_kid text NOT NULL,
        wrapped bytea,
        created_at bigint NOT NULL,
        destroyed_at bigint,
        CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL))
    )
    """,
    """
    CREATE TABLE core.blob (
        id text PRIMARY KEY,
        owner text NOT NULL REFERENCES core.data_key,
        media_type text NOT NULL,
        sha256 bytea NOT NULL CHECK (length(sha256) = 32),
        size int NOT NULL,
        created_at bigint NOT NULL
    )
    """,
    "CREATE INDEX blob_owner ON core.blob (owner)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP SCHEMA core CASCADE")
