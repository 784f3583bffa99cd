"""What both ends of an MQTT broker share: topics, the broker's address and a client.

A sensor publishes its detections to ``tocsin/v1/SITE/detections/SENSOR``, whether it is there to
``tocsin/v1/SITE/status/SENSOR`` (retained) and its heartbeats to ``tocsin/v1/SITE/health/SENSOR``. MQTT 5 (OASIS,
2019) is spoken, for its reason codes: a broker of MQTT 3.1.1 acknowledges also what it throws away.
"""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, Self, get_args
from urllib.parse import urlsplit

from tocsin import TocsinError

if TYPE_CHECKING:
    from paho.mqtt.client import Client

Kind = Literal["detections", "status", "health"]

ROOT = "tocsin/v1"
DEFAULT_SITE = "site"
LONGEST_PAYLOAD_BYTES = 65536
LONGEST_PACKET_BYTES = 2 * LONGEST_PAYLOAD_BYTES  # what is longer a broker does not even send
ONLINE, OFFLINE = b"online", b"offline"
PORTS = {"mqtt": 1883, "mqtts": 8883}
KEEPALIVE_S = 30
CONNECT_TIMEOUT_S = 10.0
SHORTEST_DELAY_S, LONGEST_DELAY_S = 1, 60  # between attempts to connect

ADDRESS_EXPECTED = "expected mqtts://HOST or mqtts://HOST:PORT, or mqtt:// where nothing is encrypted"


class Topic(NamedTuple):
    """The parts of a topic."""

    site: str
    kind: Kind
    sensor_id: str


class Will(NamedTuple):
    """What the broker says, retained, for a client that went without a word."""

    topic: str
    payload: bytes


def is_level(name: str) -> bool:
    """Whether a name may stand between two slashes of a topic."""
    return bool(name) and not name.startswith("$") and name.isprintable() and not set(name) & set("/+#")


def check_level(name: str, what: str = "a level of a topic") -> str:
    """Return a name that may stand between two slashes of a topic.

    Args:
        name: of a site or a sensor.
        what: it is the name of, for the complaint.

    Raises:
        TocsinError: it is empty, begins with ``$``, or holds ``/``, ``+``, ``#`` or what cannot be printed.
    """
    if not is_level(name):
        raise TocsinError(f"{name!r} cannot be {what}: expected a name without / + # and not begun by $")
    return name


def make_topic(site: str, kind: Kind, sensor_id: str) -> str:
    """The topic of one sensor. Raises ``TocsinError`` where a name cannot be part of one."""
    return f"{ROOT}/{check_level(site, 'the name of a site')}/{kind}/{check_level(sensor_id, 'the name of a sensor')}"


def make_filter(site: str, kind: Kind) -> str:
    """What to subscribe to for all sensors of a site; ``+`` for the site means all sites."""
    return f"{ROOT}/{site if site == '+' else check_level(site, 'the name of a site')}/{kind}/+"


def parse_topic(topic: str) -> Topic:
    """The parts of a topic. Raises ``TocsinError`` where it is none of these topics."""
    root, _, rest = topic[: len(ROOT)], topic[len(ROOT) : len(ROOT) + 1], topic[len(ROOT) + 1 :]
    parts = rest.split("/")
    if not topic.startswith(f"{ROOT}/") or root != ROOT or len(parts) != 3:
        raise TocsinError(f"{topic!r} is no topic of a sensor: expected {ROOT}/SITE/detections/SENSOR")
    site, kind, sensor_id = parts
    for known in get_args(Kind):
        if kind == known:
            return Topic(check_level(site, "the name of a site"), known, check_level(sensor_id, "the name of a sensor"))
    raise TocsinError(f"{topic!r} is no topic of a sensor: expected one of {', '.join(get_args(Kind))} for {kind!r}")


@dataclass(frozen=True)
class BrokerAddress:
    """Where a broker is and how to log in there; the certificate of an encrypted one is always verified.

    Attributes:
        host: name or address.
        port: 1 … 65535.
        tls: whether the connection is encrypted.
        username: as the broker knows this client; None where it asks for none.
        password: never shown.
        ca_file: certificates (PEM) that the broker's is checked against; None means those of the system.
        cert_file: a certificate (PEM) to log in with, and ``key_file`` its key.
    """

    host: str
    port: int
    tls: bool = True
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    @classmethod
    def parse(
        cls,
        url: str,
        *,
        username: str | None = None,
        password: str | None = None,
        ca_file: Path | None = None,
        cert_file: Path | None = None,
        key_file: Path | None = None,
    ) -> Self:
        """Make an address of ``mqtt://HOST`` (port 1883) or ``mqtts://HOST`` (8883), with ``:PORT`` behind if need be.

        Raises:
            TocsinError: it is none, or holds a name or password, which others would read in a list of processes.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise TocsinError(f"the broker's address is broken: {ADDRESS_EXPECTED}") from None
        if "@" in parts.netloc:
            raise TocsinError("the broker's address holds a name or a password: expected them given apart from it")
        if parts.scheme not in PORTS or not host or port == 0 or parts.path not in ("", "/"):
            raise TocsinError(f"{url!r} is no broker's address: {ADDRESS_EXPECTED}")
        if parts.query or parts.fragment or not url.isprintable() or " " in url:
            raise TocsinError(f"{url!r} is no broker's address: {ADDRESS_EXPECTED}")
        return cls(
            host, port or PORTS[parts.scheme], parts.scheme == "mqtts", username, password, ca_file, cert_file, key_file
        )

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"


def new_client(
    address: BrokerAddress,
    client_id: str,
    *,
    session_expiry_s: int = 0,
    manual_ack: bool = False,
    will: Will | None = None,
    most_in_flight: int = 50,
) -> "Client":
    """A client of MQTT 5 that is not connected yet: call its ``reconnect``, or ``loop_start``, which keeps trying.

    Args:
        address: of the broker.
        client_id: its name there, of which there is no second.
        session_expiry_s: how long the broker keeps subscriptions and messages while the client is away; 0: not at all,
            and each connection begins anew.
        manual_ack: whether the caller acknowledges what it received, by ``client.ack(message.mid, message.qos)``.
        will: what the broker says when the client goes without a word.
        most_in_flight: messages without acknowledgement, each way.

    Raises:
        TocsinError: paho-mqtt is not installed, or a certificate cannot be read.
    """
    try:
        from paho.mqtt.client import Client, MQTTv5
        from paho.mqtt.enums import CallbackAPIVersion
        from paho.mqtt.packettypes import PacketTypes
        from paho.mqtt.properties import Properties
    except ImportError as error:
        raise TocsinError(f'a broker needs {error.name}: type pip install "tocsin[sensor]"') from None
    client = Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTv5, manual_ack=manual_ack)
    if address.username is not None:
        client.username_pw_set(address.username, address.password)
    if address.tls:
        client.tls_set_context(_tls_context(address))
    if will is not None:
        client.will_set(will.topic, will.payload, qos=1, retain=True)
    client.connect_timeout = CONNECT_TIMEOUT_S
    client.reconnect_delay_set(SHORTEST_DELAY_S, LONGEST_DELAY_S)
    client.max_inflight_messages_set(most_in_flight)
    asked = Properties(PacketTypes.CONNECT)
    asked.SessionExpiryInterval = session_expiry_s
    asked.ReceiveMaximum = most_in_flight
    asked.MaximumPacketSize = LONGEST_PACKET_BYTES
    client.connect_async(
        address.host, address.port, KEEPALIVE_S, clean_start=session_expiry_s == 0, properties=asked
    )  # connects to nothing yet
    return client


class _TlsSocket(ssl.SSLSocket):
    """Closes at once where no connection comes about, which paho leaves to the collector of garbage."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def _tls_context(address: BrokerAddress) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=address.ca_file)
    except (OSError, ValueError) as error:
        raise TocsinError(f"{address.ca_file}: cannot read the authority's certificates ({brief(error)})") from None
    context.sslsocket_class = _TlsSocket
    if address.cert_file is not None:
        try:
            # An encrypted key is refused, rather than its password asked for on a terminal that a service has not.
            context.load_cert_chain(address.cert_file, address.key_file, password=lambda: "")
        except (OSError, ValueError) as error:
            raise TocsinError(
                f"{address.cert_file}: cannot read the certificate to log in with, or its key ({brief(error)})"
            ) from None
    return context


def brief(error: BaseException) -> str:
    """What an exception of a file, a socket or TLS says, in a few words."""
    if isinstance(error, ssl.SSLError):
        return (getattr(error, "reason", None) or error.strerror or "not PEM").replace("_", " ").lower()
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__


def read_password(path: Path | None) -> str | None:
    """The password that a file holds, less the end of its line; None where no file is named.

    Raises:
        TocsinError: the file cannot be read, or is empty.
    """
    if path is None:
        return None
    try:
        password = path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise TocsinError(f"{path}: cannot read the broker's password ({reason})") from None
    if not password:
        raise TocsinError(f"{path} is empty, where the broker's password was expected")
    return password
