"""A look into the memory of a process, from outside."""

from pathlib import Path


def found_in_memory(process_id, needles):
    """Which of the needles lie in the writable memory of a process."""
    found = set()
    process = Path(f"/proc/{process_id}")
    with (process / "maps").open() as maps, (process / "mem").open("rb", buffering=0) as memory:
        for line in maps:
            addresses, rights, *_ = line.split()
            if not rights.startswith("rw"):
                continue
            start, stop = (int(address, 16) for address in addresses.split("-"))
            memory.seek(start)
            content = memory.read(stop - start)
            found |= {index for index, needle in enumerate(needles) if needle in content}
    return found
