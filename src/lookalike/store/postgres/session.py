"""One connection to a server, the psycopg adapter: checks tables, puts errors into words.

Readers take no lock and wait for nobody. Writers take turns, transaction by transaction, by an
advisory lock that ends with the transaction or the connection, so batches of two clients never
deadlock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

from lookalike.model.errors import CollectionError
from lookalike.store.location import Server
from lookalike.store.postgres.schema import APPLICATION, LEAST_PGVECTOR, SCHEMA, TABLES
from lookalike.store.records import FROM_SCHEMA_1

__all__ = ["Session"]

Query = str | sql.Composed

_LOCKS = 0x6C6F6F6B  # "look"
_SETTINGS = {
    "application_name": APPLICATION,
    "connect_timeout": "10",
    # a client that vanishes delays the others by a minute, not by hours
    "keepalives_idle": "20",
    "keepalives_interval": "5",
    "keepalives_count": "4",
}


class Session:
    """An open connection; several threads may read through it.

    Args:
        server: where.

    Raises:
        CollectionError: it cannot be reached, refuses, has no pgvector, or holds something else.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        with self._told("cannot reach the collection's server"):
            asked = psycopg.conninfo.conninfo_to_dict(server.conninfo)
            settings = {**_SETTINGS, **asked}
            self._connection = psycopg.connect(**settings, autocommit=True)  # type: ignore[arg-type]
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def rows(self, query: Query, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Fetch every row of a query, with values as ``%s``."""
        with self._told(), self._connection.cursor(binary=True) as cursor:
            return cursor.execute(_trusted(query), values).fetchall()

    def write(self, query: Query, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for many rows."""
        with self._told(), self._connection.cursor() as cursor:
            cursor.executemany(_trusted(query), rows)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Begin a transaction during which nobody else writes to this collection."""
        with self._told(), self._connection.transaction():
            self._take_turn(self._server.schema)
            yield

    # below: how

    def _prepare(self) -> None:
        with self._told(), self._connection.transaction():
            self._run("SET LOCAL client_min_messages = warning")
            # one lock for the whole database, as its schemas share the extension
            self._take_turn("")
            self._check_pgvector()
            # a client that stands still in the middle of a batch loses it, and its turn
            self._run("SET idle_in_transaction_session_timeout = '60s'")
            tables = self._tables()
            where = sql.Identifier(self._server.schema)
            if not tables:
                self._run(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(where))
            home = sql.Identifier(self._extension_schema())
            self._run(sql.SQL("SET search_path = {}, {}").format(where, home))
            if not tables:
                self._run(TABLES)
                self.write(
                    "INSERT INTO about(application, schema) VALUES (%s, %s)",
                    [(APPLICATION, SCHEMA)],
                )
            elif ("about", "application") not in tables:
                raise self._foreign()
            self._check_about()

    def _tables(self) -> set[tuple[str, str]]:
        """List the tables of the schema with their columns; none where it is empty or missing."""
        found = self.rows(
            "SELECT relname, attname, has_schema_privilege(n.oid, 'USAGE') FROM pg_namespace n "
            "JOIN pg_class c ON relnamespace = n.oid JOIN pg_attribute ON attrelid = c.oid "
            "WHERE nspname = %s",
            (self._server.schema,),
        )
        if found and not found[0][2]:
            raise CollectionError(
                "this user may not use the collection",
                got=f"no right on schema {self._server.schema!r} of {self._server.name}",
                remedy="its owner can GRANT USAGE on the schema, and ALL on its tables",
            )
        return {(table, column) for table, column, _ in found}

    def _check_about(self) -> None:
        application, schema = self.rows("SELECT application, schema FROM about")[0]
        if application != APPLICATION:
            raise self._foreign()
        if schema > SCHEMA:
            raise CollectionError(
                "the collection was made by a newer lookalike",
                got=f"schema version {schema}",
                expected=f"{SCHEMA} or older",
                remedy="upgrade lookalike, or choose another --db",
            )
        if schema < SCHEMA:
            for statement in FROM_SCHEMA_1:
                self._run(statement)
            self.write("UPDATE about SET schema = %s", [(SCHEMA,)])

    def _foreign(self) -> CollectionError:
        return CollectionError(
            "this is not a lookalike collection",
            got=f"schema {self._server.schema!r} of {self._server.name}",
            expected="an empty schema, or one that lookalike made",
            remedy="add ?schema=NAME to --db",
        )

    def _check_pgvector(self) -> None:
        if not self._extension():
            try:
                with self._connection.transaction():
                    self._connection.execute("CREATE EXTENSION vector")
            except psycopg.errors.Error as error:
                raise CollectionError(
                    "the database has no pgvector",
                    got=_first_line(error),
                    expected="the extension 'vector'",
                    remedy="install pgvector at the server and run CREATE EXTENSION vector in this "
                    "database as its administrator",
                ) from None
        version = self._extension()
        if version < LEAST_PGVECTOR:
            raise CollectionError(
                "the database's pgvector is too old",
                got=".".join(map(str, version)),
                expected=f"{'.'.join(map(str, LEAST_PGVECTOR))} or newer",
                remedy="upgrade it and run ALTER EXTENSION vector UPDATE",
            )

    def _extension(self) -> tuple[int, ...]:
        found = self.rows("SELECT extversion FROM pg_extension WHERE extname = 'vector'")
        return tuple(int(part) for part in found[0][0].split(".")[:2]) if found else ()

    def _extension_schema(self) -> str:
        select = "SELECT nspname FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace"
        return str(self.rows(f"{select} WHERE extname = 'vector'")[0][0])

    def _take_turn(self, schema: str) -> None:
        self.rows("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (_LOCKS, schema))

    def _run(self, statement: Query) -> None:
        self._connection.execute(_trusted(statement))

    @contextmanager
    def _told(self, what: str = "") -> Iterator[None]:
        """Turn errors of the server into errors of the collection, without possible passwords."""
        try:
            yield
        except psycopg.Error as error:
            # chained exceptions would show the connection's settings
            raise self._trouble(error, what) from None

    def _trouble(self, error: psycopg.Error, what: str) -> CollectionError:
        got = f"{self._server.name}: {_first_line(error)}"
        if isinstance(error, psycopg.ProgrammingError) and error.sqlstate is None:
            got = f"{self._server.name}: its options are not understood"
        if what:
            remedy = "check the address, that the server runs, and the password in ~/.pgpass"
            return CollectionError(what, got=got, remedy=remedy)
        if self._connection.broken or isinstance(error, psycopg.errors.AdminShutdown):
            return CollectionError(
                "the connection to the collection was lost",
                got=got,
                remedy="what was committed is kept; run the same command again when it is back",
            )
        return CollectionError(
            "the collection's server refused",
            got=got,
            remedy="check its free space and the rights of this user on the schema",
        )


def _trusted(query: Query) -> Any:
    """Mark a query as literal for psycopg: it is made of literals, numbers and checked names."""
    return query


def _first_line(error: psycopg.Error) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
