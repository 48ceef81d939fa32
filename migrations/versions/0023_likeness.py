"""Items that are alike are found by sketches of their words."""

from alembic import op
from sqlalchemy import text

revision = "0023_likeness"
down_revision = "0022_finding"
branch_labels = None
depends_on = None

BATCH = 500


def upgrade() -> None:
    op.execute("ALTER TABLE question_bank.item_version ADD COLUMN sketch int[]")
    _sketch()
    op.execute("ALTER TABLE question_bank.item_version ALTER COLUMN sketch SET NOT NULL")
    op.execute("""
        COMMENT ON COLUMN question_bank.item_version.sketch IS
            'Bands of a MinHash of its words, by their places: versions that share one may be alike (likeness.py)'""")
    # What waits to be sorted in is read by every search: 256 KiB cost an insert 5 us more than the usual 4 MiB would
    # and a search 6 ms less.
    op.execute("""
        CREATE INDEX item_version_sketch ON question_bank.item_version USING gin (sketch)
        WITH (gin_pending_list_limit = 256)""")


def downgrade() -> None:
    op.execute("ALTER TABLE question_bank.item_version DROP COLUMN sketch")


def _sketch() -> None:
    """Versions from before have their words looked at now."""
    connection = op.get_bind()
    while True:
        rows = connection.execute(
            text("""
                SELECT item_id, version, content::text AS content FROM question_bank.item_version
                WHERE sketch IS NULL LIMIT :most"""),
            {"most": BATCH},
        ).all()
        if not rows:
            return
        from question_bank.candidate_store import decode_content
        from question_bank.likeness import sketch, texts_of

        for row in rows:
            connection.execute(
                text("""
                    UPDATE question_bank.item_version SET sketch = CAST(:sketch AS int[])
                    WHERE item_id = :item AND version = :version"""),
                {
                    "sketch": sketch(texts_of(decode_content(row.content))),
                    "item": row.item_id,
                    "version": row.version,
                },
            )
