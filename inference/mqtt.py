"""What a sensor and the fusion say to each other by MQTT 5: topics, the broker's address, and a client of it.

Detections go by QoS 1: the broker has them when it says so, and a client that was away gets them later. Whoever is on
the other end of a topic is not trusted: names and sizes are looked at before anything else.
"""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from tocsin import TocsinError

if TYPE_CHECKING:
    from paho.mqtt.client import Client

PREFIX = "tocsin/v1"
LONGEST_PAYLOAD_BYTES = 1 << 16  # a detection has under one kilobyte
LONGEST_NAME = 64
PORTS = {"mqtt": 1883, "mqtts": 8883}
DEFAULT_SITE = "site"
# What may be a level of a topic, and says who somebody is.
_NO_PART_OF_A_NAME = frozenset("/+#")
KEEPALIVE_S = 30
FIRST_WAIT_S, LONGEST_WAIT_S = 1, 60  # between attempts to connect
PACKET_OVERHEAD_BYTES = 1 << 12


@dataclass(frozen=True)
class BrokerAddress:
    """Where a broker is, and as whom to log in; the password is in no text of it.

    Attributes:
        host: name or number.
        port: TCP.
        tls: whether what is sent is encrypted, and the broker's certificate checked.
        username: as the broker knows this client.
        password: for it.
        ca_file: certificates that the broker's is checked against; those of the system when ``None``.
        cert_file: a certificate to log in with, and ``key_file`` its key.
    """

    host: str
    port: int
    tls: bool
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    @classmethod
    def parse(cls, url: str, **others: Any) -> "BrokerAddress":
        """The address of ``mqtts://HOST[:PORT]`` or, not encrypted, ``mqtt://HOST[:PORT]``.

        A user's name may stand in it, a password may not: what is typed is seen by others. ``others`` are the further
        fields.

        Raises:
            TocsinError: it is no such address.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise _no_address(url) from None
        extra = parts.path not in ("", "/") or parts.query or parts.fragment
        if parts.scheme not in PORTS or not parts.hostname or extra:
            raise _no_address(url)
        if parts.password is not None:
            raise TocsinError("a password in the address can be seen by others: put it into a file, and name that")
        if parts.username:
            others["username"] = others.get("username") or unquote(parts.username)
        if parts.scheme == "mqtt" and (others.get("ca_file") or others.get("cert_file")):
            raise TocsinError("certificates are of no use to mqtt://: give mqtts://")
        return cls(parts.hostname, port or PORTS[parts.scheme], parts.scheme == "mqtts", **others)

    def __str__(self) -> str:
        return f"{'mqtts' if self.tls else 'mqtt'}://{self.host}:{self.port}"


def _no_address(url: str) -> TocsinError:
    shown = url.rpartition("@")[2]  # what stands before it may be a password
    return TocsinError(f"{shown} is no address of a broker: expected mqtts://HOST or mqtt://HOST:PORT")


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


def check_name(name: str, what: str) -> str:
    """The name of a site or sensor, where it can be a level of a topic.

    Raises:
        TocsinError: it cannot; ``what`` says what it was to name.
    """
    fits = 0 < len(name) <= LONGEST_NAME and name[0] != "$" and name.isprintable()
    if not fits or set(name) & _NO_PART_OF_A_NAME:
        raise TocsinError(
            f"{what} {name[:LONGEST_NAME]!r} cannot be part of a topic: expected 1 to {LONGEST_NAME} characters, none "
            "of them / + or #, and no $ at its beginning"
        )
    return name


def detections_topic(site: str, sensor_id: str) -> str:
    """Where a sensor's detections go. Raises ``TocsinError`` where a name cannot be part of a topic."""
    return _topic(site, "detections", sensor_id)


def health_topic(site: str, sensor_id: str) -> str:
    """Where its heartbeats go."""
    return _topic(site, "health", sensor_id)


def status_topic(site: str, sensor_id: str) -> str:
    """Where it is said, and kept by the broker, whether it is online."""
    return _topic(site, "status", sensor_id)


def shots_topic(site: str, sensor_id: str) -> str:
    """Where a gunshot is said to whoever only wants to know that there was one, such as Home Assistant."""
    return _topic(site, "shots", sensor_id)


def _topic(site: str, kind: str, sensor_id: str) -> str:
    return f"{PREFIX}/{check_name(site, 'site')}/{kind}/{check_name(sensor_id, 'sensor')}"


def all_detections(site: str) -> str:
    """What a fusion subscribes to."""
    return f"{PREFIX}/{check_name(site, 'site')}/detections/+"


def sensor_of(topic: str) -> str:
    """The sensor that a topic belongs to: its last level."""
    return topic.rpartition("/")[2]


def new_client(
    address: BrokerAddress, client_id: str, manual_ack: bool = False, will: tuple[str, bytes] | None = None
) -> "Client":
    """A client that is not connected yet and speaks MQTT 5; the broker's certificate is always checked.

    Args:
        address: of the broker.
        client_id: under which the broker keeps what this client missed.
        manual_ack: whether the client says itself when it has a message.
        will: topic and payload that the broker says, and keeps, when the client is lost.

    Raises:
        TocsinError: paho-mqtt is not installed; a file of the address cannot be used.
    """
    try:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
    except ModuleNotFoundError as error:
        raise TocsinError(f'MQTT needs {error.name}: type pip install "tocsin[sensor]"') from None
    client = Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTProtocolVersion.MQTTv5)
    if manual_ack:
        client.manual_ack_set(True)
    if address.username is not None:
        client.username_pw_set(address.username, address.password)
    if address.tls:
        client.tls_set_context(_tls_of(address))
    if will is not None:
        client.will_set(will[0], will[1], qos=1, retain=True)
    client.reconnect_delay_set(FIRST_WAIT_S, LONGEST_WAIT_S)
    return client


def connect(client: "Client", address: BrokerAddress, session_expiry_s: int = 0) -> None:
    """Let a client connect in its own thread, and again whenever it is lost, until ``loop_stop``.

    Args:
        client: of :func:`new_client`.
        address: the same.
        session_expiry_s: how long the broker is to keep what the client misses; 0 begins anew each time.
    """
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.properties import Properties

    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = session_expiry_s
    properties.MaximumPacketSize = LONGEST_PAYLOAD_BYTES + PACKET_OVERHEAD_BYTES
    client.connect_async(
        address.host, address.port, keepalive=KEEPALIVE_S, clean_start=session_expiry_s == 0, properties=properties
    )
    client.loop_start()


def _tls_of(address: BrokerAddress) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=None if address.ca_file is None else str(address.ca_file))
    except (OSError, ssl.SSLError) as error:
        raise TocsinError(f"{address.ca_file} holds no certificates that can be used: {_reason(error)}") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if address.cert_file is not None:
        try:
            context.load_cert_chain(address.cert_file, address.key_file)
        except (OSError, ssl.SSLError) as error:
            raise TocsinError(
                f"{address.cert_file} and {address.key_file} are no certificate with its key: {_reason(error)}"
            ) from None
    return context


def why_not_connected(address: BrokerAddress, error: BaseException) -> str:
    """One sentence on a connection that could not be made."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"{address}: its certificate is not trusted ({error.verify_message}): name the authority's file, ca_file"
    if isinstance(error, ssl.SSLError):
        return f"{address} does not speak TLS as expected ({_reason(error)}): is this the encrypted port?"
    return f"{address} cannot be reached ({_reason(error)})"


def why_refused(address: BrokerAddress, reason: object) -> str:
    """One sentence on a broker that answered no; ``reason`` is the client's code for it."""
    name = str(reason)
    if name in ("Bad user name or password", "Not authorized"):
        who = f"as {address.username}" if address.username else "without a username"
        return f"{address} does not let this client in {who} ({name.lower()}): mend username and password"
    return f"{address} refuses the connection ({name})"


def _reason(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or error or type(error).__name__).rstrip(".")


def try_connection(address: BrokerAddress, client_id: str = "", within_s: float = 10.0) -> None:
    """Log in once and leave.

    Raises:
        TocsinError: it cannot be reached, is not to be trusted, or does not let this client in.
    """
    import threading

    client, answered, answers = new_client(address, client_id), threading.Event(), list[object]()

    def on_connect(client: "Client", userdata: object, flags: object, reason: Any, properties: object) -> None:
        answers.append(reason)
        answered.set()

    client.on_connect = on_connect
    client.connect_timeout = within_s
    try:
        client.connect(address.host, address.port, keepalive=KEEPALIVE_S)
    except (TimeoutError, OSError, ValueError) as error:
        raise TocsinError(why_not_connected(address, error)) from None
    client.loop_start()
    try:
        if not answered.wait(within_s):
            raise TocsinError(f"{address} does not answer as a broker does within {within_s:g} s")
    finally:
        client.disconnect()
        client.loop_stop()
    if getattr(answers[0], "is_failure", False):
        raise TocsinError(why_refused(address, answers[0]))
