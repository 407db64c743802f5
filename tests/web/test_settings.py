"""What an operator may set, and what is refused."""

from hashlib import sha256

import pytest

from cutaway.errors import OptionError
from cutaway.web.serve import environment
from cutaway.web.settings import Settings, parse_arguments


def test_flags_and_environment_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    by_flags = parse_arguments(["--kinds", "jpeg,tiff", "--max-bytes", "1000", "--api-keys", "one,two"])
    for name, value in (("KINDS", "jpeg,tiff"), ("MAX_BYTES", "1000"), ("API_KEYS", "one,two")):
        monkeypatch.setenv(f"CUTAWAY_{name}", value)
    assert parse_arguments([]) == by_flags
    assert by_flags.kinds == ("JPEG", "TIFF")


def test_a_flag_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUTAWAY_PORT", "1")
    assert parse_arguments(["--port", "2"]).port == 2


def test_settings_travel_to_another_process_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = parse_arguments(
        ["--host", "192.168.1.5", "--api-keys", "secret", "--rate-limit", "5/minute", "--queue", "3"]
    )
    variables = environment(settings)
    assert "secret" not in "".join(variables.values())
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert Settings() == settings


def test_keys_are_kept_as_hashes() -> None:
    digest = sha256(b"secret").hexdigest()
    assert parse_arguments(["--api-keys", "secret"]).api_keys == (digest,)
    assert parse_arguments(["--api-keys", f"sha256:{digest.upper()}"]).api_keys == (digest,)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org"])  # noqa: S104
def test_listening_beyond_this_machine_takes_a_key_or_a_word(host: str) -> None:
    with pytest.raises(OptionError, match="set api-keys, or say insecure") as refused:
        parse_arguments(["--host", host])
    assert refused.value.option == "host"
    assert parse_arguments(["--host", host, "--insecure"]).hosts == ()
    assert parse_arguments(["--host", host, "--api-keys", "k"]).hosts == ()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.9.1"])
def test_on_loopback_only_local_names_are_answered(host: str) -> None:
    hosts = parse_arguments(["--host", host]).hosts
    assert "localhost" in hosts
    assert (f"[{host}]" if ":" in host else host) in hosts


def test_an_address_that_can_be_opened_is_told() -> None:
    assert parse_arguments(["--host", "::1", "--port", "80"]).url == "http://[::1]:80/"
    assert parse_arguments(["--tls-certificate", "c", "--tls-key", "k"]).url == "https://127.0.0.1:7000/"


def test_host_names_are_kept_as_browsers_write_them() -> None:
    settings = parse_arguments(["--allowed-hosts", "Example.ORG.,::1,[::0:1],192.0.2.1"])
    assert settings.hosts == ("example.org", "[::1]", "[::1]", "192.0.2.1")


def test_addresses_and_networks_of_proxies_are_taken() -> None:
    proxies = "127.0.0.1", "10.0.0.0/8", "::1", "fd00::/8"
    assert parse_arguments(["--trusted-proxies", ",".join(proxies)]).trusted_proxies == proxies


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (["--port", "70000"], "port"),
        (["--kinds", "jpeg,svg"], "kinds"),
        (["--rate-limit", "often"], "rate-limit"),
        (["--rate-limit", "60/minute;1/second"], "rate-limit"),
        (["--rate-limit", "0/minute"], "rate-limit"),
        (["--trusted-proxies", "proxy.example"], "trusted-proxies"),
        (["--trusted-proxies", "10.0.0.1/8"], "trusted-proxies"),
        (["--allowed-hosts", "https://example.org"], "allowed-hosts"),
        (["--allowed-hosts", "example.org:443"], "allowed-hosts"),
        (["--allowed-hosts", "*"], "allowed-hosts"),
        (["--api-keys", "sha256:abc"], "api-keys"),
        (["--api-keys", "sha256:" + "é" * 64], "api-keys"),
        (["--api-keys", "clé"], "api-keys"),
        (["--models", ","], "models"),
        (["--kinds", ","], "kinds"),
        (["--max-bytes", "500000000"], "max-bytes"),
        (["--workers", "0"], "workers"),
        (["--refine", ""], "refine"),
        (["--refine", "magic"], "refine"),
        (["--tls-key", "key.pem"], "tls-key"),
        (["--runner", "gunicorn"], "runner"),
    ],
)
def test_nonsense_is_refused_by_name(arguments: list[str], option: str) -> None:
    with pytest.raises(OptionError) as refused:
        parse_arguments(arguments)
    assert refused.value.option == option
