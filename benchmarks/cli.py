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

"""The command line: runs the sections and reports."""

import argparse
from collections.abc import Iterator
import contextlib
import datetime
import fcntl
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
from types import ModuleType
from typing import Any

from benchmarks import results
from benchmarks.sections import ask
from benchmarks.sections import attach_cold
from benchmarks.sections import attach_warm
from benchmarks.sections import images
from benchmarks.sections import many_attaches
from benchmarks.sections import memory
from benchmarks.sections import peers
from benchmarks import world as the_world

SECTIONS: dict[int, ModuleType] = {
    1: attach_warm, 2: attach_cold, 3: ask, 4: many_attaches, 5: memory,
    6: peers, 7: images}
PLOT = the_world.state.default_root() / 'benchmark.png'


def _numbers(text: str) -> list[int]:
    numbers = [int(each) for each in text.split(',')]
    for each in numbers:
        if each not in SECTIONS:
            raise argparse.ArgumentTypeError(f'there is no section {each}')
    return numbers


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog='benchmarks/run')
    parser.add_argument('--quick', action='store_true',
                        help='few repetitions; not for numbers to quote')
    parser.add_argument('--only', type=_numbers, default=list(SECTIONS),
                        metavar='N,...', help='these sections')
    parser.add_argument('--json', type=pathlib.Path, metavar='FILE')
    parser.add_argument('--table', type=pathlib.Path, metavar='FILE',
                        help='write the table that is printed')
    parser.add_argument('--plot', type=pathlib.Path, metavar='FILE',
                        default=PLOT, help=f'PNG or SVG ({PLOT})')
    return parser.parse_args()


def _about(quick: bool) -> dict[str, Any]:
    model = re.search(r'model name\s*: (.*)',
                      pathlib.Path('/proc/cpuinfo').read_text())
    return {
        'date': datetime.datetime.now(datetime.UTC).date().isoformat(),
        'commit': subprocess.run(
            ['git', 'describe', '--always', '--dirty'], text=True,
            capture_output=True, cwd=the_world.state.REPOSITORY
        ).stdout.strip() or 'unknown',
        'CPU': model[1] if model else 'unknown', 'cores': os.cpu_count(),
        'load before': f'{os.getloadavg()[0]:.1f}',
        'repetitions': 'few (--quick)' if quick else 'all'}


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """No other run in this sandbox meanwhile."""
    path = the_world.state.default_root() / 'benchmark.lock'
    with path.open('w') as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit('another run is measuring in this sandbox')
        yield


def main() -> int:
    arguments = _arguments()
    signal.signal(signal.SIGTERM, _interrupt)
    found = results.Results(_about(arguments.quick))
    with _alone():
        try:
            _measure(found, arguments)
        except KeyboardInterrupt:
            found.say('interrupted')
            return 2
        finally:
            _report(found, arguments)
    return 1 if found.missed() and not arguments.quick else 0


def _measure(found: results.Results, arguments: argparse.Namespace) -> None:
    world = the_world.World()
    world.sweep()
    try:
        for number in arguments.only:
            section = SECTIONS[number]
            found.begin(number, section.TITLE)
            section.run(world, found, arguments.quick)
            world.sweep()
    finally:
        found.say('cleaning up')
        world.sweep()


def _report(found: results.Results, arguments: argparse.Namespace) -> None:
    print('\n' + found.table())
    if arguments.table:
        arguments.table.parent.mkdir(parents=True, exist_ok=True)
        arguments.table.write_text(found.table())
    with tempfile.TemporaryDirectory() as folder:
        path = arguments.json or pathlib.Path(folder) / 'results.json'
        found.write(path)
        if found.samples:
            subprocess.run(
                [os.environ.get('MIXMATCH_PLOT_PYTHON', sys.executable),
                 pathlib.Path(__file__).with_name('plot.py'), path,
                 arguments.plot], check=True)
            print(f'plot: {arguments.plot}')


if __name__ == '__main__':
    sys.exit(main())
