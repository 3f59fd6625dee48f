"""The wire to one address, where the environment names a proxy."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from notifications.channels.transport import Wire, _proxy
from schemas.errors import ConfigurationError


@pytest.mark.parametrize(
    "proxy",
    [
        "socks5://127.0.0.1:1080",
        "http://127.0.0.1:99999",
        "user:secret@127.0.0.1:x",
        "http://[::1",
        "http://",
        "http://:80",
    ],
)
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_a_proxy_that_can_t_be_is_refused_at_once(proxy: str, scheme: str, monkeypatch: pytest.MonkeyPatch):
    """Else each mail would fail on its way, and be in doubt."""
    monkeypatch.setenv(f"{scheme}_proxy", proxy)
    with pytest.raises(ConfigurationError) as refused:
        Wire(f"{scheme}://api.example/send", {}, timeout=1)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(("scheme", "port"), [("http", 80), ("https", 443)])
def test_a_proxy_without_a_port_is_at_that_of_its_scheme(scheme: str, port: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("https_proxy", f"{scheme}://user@127.0.0.1")
    found = _proxy(urlsplit("https://api.example/send"))
    assert found is not None
    assert (found.hostname, found.port, found.username) == ("127.0.0.1", port, "user")
