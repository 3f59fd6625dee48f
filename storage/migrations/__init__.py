"""How a database of an earlier version becomes one of this version: Alembic's revisions, oldest first.

Expand, then contract: a revision only adds what the version before it can do without, so that both run side by side.
"""
