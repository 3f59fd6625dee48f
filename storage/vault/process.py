"""The vault of this process: opened once as it starts, and at hand wherever there is a connection to the database."""

from __future__ import annotations

from schemas.errors import ConfigurationError
from storage.vault.persons import Vault

_opened: list[Vault] = []


def open_vault(vault: Vault) -> None:
    """From now on, this is the vault of the process."""
    _opened[:] = [vault]


def vault() -> Vault:
    """Raises ConfigurationError where the process has opened none."""
    if not _opened:
        raise ConfigurationError("no master key was read when this process started")
    return _opened[0]
