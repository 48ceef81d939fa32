"""How many forms of each window were counted as drawn and seen."""

from alembic import op

revision = "0021_counted_forms"
down_revision = "0020_imports"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE exam_server.counted_forms (
            window_id bigint PRIMARY KEY REFERENCES exam_server."window",
            forms int NOT NULL CHECK (forms > 0)
        )""")
    op.execute("COMMENT ON TABLE exam_server.counted_forms IS 'Ended sittings of which exam_server.exposure tells'")


def downgrade() -> None:
    op.execute("DROP TABLE exam_server.counted_forms")
    op.execute("DELETE FROM exam_server.exposure")
    op.execute("UPDATE exam_server.form SET seen = NULL")
