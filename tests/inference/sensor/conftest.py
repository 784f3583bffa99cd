"""An outbox, publishers and subscribers that are closed behind a test."""

import pytest

SITE = "site"


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def outbox(tmp_path, said):
    from tocsin.inference.sensor.outbox import Outbox

    box = Outbox(tmp_path / "outbox.sqlite", 10**7, said.append)
    yield box
    box.close()


@pytest.fixture
def make(outbox, said):
    """A function that makes and starts a publisher, which is closed at the end; so are subscribers."""
    from subscriber import Subscriber

    from tocsin.inference.sensor.publisher import Publisher

    ends = []

    def publisher(address, sensors=("roof-1",), starts=True, **options):
        ends.append(Publisher(outbox, address, SITE, sensors, said.append, **options))
        if starts:
            ends[-1].start()
        return ends[-1]

    def subscriber(address, topics="tocsin/v1/+/#", **options):
        ends.append(Subscriber(address, topics, **options))
        return ends[-1]

    publisher.subscriber = subscriber
    yield publisher
    for end in ends:
        end.close(0.0) if isinstance(end, Publisher) else end.close()
