"""What a decision about a window reaches, and how many of its sittings have followed, is counted."""

from alembic import op

revision = "0017_followed_windows"
down_revision = "0016_given_passwords"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        ALTER TABLE exam_server.window_change
            ADD COLUMN reach int NOT NULL DEFAULT 0,
            ADD COLUMN followed int NOT NULL DEFAULT 0""")
    op.execute("COMMENT ON COLUMN exam_server.window_change.reach IS 'Sittings that the decision is for'")
    op.execute("COMMENT ON COLUMN exam_server.window_change.followed IS 'Sittings that have followed it'")


def downgrade() -> None:
    op.execute("ALTER TABLE exam_server.window_change DROP COLUMN reach, DROP COLUMN followed")
