"""A password that was chosen for a person is to be replaced at the next sign-in."""

from alembic import op

revision = "0016_given_passwords"
down_revision = "0015_consents"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE core.person ADD COLUMN password_given boolean NOT NULL DEFAULT false")
    op.execute("COMMENT ON COLUMN core.person.password_given IS 'Chosen for the person, who has to choose another'")


def downgrade() -> None:
    op.execute("ALTER TABLE core.person DROP COLUMN password_given")
