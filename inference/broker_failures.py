"""Why there is no connection to a broker, in sentences; each is said once."""

import errno
import socket
import ssl
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from tocsin import TocsinError
from tocsin.inference.mqtt import BrokerAddress, brief, new_client

if TYPE_CHECKING:
    from paho.mqtt.reasoncodes import ReasonCode

# Reason codes of MQTT 5, section 3.2.2.2.
_BAD_CREDENTIALS = (0x86, 0x8C)
_REASONS = {
    0x80: "the broker does not say why",
    0x84: "it does not speak MQTT 5",
    0x85: "it does not permit this client's name",
    0x87: "it does not permit this user to connect",
    0x88: "it is not available now",
    0x89: "it is busy",
    0x8A: "it has banned this client",
    0x8E: "another client of the same name connected: each needs its own",
    0x97: "its quota is exceeded",
    0x9F: "it permits no more connections now",
}


def explain_failure(address: BrokerAddress, reason: "ReasonCode | BaseException | None") -> str:
    """Why there is no connection, in one sentence that says what to do.

    Args:
        address: of the broker.
        reason: the code that it refused or disconnected with, or the exception that a socket gave; None where the
            connection just ended.
    """
    if isinstance(reason, BaseException):
        return _explain_exception(address, reason)
    code = None if reason is None else getattr(reason, "value", None)
    if code in _BAD_CREDENTIALS:
        who = f"the name {address.username!r} and its password" if address.username else "a client without a name"
        return f"{address} refuses {who}: look into username and password_file"
    if code == 0x87:
        who = f"the name {address.username!r} or its password" if address.username else "a client without a name"
        return f"{address} does not permit {who}: look into username and password_file, and what the broker permits"
    if code in _REASONS:
        return f"{address} ended the connection: {_REASONS[code]}"
    return f"{address} ended the connection" + (f" ({reason})" if code and code != 0x80 else "")


def _explain_exception(address: BrokerAddress, error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        trusted = f"the authorities in {address.ca_file}" if address.ca_file else "the system's authorities"
        why = error.verify_message.rstrip(".")
        return f"{address} shows a certificate that does not hold against {trusted} ({why}): look into ca_file"
    if isinstance(error, ssl.SSLError):
        return f"{address} does not agree on encryption ({brief(error)}): is it the port of mqtts://?"
    if isinstance(error, socket.gaierror):
        return f"{address}: no address is known for the name {address.host!r}"
    if isinstance(error, ConnectionRefusedError):
        return f"{address} refuses the connection: no broker listens there"
    if isinstance(error, TimeoutError):
        return f"{address} does not answer in time"
    if isinstance(error, OSError) and error.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN):
        return f"{address} cannot be reached: there is no way to it in the network"
    return f"{address} cannot be reached ({brief(error)})"


class ConnectionSayings:
    """Says why there is no connection: each reason once, until it has been there again; then that it is back.

    Args:
        address: of the broker.
        complain: called with a sentence.
    """

    def __init__(self, address: BrokerAddress, complain: Callable[[str], None]) -> None:
        self._address = address
        self._complain = complain
        self._said: set[str] = set()

    def failed(self, reason: "ReasonCode | BaseException | None") -> None:
        """An attempt to connect failed, or a connection ended."""
        sentence = explain_failure(self._address, reason)
        if sentence not in self._said:
            self._said.add(sentence)
            self._complain(f"{sentence}; it is tried again")

    def connected(self) -> None:
        """There is a connection."""
        if self._said:
            self._said.clear()
            self._complain(f"{self._address} is connected again")


def try_connection(address: BrokerAddress, client_id: str, within_s: float = 10.0) -> None:
    """Log in once and leave.

    Args:
        address: of the broker.
        client_id: a name of its own, for a client that has the same would be thrown out.
        within_s: how long the broker may take to answer.

    Raises:
        TocsinError: it cannot be reached, is not to be trusted, or does not let this client in.
    """
    client, answers = new_client(address, client_id), list["ReasonCode"]()
    client.on_connect = lambda client, userdata, flags, reason, properties: answers.append(reason)
    try:
        client.reconnect()
        until_s = time.monotonic() + within_s
        while not answers and time.monotonic() < until_s:
            client.loop(0.1)
    except OSError as error:
        raise TocsinError(explain_failure(address, error)) from None
    finally:
        client.disconnect()
    if not answers:
        raise TocsinError(explain_failure(address, TimeoutError()))
    if answers[0].is_failure:
        raise TocsinError(explain_failure(address, answers[0]))
