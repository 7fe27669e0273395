"""The tools by which a database server's data is backed up: its own, which hullo names and does not replace."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Final

from hullo.value import Value


class BackupTools(Value):
    """What to type, with `{database}` and `{file}` where those belong."""

    product: str
    port: int
    """Where the server listens unless told otherwise."""
    dump: str
    load: str

    def to_dump(self, database: str, file: Path) -> str:
        """A sentence for whoever asked hullo for a backup."""
        return self._sentence("makes its own backups", self.dump, database, file)

    def to_load(self, database: str, file: Path) -> str:
        """A sentence for whoever asked hullo to restore one."""
        return self._sentence("is restored by its own tools", self.load, database, file)

    def _sentence(self, does: str, command: str, database: str, file: Path) -> str:
        typed = command.format(database=shlex.quote(database), file=shlex.quote(str(file)))
        return f"{self.product} {does}; type  {typed}  and see 'Backup and restore' in stores/README.md"


POSTGRESQL: Final = BackupTools(
    product="PostgreSQL",
    port=5432,
    dump="pg_dump --format=custom --no-owner --file={file} {database}",
    load="pg_restore --clean --if-exists --no-owner --single-transaction --dbname={database} {file}",
)
MARIADB: Final = BackupTools(
    product="MariaDB",
    port=3306,
    dump="mariadb-dump --single-transaction --hex-blob --result-file={file} {database}",
    load="mariadb {database} < {file}",
)
COCKROACHDB: Final = BackupTools(
    product="CockroachDB",
    port=26257,
    dump="BACKUP DATABASE {database} INTO 'nodelocal://1/hullo';",
    load="RESTORE DATABASE {database} FROM LATEST IN 'nodelocal://1/hullo';",
)
