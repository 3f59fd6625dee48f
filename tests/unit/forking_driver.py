"""A process that forks one child, for tests of `yinfeng.forking`: `WHAT FOLDER`. It ends with the child's exit code."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

from schemas.errors import ConfigurationError
from yinfeng.child_spec import ChildSpec
from yinfeng.children import Child
from yinfeng.forking import Gate, can_fork


def main(what: str, folder: Path) -> int:
    kept = os.open(folder / "lock", os.O_RDWR | os.O_CREAT)
    signal.signal(signal.SIGTERM, lambda *_: None)
    _surround(what)
    if what == "threads":
        threading.Thread(target=time.sleep, args=[30], daemon=True).start()
        return int(can_fork())

    def part(begin: Gate) -> int:
        print("before", os.environ.get("SAID"), os.environ.get("HOME"), flush=True)
        begin()
        if what == "fails":
            raise ValueError("it is broken")
        if what == "tells":
            raise ValueError("no letter to li.siyu@example.com")
        if what == "refused":
            raise ConfigurationError("YINFENG_KAFKA names no server")
        if what == "hangs":
            time.sleep(60)
        alone = os.getsid(0) == os.getpid() and not _is_open(kept)
        print("after", "alone" if alone else "not alone")
        return 7

    command = (sys.executable, "-c", "print('by its command')")
    child = Child(ChildSpec(name="part", command=command, env={"SAID": "so"}, is_ready=lambda: True, part=part), folder)
    child.start()
    _say(what, child.pid)
    if what == "orphan":
        time.sleep(60)
    child.release()
    if what == "hangs":
        child.stop()
    assert child.process
    code = child.process.wait(20)
    if what == "again":
        child.start()
        code = child.process.wait(20)
    _say(what, child.describe_exit())
    return code % 256


def _surround(what: str) -> None:
    if what == "unreaped":
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # as those who start us may: the system reaps for us
    if what == "mute":
        sys.stdout = None  # as it is without an open one
    if what == "full":
        sys.stdout = open("/dev/full", "w")  # noqa: SIM115
        print("what can't be written")


def _say(what: str, said: object) -> None:
    if what not in ("mute", "full"):
        print(said, flush=True)


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
