"""Tries at a reference picture are counted; files of pictures that were replaced are let go."""

from alembic import op

revision = "0014_reference_pictures"
down_revision = "0013_outages"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE exam_server.entrance ADD COLUMN pictures int NOT NULL DEFAULT 0")
    op.execute("COMMENT ON COLUMN exam_server.entrance.pictures IS 'How many reference pictures were looked at'")
    op.execute("""
        INSERT INTO core.outbox (topic, key, body)
        SELECT 'blobs.discarded', b.id, convert_to(b.id, 'UTF8')
        FROM proctoring.reference r JOIN core.blob b ON b.id IN (r.embedding_blob, r.picture_blob)
        WHERE r.replaced_at IS NOT NULL
        ON CONFLICT (topic, key) DO NOTHING""")
    op.execute("""
        DELETE FROM core.blob b USING proctoring.reference r
        WHERE b.id IN (r.embedding_blob, r.picture_blob) AND r.replaced_at IS NOT NULL""")


def downgrade() -> None:
    op.execute("ALTER TABLE exam_server.entrance DROP COLUMN pictures")
