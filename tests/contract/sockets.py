"""Servers of a few lines, for what no well-meaning server does."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from socket import SHUT_RDWR, create_server, socket
from threading import Thread

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Behaviour = Callable[[socket], None]


@contextmanager
def answering(behave: Behaviour, *, certificate: Path | None = None) -> Iterator[int]:
    """A port whose every connection is treated like this, one after the other."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if certificate:
        context.load_cert_chain(certificate)

    def serve(listener: socket) -> None:
        # The end: the listener was shut down.
        with suppress(OSError):
            while True:
                plain, _ = listener.accept()
                with plain, suppress(OSError):
                    if not certificate:
                        behave(plain)
                        continue
                    with context.wrap_socket(plain, server_side=True) as secured:
                        behave(secured)

    with create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(SHUT_RDWR)
    thread.join(5)


@contextmanager
def deaf() -> Iterator[int]:
    """A port that takes no connection and refuses none: its queue is full."""
    with ExitStack() as opened:
        listener = opened.enter_context(create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):
            waiting = opened.enter_context(socket())
            waiting.settimeout(0)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def read_head(connection: socket) -> bytes:
    """A request up to the end of its head at least."""
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(65_536)
        if not piece:
            break
        head += piece
    return head


def a_certificate(folder: Path) -> Path:
    """A certificate for 127.0.0.1, signed by itself, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    day = timedelta(days=1)
    now = datetime.fromtimestamp(folder.stat().st_mtime, UTC)
    certificate = (
        x509
        .CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - day, now + day)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "server.pem"
    path.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))
    return path
