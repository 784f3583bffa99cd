"""Whether the sensor of this machine hears, by its metrics; ``python -m tocsin.inference.sensor.alive``.

It is for containers. It exits with 0 where every sensor had samples within half a minute, else with 1 and a sentence.
"""

import os
import re
import sys
import urllib.request

OLDEST_S = 30.0
PORT_VARIABLE = "TOCSIN_HEALTH__METRICS_PORT"
_AGE = re.compile(r"^tocsin_block_age_seconds\{.*\} (\S+)$", re.MULTILINE)


def why_not_alive(port: str) -> str | None:
    """Ask the metrics of a port of this machine; None where all is well, else a sentence."""
    # Around whatever proxy is set: it is this machine that is asked.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            ages_s = [float(age) for age in _AGE.findall(answer.read().decode())]
    except (OSError, ValueError) as error:
        return f"no metrics on port {port or '(none is set)'} of 127.0.0.1: {error}"
    if not ages_s:
        return "no sensor has heard anything yet"
    return f"no samples for {max(ages_s):.0f} s" if max(ages_s) > OLDEST_S else None


if __name__ == "__main__":
    sys.exit(why_not_alive(os.environ.get(PORT_VARIABLE, "")))
