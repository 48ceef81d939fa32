"""The question bank: requirements, items by version, their keys apart, blueprints, pool snapshots."""

from alembic import op

revision = "0002_question_bank"
down_revision = "0001_core"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE SCHEMA question_bank")
    op.execute("""
        CREATE TABLE question_bank.speciality (
            code text PRIMARY KEY,
            title text NOT NULL,
            revision bigint NOT NULL DEFAULT 0
        )
    """)
    op.execute("""
        COMMENT ON COLUMN question_bank.speciality.revision IS
            'Grows with every change of what can be drawn; prepared pools are kept by it'
    """)
    op.execute("""
        CREATE TABLE question_bank.requirement (
            speciality text NOT NULL REFERENCES question_bank.speciality,
            code text NOT NULL,
            title text NOT NULL,
            PRIMARY KEY (speciality, code)
        )
    """)
    op.execute("""
        CREATE TABLE question_bank.item (
            id text PRIMARY KEY,
            version int NOT NULL CHECK (version > 0),
            state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'withdrawn'))
        )
    """)
    op.execute("""
        CREATE TABLE question_bank.item_version (
            item_id text NOT NULL REFERENCES question_bank.item,
            version int NOT NULL CHECK (version > 0),
            speciality text NOT NULL,
            requirement text NOT NULL,
            kind text NOT NULL CHECK (kind IN ('four_option', 'case')),
            level text NOT NULL CHECK (level IN ('recall', 'application', 'analysis')),
            difficulty double precision NOT NULL CHECK (difficulty > 0 AND difficulty < 1),
            limit_ms int NOT NULL CHECK (limit_ms > 0),
            content jsonb NOT NULL,
            words tsvector NOT NULL,
            published_at bigint NOT NULL,
            PRIMARY KEY (item_id, version),
            FOREIGN KEY (speciality, requirement) REFERENCES question_bank.requirement
        )
    """)
    op.execute("""
        COMMENT ON COLUMN question_bank.item_version.content IS
            'What a candidate may see: stem, stages, choices in the order of their ids. Never a role'
    """)
    op.execute("""
        CREATE INDEX item_version_place ON question_bank.item_version (speciality, requirement, kind)
    """)
    op.execute("CREATE INDEX item_version_words ON question_bank.item_version USING gin (words)")
    op.execute("""
        CREATE TABLE question_bank.item_key (
            item_id text NOT NULL,
            version int NOT NULL,
            stages jsonb NOT NULL,
            explanation text NOT NULL,
            PRIMARY KEY (item_id, version),
            FOREIGN KEY (item_id, version) REFERENCES question_bank.item_version
        )
    """)
    op.execute("""
        CREATE TABLE question_bank.blueprint (
            id text NOT NULL,
            version int NOT NULL CHECK (version > 0),
            speciality text NOT NULL REFERENCES question_bank.speciality,
            content jsonb NOT NULL,
            saved_at bigint NOT NULL,
            PRIMARY KEY (id, version)
        )
    """)
    op.execute("""
        CREATE TABLE question_bank.snapshot (
            digest text PRIMARY KEY CHECK (digest ~ '^[0-9a-f]{64}$'),
            items jsonb NOT NULL,
            saved_at bigint NOT NULL
        )
    """)
    op.execute("""
        COMMENT ON COLUMN question_bank.snapshot.items IS
            'Canonical list of [item, version, expected score in millionths]'
    """)


def downgrade() -> None:
    op.execute("DROP SCHEMA question_bank CASCADE")
