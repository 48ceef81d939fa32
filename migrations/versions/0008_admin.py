"""The schema of the staff side. Its pages read what the other packages keep."""

from alembic import op

revision = "0008_admin"
down_revision = "0007_cabinet"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE SCHEMA admin")


def downgrade() -> None:
    op.execute("DROP SCHEMA admin CASCADE")
