"""Readings of the machine against files written by hand, and against the kernel's second account."""

import resource
import shutil

import pytest

from tocsin.inference.sensor.machine import read_machine


@pytest.fixture
def root(tmp_path):
    for zone, text in enumerate(["48312\n", "55100\n", "", "broken\n"]):
        folder = tmp_path / f"sys/class/thermal/thermal_zone{zone}"
        folder.mkdir(parents=True)
        (folder / "temp").write_text(text)
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/statm").write_text("90000 1000 20 1 0 50 0\n")
    (tmp_path / "proc/meminfo").write_text("MemTotal:  900 kB\nMemAvailable:     512 kB\n")
    return tmp_path


def test_the_warmest_zone_and_the_memory_are_told(root):
    figures = read_machine(root=root)
    assert figures.temperature_c == 55.1
    assert figures.memory_used_bytes == 1000 * resource.getpagesize()
    assert figures.memory_available_bytes == 512 * 1024
    assert figures.disk_free_bytes is None


def test_a_machine_that_tells_nothing_is_no_error(tmp_path):
    figures = read_machine(root=tmp_path)
    assert (figures.temperature_c, figures.memory_used_bytes, figures.memory_available_bytes) == (None, None, None)


def test_the_disk_of_a_file_that_is_yet_to_be_written_is_that_of_its_folder(tmp_path, monkeypatch):
    free = {tmp_path: 700, tmp_path / "small": 30}

    def usage(path):
        if path not in free:
            raise FileNotFoundError(path)
        return shutil._ntuple_diskusage(1000, 0, free[path])

    monkeypatch.setattr(shutil, "disk_usage", usage)
    assert read_machine([tmp_path / "clips/day"]).disk_free_bytes == 700
    assert read_machine([tmp_path / "clips", tmp_path / "small/outbox.sqlite"]).disk_free_bytes == 30


def test_resident_memory_agrees_with_the_kernels_other_account():
    used, most = read_machine().memory_used_bytes, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    assert used is not None
    assert 0.2 * most < used < 1.1 * most
