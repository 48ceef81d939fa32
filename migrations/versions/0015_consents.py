"""Consents to biometrics are counted: each one stays in the journal."""

from alembic import op

revision = "0015_consents"
down_revision = "0014_reference_pictures"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE exam_server.entrance ADD COLUMN consents int NOT NULL DEFAULT 0")
    op.execute("COMMENT ON COLUMN exam_server.entrance.consents IS 'How often consent to biometrics was given'")


def downgrade() -> None:
    op.execute("ALTER TABLE exam_server.entrance DROP COLUMN consents")
