# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

"""Lines of progress on the terminal."""

import os
import pathlib
import sys
import threading
import time


class Progress:
    """Steps with the time since the beginning and their own time."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._lock = threading.Lock()

    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._began

    def say(self, text: str, since: float | None = None) -> None:
        """One line; ``since`` is what ``elapsed`` was when it began."""
        now = self.elapsed()
        took = '' if since is None else f'  ({now - since:.1f} s)'
        with self._lock:
            try:
                print(f'[{now:6.1f} s] {text}{took}', flush=True)
            except BrokenPipeError:
                # NOTE: nobody reads on; what was begun is still finished.
                with open(os.devnull, 'w') as nowhere:
                    os.dup2(nowhere.fileno(), sys.stdout.fileno())


def tail(log: pathlib.Path, lines: int = 30) -> str:
    """The end of a log."""
    try:
        with log.open('rb') as stream:
            stream.seek(max(0, log.stat().st_size - 65536))
            text = stream.read().decode(errors='replace')
    except FileNotFoundError:
        return '(no log)'
    return '\n'.join(text.splitlines()[-lines:])


def complain(text: str) -> None:
    """Something that went wrong."""
    print(text, file=sys.stderr, flush=True)
