"""Exit code 0 when the server in this container takes photographs: the health check, without anything installed."""

import os
import ssl
import sys
import urllib.request
from collections.abc import Mapping

SECONDS = 4


def request_for(environment: Mapping[str, str]) -> urllib.request.Request:
    """Return the request for /readyz that a server with this ``environment`` answers."""
    scheme = "https" if environment.get("CUTAWAY_TLS_CERTIFICATE") else "http"
    address = f"{scheme}://127.0.0.1:{environment.get('CUTAWAY_PORT') or 7000}/readyz"
    host = environment.get("CUTAWAY_ALLOWED_HOSTS", "").partition(",")[0].strip() or "localhost"
    return urllib.request.Request(address, headers={"Host": host})


def main() -> None:
    """Ask, and leave."""
    # The certificate is for the server's name in the network, which this is not.
    unchecked = ssl._create_unverified_context()
    try:
        urllib.request.urlopen(request_for(os.environ), timeout=SECONDS, context=unchecked).close()
    except OSError as error:
        sys.exit(f"not ready: {error}")


if __name__ == "__main__":
    main()
