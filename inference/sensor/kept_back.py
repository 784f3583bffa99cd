"""What the broker refused, or nobody reads: kept back for a while that doubles, so that it stands in nobody's way."""

from collections.abc import Callable

from tocsin.inference.sensor.outbox_file import Row

SHORTEST_S, LONGEST_S = 5.0, 300.0
# Reason codes of MQTT 5 that speak of all that goes to a topic, rather than of one message: not authorized, topic name
# invalid, quota exceeded.
OF_THE_TOPIC = (0x87, 0x90, 0x97)
# No matching subscribers: the broker took the message and threw it away.
NOBODY_READS = 0x10
LONGEST_UNREAD_S = 60.0  # whoever comes to read waits as long


class KeptBack:
    """Topics and single messages that the broker refused, and until when.

    Args:
        complain: called with a sentence, once a topic until the broker takes something of it.
    """

    def __init__(self, complain: Callable[[str], None]) -> None:
        self._complain = complain
        self._until: dict[str | int, tuple[float, float]] = {}  # of a topic or a row: when it is due, and the delay
        self._said: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._until)

    def refuse(self, row: Row, code: int, why: str, now_s: float) -> None:
        """Keep a message back, or all of its topic, as the reason code has it.

        Args:
            row: the message.
            code: of MQTT 5.
            why: the same in words.
            now_s: of a clock that is never set.
        """
        key: str | int = row.topic if code in (*OF_THE_TOPIC, NOBODY_READS) else row.row
        longest_s = LONGEST_UNREAD_S if code == NOBODY_READS else LONGEST_S
        due_s, delay_s = self._until.get(key, (0.0, 0.0))
        if due_s <= now_s:  # of several that were on their way the first one counts
            delay_s = min(max(2 * delay_s, SHORTEST_S), longest_s)
            self._until[key] = now_s + delay_s, delay_s
        if row.topic not in self._said:
            self._said.add(row.topic)
            if code == NOBODY_READS:
                self._complain(f"nobody reads what is sent to {row.topic}: it waits until a fusion subscribes")
                return
            which = "what" if key == row.topic else "some of what"
            self._complain(
                f"the broker refuses {which} is sent to {row.topic} ({why}): it waits and is tried again; look into "
                "what the broker permits this user"
            )

    def accept(self, row: Row) -> None:
        """The broker took a message."""
        if self._until:
            self._until.pop(row.row, None)
            if self._until.pop(row.topic, None) is not None:
                self._said.discard(row.topic)

    def holds(self, row: Row, now_s: float) -> bool:
        """Whether a message is kept back now."""
        never = (0.0, 0.0)
        return max(self._until.get(row.topic, never)[0], self._until.get(row.row, never)[0]) > now_s

    def has_due(self, now_s: float) -> bool:
        """Whether something is to be tried again; it is told of once."""
        due = [key for key, (due_s, _) in self._until.items() if 0 < due_s <= now_s]
        for key in due:
            self._until[key] = 0.0, self._until[key][1]
        return bool(due)

    def try_again(self) -> None:
        """Hold nothing any more, for the broker may permit it by now; the delays stay."""
        self._until = {key: (0.0, delay_s) for key, (_, delay_s) in self._until.items()}
