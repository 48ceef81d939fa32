"""An item is of the exam's pool or of practice's, for ever; sources of its explanation; pictures that items show."""

from alembic import op

revision = "0009_practice_pool"
down_revision = "0008_admin"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        ALTER TABLE question_bank.item
            ADD COLUMN pool text NOT NULL DEFAULT 'exam' CHECK (pool IN ('exam', 'practice'))
    """)
    op.execute("""
        COMMENT ON COLUMN question_bank.item.pool IS
            'Practice explains its items, so none of them may ever stand in an exam: never changed'
    """)
    op.execute("""
        CREATE FUNCTION question_bank.refuse_pool() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'an item stays in its pool'; END $$
    """)
    op.execute("""
        CREATE TRIGGER pool_is_final BEFORE UPDATE ON question_bank.item
        FOR EACH ROW WHEN (OLD.pool IS DISTINCT FROM NEW.pool) EXECUTE FUNCTION question_bank.refuse_pool()
    """)
    op.execute("ALTER TABLE question_bank.item_key ADD COLUMN sources jsonb NOT NULL DEFAULT '[]'")
    op.execute("""
        CREATE TABLE question_bank.asset (
            id text PRIMARY KEY CHECK (id ~ '^[a-z0-9][a-z0-9-]{1,63}$'),
            sha256 bytea NOT NULL,
            media_type text NOT NULL CHECK (media_type IN ('image/png', 'image/jpeg', 'image/webp')),
            width int NOT NULL CHECK (width > 0),
            height int NOT NULL CHECK (height > 0),
            size int NOT NULL CHECK (size > 0),
            blob_id text NOT NULL,
            kept_at bigint NOT NULL
        )
    """)


def downgrade() -> None:
    op.execute("DROP TABLE question_bank.asset")
    op.execute("ALTER TABLE question_bank.item_key DROP COLUMN sources")
    op.execute("DROP TRIGGER pool_is_final ON question_bank.item")
    op.execute("DROP FUNCTION question_bank.refuse_pool")
    op.execute("ALTER TABLE question_bank.item DROP COLUMN pool")
