"""Find where a collection is kept: in a folder, or at a PostgreSQL server."""

from __future__ import annotations

import hashlib
import platform
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

import platformdirs

from lookalike.model.errors import CollectionError, ConfigError

__all__ = [
    "Location",
    "Server",
    "default_collection",
    "folder_of",
    "is_everywhere",
    "lies_at",
    "locate",
    "name_of",
]

_SCHEMES = ("postgresql://", "postgres://")
# options of an address that may be written down; others may be secrets or misspelt
_TOLD = (
    *("host", "hostaddr", "port", "user", "dbname", "service", "target_session_attrs"),
    *("sslmode", "sslrootcert", "sslcert", "sslkey", "channel_binding", "gssencmode"),
)
_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,40}")


@dataclass(frozen=True, slots=True)
class Server:
    """A collection at a server.

    Attributes:
        conninfo: address for libpq, with the password if one was given.
        name: address without a password, to be shown and written down.
        schema: of the database, with the collection's tables.
        machine: name under which paths of this machine are remembered.
        machine_is_shared: whether the address sets that name, which several machines may share.
    """

    conninfo: str = field(repr=False)
    name: str
    schema: str
    machine: str
    machine_is_shared: bool


Location = Path | Server


def locate(db: str | Path) -> Location:
    """Parse what ``--db`` names: a folder or a server.

    Args:
        db: a folder, or ``postgresql://user@host/database``, which may end in ``?schema=NAME``
            (several collections in one database), ``&machine=NAME`` and options of libpq.

    Raises:
        ConfigError: an address that cannot be right.
    """
    if isinstance(db, Path):
        if db.parts and db.parts[0] in ("postgresql:", "postgres:"):
            raise ConfigError(
                "a path cannot name a server", got="a pathlib.Path", expected="the address as str"
            )
        return db
    return _server(db) if db.startswith(_SCHEMES) else Path(db)


def lies_at(path: Path) -> bool:
    """Whether a file of a collection in a folder exists.

    Raises:
        CollectionError: the folder cannot be examined.
    """
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise CollectionError.of_system(
            "cannot look into the collection's folder",
            path,
            error,
            elsewhere="choose another --db",
        ) from error
    return True


def name_of(db: str | Path) -> str:
    """The name of a collection in plans and journals: its absolute path, or its address.

    A password is never part of it: ``~/.pgpass`` or ``PGPASSWORD`` supply it later.
    """
    place = locate(db)
    return place.name if isinstance(place, Server) else str(place.absolute())


def folder_of(db: str | Path) -> Path:
    """The folder for what stays on this machine: journals and uploads.

    For a collection in a folder it is that folder; for one at a server, one under the user's data.
    """
    place = locate(db)
    if not isinstance(place, Server):
        return place
    own = hashlib.sha256(place.name.encode()).hexdigest()[:16]
    return Path(platformdirs.user_data_dir("lookalike", appauthor=False)) / "servers" / own


def is_everywhere(key: str) -> bool:
    """Whether an address means the same on every machine, as ``s3://`` does and paths do not."""
    scheme, found, _ = key.rpartition("::")[2].partition("://")
    return bool(found) and scheme not in ("file", "local", "memory")


def _server(address: str) -> Server:
    try:
        parts = urlsplit(address)
    except ValueError:
        # the reason might quote a password
        raise _unreadable() from None
    if "@" in parts.path or not parts.path.strip("/"):
        raise _unreadable()
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    schema, machine = options.pop("schema", "lookalike"), options.pop("machine", "")
    if not _SCHEMA.fullmatch(schema):
        raise ConfigError(
            "a schema cannot have this name",
            got=repr(schema),
            expected="small letters, digits and _",
        )
    told = {name: value for name, value in options.items() if name in _TOLD}
    told |= {"schema": schema} if schema != "lookalike" else {}
    told |= {"machine": machine} if machine else {}
    return Server(
        conninfo=_spelled(parts, parts.netloc, options),
        name=_spelled(parts, _without_password(parts), told),
        schema=schema,
        machine=machine or platform.node(),
        machine_is_shared=bool(machine),
    )


def _spelled(parts: SplitResult, netloc: str, options: dict[str, str]) -> str:
    query = f"?{urlencode(options, safe='/')}" if options else ""
    return f"postgresql://{netloc}{parts.path}{query}"


def _without_password(parts: SplitResult) -> str:
    user, found, host = parts.netloc.rpartition("@")
    return f"{user.partition(':')[0]}@{host}" if found else host


def _unreadable() -> ConfigError:
    return ConfigError(
        "cannot read the address of the server",
        expected="postgresql://user@host/database, with %40 for @ and %2F for / in a password",
        remedy="or leave the password to ~/.pgpass or PGPASSWORD",
    )


def default_collection() -> Path:
    """The folder of the default collection."""
    return Path(platformdirs.user_data_dir("lookalike", appauthor=False)) / "default"
