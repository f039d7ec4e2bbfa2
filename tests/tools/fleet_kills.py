#!/usr/bin/env python3
"""Kills `tagwall batch` at many moments, and looks whether any environment is torn or anything is left.

usage: fleet_kills.py TAGWALL [KILLS]

Two fleets of the same 61 environments (examples/fleet, and the same with other ports) take turns in one folder. After
each kill every environment has to be wholly that of one of them; after the last one a run has to finish, and to leave
nothing that a killed one began. Prints a PASS or FAIL line; exit 0 if passed, 1 if not.
"""

import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

tagwall, kills = os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 200
examples = pathlib.Path(__file__).resolve().parents[2] / "examples" / "fleet"
work = pathlib.Path(tempfile.mkdtemp(prefix="fleet-kills-"))


def command(fleet, out):
    return [tagwall, "batch", str(fleet / "fleet.toml"), "--snapshot", "sample", "-q", "--out", str(out)]


def run(fleet, out):
    subprocess.run(command(fleet, out), check=True, stdout=subprocess.DEVNULL)


def tree(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def environments(out):
    names = [p.name for p in out.iterdir() if p.is_dir() and not p.name.startswith(".")]
    return {name: tree(out / name) for name in names}


fleets = [work / "a", work / "b"]
for fleet in fleets:
    shutil.copytree(examples, fleet)
other = fleets[1] / "spoke.toml"
other.write_text(other.read_text().replace("ports = 1433", "ports = 1434"))
whole = []
for fleet in fleets:
    start = time.monotonic()
    run(fleet, fleet / "out")
    lasts = time.monotonic() - start
    whole.append(environments(fleet / "out"))

random.seed(1)
out, torn, ended = work / "out", [], 0
for kill in range(kills):
    child = subprocess.Popen(command(fleets[kill % 2], out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(random.uniform(0, 1.1 * lasts))
    ended += child.poll() is not None
    child.kill()
    child.wait()
    if out.exists():
        torn += [(kill, n) for n, files in environments(out).items() if all(files != w.get(n) for w in whole)]
    # Now and then nothing is there yet.
    if kill % 20 == 19:
        shutil.rmtree(out, ignore_errors=True)
run(fleets[0], out)
left = [p.name for p in out.iterdir() if p.name.startswith(".tagwall-")]
same = environments(out) == whole[0]
shutil.rmtree(work)
good = not torn and not left and same
print(f"{'PASS' if good else 'FAIL'} {kills} kills, {ended} of them after the end: {len(torn)} torn {torn[:3]}, "
      f"{len(left)} left {left[:3]}, the last run is {'whole' if same else 'NOT whole'}")
sys.exit(0 if good else 1)
