"""The cabinet's own schema; what it shows so far stands in the schemas below."""

from alembic import op

revision = "0007_cabinet"
down_revision = "0006_exam_server"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE SCHEMA cabinet")


def downgrade() -> None:
    op.execute("DROP SCHEMA cabinet CASCADE")
