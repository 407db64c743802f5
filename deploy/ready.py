"""Exit code 0 when the server in this container takes photographs: the health check, with nothing but Python."""

import os
import ssl
import sys
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection

SECONDS = 4


def status(environment: Mapping[str, str]) -> int:
    """Return how the server that has this ``environment`` answers. Raises ``OSError`` when it does not."""
    connection = _connect(environment)
    host = environment.get("CUTAWAY_ALLOWED_HOSTS", "").partition(",")[0].strip() or "localhost"
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    try:
        connection.request("GET", "/readyz", headers={"Host": host})
        return connection.getresponse().status
    finally:
        connection.close()


def _connect(environment: Mapping[str, str]) -> HTTPConnection:
    port = int(environment.get("CUTAWAY_PORT") or 7000)
    if not environment.get("CUTAWAY_TLS_CERTIFICATE"):
        return HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    unchecked = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unchecked.check_hostname = False  # the certificate is for the server's name in the network, which this is not
    unchecked.verify_mode = ssl.CERT_NONE
    return HTTPSConnection("127.0.0.1", port, timeout=SECONDS, context=unchecked)


def main() -> None:
    """Ask, and leave."""
    try:
        answered = status(os.environ)
    except (OSError, HTTPException) as error:
        sys.exit(f"not ready: {error}")
    sys.exit(None if answered == 200 else f"not ready: status {answered}")


if __name__ == "__main__":
    main()
