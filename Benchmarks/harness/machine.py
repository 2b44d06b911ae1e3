"""What figures are measured on."""
import os
import platform
import subprocess
import sys


def limit_cores(count):
    """Keeps this process, and those that it starts, to so many cores; returns how many it has."""
    cores = sorted(os.sched_getaffinity(0))
    if count:
        os.sched_setaffinity(0, cores[:count])
    return len(os.sched_getaffinity(0))


def describe(device):
    """The machine's name: its processor, and the GPU where one is used."""
    name = platform.machine()
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    text = f"{name}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB"
    if device.startswith("cuda"):
        command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader", "-i", device.partition(":")[2] or "0"]
        text += ", " + subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout.strip()
    return text


def warn_when_busy():
    """Warns where something else has been using more than half a core."""
    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"bench: warning: the machine is busy (load average {load:.1f}); figures will be off", file=sys.stderr)
