"""An agent that is killed again and again, and starts where it stood: nothing of what it had put is lost."""

import subprocess
import sys

import numpy as np
from mosquitto import wait_until
from subscriber import address_of

from tocsin.inference.mqtt import make_topic
from tocsin.inference.sensor.outbox import Outbox

COUNT = 600
TOPIC = make_topic("site", "detections", "roof-1")
# It says each number once it is safe; it may be killed between the two, and then says it again.
AGENT = """
import sys
from tocsin.inference.mqtt import BrokerAddress
from tocsin.inference.sensor.outbox import Outbox
from tocsin.inference.sensor.publisher import Publisher

path, port, first, last, topic = sys.argv[1], *map(int, sys.argv[2:5]), sys.argv[5]
complain = lambda sentence: print(sentence, file=sys.stderr)
outbox = Outbox(path, 10**7, complain)
publisher = Publisher(outbox, BrokerAddress("127.0.0.1", port, tls=False), "site", ["roof-1"], complain)
publisher.start()
for number in range(first, last):
    assert outbox.put(f"{number:04d}", topic, b"%04d" % number, 0.5)
    publisher.wake()
    print(number, flush=True)
assert publisher.close(60.0)
outbox.close()
"""


def test_nothing_is_lost_where_the_agent_is_killed_at_any_point(mosquitto, make, tmp_path):
    rng = np.random.default_rng(20181218)
    address = address_of(mosquitto())
    reader = make.subscriber(address, "tocsin/v1/+/detections/+")
    path, said = tmp_path / "agent.sqlite", -1
    for stage in range(6):
        first = max(said, 0)  # the last one again, as a replay of the same sound would
        command = [sys.executable, "-c", AGENT, path, address.port, first, COUNT, TOPIC]
        with subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True) as agent:
            kill_behind = said + int(rng.integers(1, COUNT // 8)) if stage < 5 else COUNT
            for line in agent.stdout:
                said = int(line)
                if said >= kill_behind:
                    agent.kill()
                    break
        assert agent.returncode == (0 if stage == 5 else -9)
    assert said == COUNT - 1
    expected = {b"%04d" % number for number in range(COUNT)}
    wait_until(lambda: set(reader.payloads) >= expected, "all arrived")
    assert set(reader.payloads) == expected
    # What comes again was on its way when the agent was killed: a window each time, at most.
    assert len(reader.payloads) <= COUNT + 5 * 51
    outbox = Outbox(path, 10**7, lambda sentence: None)
    assert outbox.size() == (0, 0)
    outbox.close()
