"""The Peewee store on servers: the contract, on each."""

from pathlib import Path
from typing import ClassVar

import pytest

from databases import Databases
from hullo.hooks.entry_points import open_store
from hullo.store.protocol import Store
from hullo.testing import StoreContract
from servers.fixtures import Kind


class OnServer(StoreContract):
    durable = True
    shared_between_processes = True
    locking = True
    concurrent_reads = True
    kind: ClassVar[Kind]

    @pytest.fixture
    def tmp_path(self, tmp_path: Path, databases: Databases) -> Path:
        """A folder stands for a database, which processes find by the URL in it."""
        (tmp_path / "url").write_text(databases.empty(self.kind, tmp_path))
        return tmp_path


def store_of(folder: Path) -> Store:
    return open_store((folder / "url").read_text())


class TestPostgresql(OnServer):
    kind = "postgresql"

    def make_store(self, folder: Path) -> Store:
        return store_of(folder)


class TestMysql(OnServer):
    kind = "mysql"

    def make_store(self, folder: Path) -> Store:
        return store_of(folder)
