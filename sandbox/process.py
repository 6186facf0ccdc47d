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

"""Starting and ending processes, and no others than our own."""

import collections.abc
import dataclasses
import json
import os
import pathlib
import signal
import subprocess
import time

from sandbox import health
from sandbox import model
from sandbox import progress
from sandbox import state

Variables = collections.abc.Mapping[str, str]


class Failed(state.Error):
    """A process or a task that did not do what it should."""

    def __init__(self, node: str, why: str, log: pathlib.Path) -> None:
        super().__init__(f'{node}: {why}\n--- {log}\n{progress.tail(log)}')


class NotReady(Failed):
    """A process that lives, and does not do its work in time."""


@dataclasses.dataclass(frozen=True)
class Record:
    """Record of a process that was started."""

    pid: int
    began: int
    offset: int
    config: str


def stat(pid: int) -> tuple[int, int] | None:
    """Session and start time of a living process, in clock ticks.

    One that has ended but for some of its threads is alive: it listens yet.
    """
    try:
        text = pathlib.Path(f'/proc/{pid}/stat').read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text[text.rindex(')') + 2:].split()
    if fields[0] in 'ZX' and int(fields[17]) <= 1:
        return None
    return int(fields[3]), int(fields[19])


def command_line(pid: int) -> str:
    """Return the command line of a process."""
    try:
        raw = pathlib.Path(f'/proc/{pid}/cmdline').read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return '(gone)'
    return raw.replace(b'\0', b' ').decode(errors='replace').strip()


def pids() -> list[int]:
    """Every process of the machine."""
    return [int(name) for name in os.listdir('/proc') if name.isdigit()]


def listener(port: int) -> int | None:
    """The process that listens on a port."""
    inodes = set()
    for table in ('/proc/net/tcp', '/proc/net/tcp6'):
        for line in pathlib.Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == '0A' and int(
                    fields[1].rpartition(':')[2], 16) == port:
                inodes.add(f'socket:[{fields[9]}]')
    for pid in pids():
        try:
            for descriptor in os.scandir(f'/proc/{pid}/fd'):
                if os.readlink(descriptor.path) in inodes:
                    return pid
        except OSError:
            continue
    return None


def holder(port: int, patience: float = 5) -> str | None:
    """Describe the process that has a port; None if there is none.

    :param patience: seconds for a process that has just been killed to let
        go of it
    """
    deadline = time.monotonic() + patience
    while health.connect(port):
        pid = listener(port)
        if pid:
            return f'process {pid}: {command_line(pid)}'
        if time.monotonic() > deadline:
            return 'an unknown process'
        time.sleep(0.1)
    return None


def end(wanted: dict[int, int], grace: float) -> None:
    """End processes, given as pid to start time; wait until they are gone."""
    def alive() -> list[int]:
        return [pid for pid, began in wanted.items()
                if (found := stat(pid)) and found[1] == began]

    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in alive():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
        deadline = time.monotonic() + grace
        while alive():
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        else:
            return


class Supervisor:
    """Knows the processes of a sandbox by their pid and start time."""

    def __init__(self, site: state.Site) -> None:
        self.site = site

    def _path(self, service: model.Service) -> pathlib.Path:
        return self.site.record(service.cloud, service.name, 'pid')

    def record(self, service: model.Service) -> Record | None:
        """The living process of a service."""
        try:
            record = Record(**json.loads(self._path(service).read_text()))
        except FileNotFoundError:
            return None
        found = stat(record.pid)
        return record if found and found[1] == record.began else None

    def log(self, service: model.Service) -> pathlib.Path:
        """The log of a service."""
        return self.site.log(service.cloud, service.name)

    def healthy(self, service: model.Service) -> bool:
        """Return whether a service lives and does its work."""
        record = self.record(service)
        return record is not None and service.health.ok(
            self.log(service), record.offset)

    def outdated(self, service: model.Service) -> bool:
        """Return whether the configuration has changed since the start."""
        record = self.record(service)
        return record is not None and (
            record.config != self.site.digest(service.config))

    def launch(self, service: model.Service) -> None:
        """Start a service that does not run; do not wait for it."""
        for port in service.ports:
            who = holder(port)
            if who:
                raise state.Error(
                    f'{service.id}: port {port} is taken by {who}; end it '
                    '(another sandbox: "sandbox/run --state DIR down"), or '
                    'have clouds of your own by "sandbox/run isolated"')
        for leftover in service.leftovers:
            leftover.unlink(missing_ok=True)
        log = self.log(service)
        with log.open('ab') as stream:
            offset = stream.tell()
            child = subprocess.Popen(
                service.command, stdin=subprocess.DEVNULL, stdout=stream,
                stderr=stream, env=environment(self.site, service.env),
                cwd=self.site.instance, start_new_session=True)
        found = stat(child.pid)
        self._path(service).write_text(json.dumps(dataclasses.asdict(Record(
            child.pid, found[1] if found else 0, offset,
            self.site.digest(service.config)))))

    def wait(self, service: model.Service) -> None:
        """Wait until a started service does its work."""
        deadline = time.monotonic() + service.timeout
        while not self.healthy(service):
            if self.record(service) is None:
                raise Failed(service.id, 'ended', self.log(service))
            if time.monotonic() > deadline:
                raise NotReady(service.id, f'not ready in {service.timeout} s',
                               self.log(service))
            time.sleep(0.1)

    def start(self, service: model.Service) -> bool:
        """Have a service run; False if it did already."""
        fresh = self.record(service) is None
        if fresh:
            self.launch(service)
        for _ in range(service.attempts - 1):
            try:
                self.wait(service)
            except NotReady as exc:
                print(f'{exc}\n{service.id} is started again', flush=True)
                self.stop(service)
                self.launch(service)
            else:
                return fresh
        self.wait(service)
        return fresh

    def stop(self, service: model.Service, grace: float = 15) -> bool:
        """End a service and its children; False if it did not run."""
        record = self.record(service)
        if record is None:
            return False
        family = self.family(service)
        # NOTE: first the leader alone, since it ends its children in order;
        # what then still lives belongs to nobody else.
        end({record.pid: record.began}, grace)
        end(family, 2)
        self._path(service).unlink(missing_ok=True)
        return True

    def family(self, service: model.Service) -> dict[int, int]:
        """The processes of a service, as pid to start time."""
        record = self.record(service)
        return {pid: found[1] for pid in pids()
                if record and (found := stat(pid))
                and found[0] == record.pid}

    def signal(self, service: model.Service, number: int) -> None:
        """Send a signal to all processes of a service."""
        for pid in self.family(service):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def end_guests(self, service: model.Service) -> int:
        """End the virtual machines that outlive their libvirtd."""
        if service.guests is None or not service.guests.is_dir():
            return 0
        wanted = {}
        for path in service.guests.glob('*.pid'):
            text = path.read_text().strip()
            found = stat(int(text)) if text.isdigit() else None
            if found and 'qemu-system' in command_line(int(text)):
                wanted[int(text)] = found[1]
        end(wanted, 5)
        return len(wanted)


def environment(site: state.Site, extra: Variables | None = None,
                ) -> dict[str, str]:
    """The environment of everything that is run for a sandbox."""
    env = {key: value for key, value in os.environ.items()
           if not key.startswith('OS_')}
    env.update(
        PATH=f'{site.venv}/bin:/usr/local/sbin:/usr/local/bin:'
             '/usr/sbin:/usr/bin:/sbin:/bin',
        LANG='C.UTF-8', LC_ALL='C.UTF-8', PYTHONWARNINGS='ignore',
        PYTHONUNBUFFERED='1')
    env.update(extra or {})
    return env


def run(site: state.Site, node: str, *command: str,
        stdin: str | None = None, env: Variables | None = None,
        accept: tuple[int, ...] = (0,)) -> str:
    """Run a command of a task; its errors go to the task's log."""
    cloud, _, name = node.partition('/')
    log = site.log(cloud, name)
    with log.open('ab') as stream:
        stream.write(('+ ' + ' '.join(command) + '\n').encode())
        stream.flush()
        result = subprocess.run(
            command, input=None if stdin is None else stdin.encode(),
            stdin=subprocess.DEVNULL if stdin is None else None,
            stdout=subprocess.PIPE, stderr=stream, cwd=site.instance,
            env=environment(site, env))
        stream.write(result.stdout)
    if result.returncode not in accept:
        raise Failed(node, f'{command[0]} returned {result.returncode}', log)
    return result.stdout.decode()
