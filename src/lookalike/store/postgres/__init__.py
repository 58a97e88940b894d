"""A collection that a team shares, in PostgreSQL with pgvector (extra ``postgres``)."""

from lookalike.store.postgres.collection import PostgresCollection
from lookalike.store.postgres.decisions import PostgresDecisions, PostgresDropped

__all__ = ["PostgresCollection", "PostgresDecisions", "PostgresDropped"]
