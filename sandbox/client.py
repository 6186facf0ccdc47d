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

"""The clouds of the sandbox, as tests and benchmarks use them.

Everything goes through a front door: the real commands, or HTTP with a
token. What only an operator can see (logs, storage, configuration) is read
where an operator reads it.
"""

import atexit
import dataclasses
import functools
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from typing import Any

from keystoneauth1 import adapter
from keystoneauth1.identity import base
from keystoneauth1.identity import v3
from keystoneauth1 import session

from sandbox import credentials
from sandbox import preloaded
from sandbox import process
from sandbox import state
from sandbox import storage
from sandbox import topology
from sandbox import verbs

RUN = state.REPOSITORY / 'sandbox' / 'run'

#: How long an operation of the clouds may take here, in seconds. It says no
#: more than that it hangs: three pairs of clouds may share the machine.
PATIENCE = 180


class CommandFailed(AssertionError):
    """A command ended with another code than expected."""


@dataclasses.dataclass(frozen=True)
class Result:
    """Output and exit code of a command."""

    command: str
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    def __str__(self) -> str:
        return f'$ {self.command}\n{self.out}{self.err}[exit {self.code}]'


def run(*argv: str, env: dict[str, str] | None = None) -> Result:
    """Run a command to its end, whatever that is."""
    done = subprocess.run(argv, env={**os.environ, **(env or {})},
                          stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, errors='replace', timeout=600)
    return Result(' '.join(argv), done.returncode, done.stdout, done.stderr)


def must(result: Result) -> Result:
    """Insist that a command succeeded."""
    if result.code:
        raise CommandFailed(str(result))
    return result


class Commands:
    """The console scripts of a virtual environment, each imported once.

    See :mod:`sandbox.preloaded`.
    """

    #: What the groups of a script's plugins begin with.
    _PLUGINS = {'openstack': 'openstack.'}

    def __init__(self, site: state.Site) -> None:
        self.site = site
        self._lock = threading.Lock()
        self._folder = tempfile.mkdtemp(prefix='mixmatch-')
        self._servers: dict[str, subprocess.Popen] = {}
        atexit.register(shutil.rmtree, self._folder, ignore_errors=True)

    def run(self, script: str, *argv: str,
            env: dict[str, str] | None = None) -> Result:
        """Run a console script to its end, whatever that is."""
        command = [self.site.tool(script), *argv]
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(600)
            connection.connect(self._started(script))
            connection.sendall(json.dumps({
                'argv': command, 'env': {**os.environ, **(env or {})},
            }).encode())
            connection.shutdown(socket.SHUT_WR)
            with connection.makefile() as stream:
                code, out, err = json.load(stream)
        return Result(' '.join(command), code, out, err)

    def _started(self, script: str) -> str:
        path = os.path.join(self._folder, script)
        with self._lock:
            if script not in self._servers:
                server = self._servers[script] = subprocess.Popen(
                    # Modules here are not found by the script.
                    [self.site.tool('python'), '-P', preloaded.__file__,
                     script, path, self._PLUGINS.get(script, '')],
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE)
                assert server.stdout
                if server.stdout.readline() != b'ready\n':
                    raise CommandFailed(f'{script} cannot be imported')
        return path


def wait_for(what: str, condition: Any, patience: float = PATIENCE) -> Any:
    """Wait until a condition is true, and return what it gave."""
    first = time.monotonic()
    deadline = first + patience
    while True:
        began = time.monotonic()
        value = condition()
        if value:
            return value
        now = time.monotonic()
        if now > deadline:
            raise AssertionError(f'waited {patience} s in vain: {what}')
        # NOTE: a busy machine is not to be kept busy by questions about what
        # takes long; but the last one is asked in time.
        time.sleep(min(max(0.3, 2 * (now - began), (now - first) / 8),
                       max(0.3, deadline - now)))


class Sandbox:
    """Two running clouds; brought up if they are not."""

    def __init__(self) -> None:
        must(run(str(RUN), 'up'))
        root = state.default_root()
        mode = state.last_mode(root)
        assert mode is not None and not mode.plain, mode
        self.site = state.Site(root, mode)
        self._commands = Commands(self.site)
        self._landlords: dict[str, Person] = {}

    def control(self, *argv: str) -> Result:
        """``sandbox/run`` with a verb."""
        return must(run(str(RUN), *argv))

    def kill(self, cloud: str, service: str) -> None:
        """End a service as a loss of power does."""
        process.Supervisor(self.site).signal(
            verbs.find(self.site, cloud, service), signal.SIGKILL)

    def logs(self) -> list[pathlib.Path]:
        return sorted((self.site.instance / 'log').rglob('*.log*'))

    def asked_for(self, cloud: str, collection: str = 'volumes') -> int:
        """Return the number of reads of a collection of a cloud's Cinder."""
        log, = (path for path in self.logs()
                if path.parent.name == cloud and path.name == 'cinder-api.log')
        return len(re.findall(rf' GET http://\S+/{collection}',
                              log.read_text()))

    def apis_without(self, service_provider: str,
                     component: str) -> list[str]:
        """Return processes of an API that skip a service provider's Cinder.

        :param component: ``nova`` or ``cinder``
        """
        home = topology.by_name(topology.HOME)
        folder = self.site.var(home, component) / 'mixmatch-status'
        found = []
        for path in folder.glob('uwsgi-*.json'):
            known = json.loads(path.read_text())
            # NOTE: a process that has logged in does not ask its Keystone.
            volume = known['health'].get(service_provider, {}).get(
                'volume', {})
            if volume.get('state') == 'down' and process.stat(known['pid']):
                found.append(known['process'])
        return found

    def landlord(self, cloud: str) -> 'Person':
        """The administrator of a cloud, who logs in once."""
        if cloud not in self._landlords:
            self._landlords[cloud] = self.user(cloud, 'admin')
        return self._landlords[cloud]

    def user(self, cloud: str, name: str | None = None,
             project: str | None = None) -> 'Person':
        return Person(self._commands, topology.by_name(cloud), name, project)

    def bearer(self, cloud: str, auth: base.BaseIdentityPlugin,
               environment: dict[str, str]) -> 'Person':
        """Somebody with another credential than a password.

        :param auth: logs in with it
        :param environment: has the ``openstack`` command log in with it
        """
        return Bearer(self._commands, topology.by_name(cloud), auth,
                      environment)

    def nova_manage(self, *argv: str) -> Result:
        """``nova-manage``, where moc's database is."""
        return run(self.site.tool('nova-manage'), *self._nova_conf, *argv)

    def mixmatch_nova(self, *argv: str) -> Result:
        """``mixmatch-nova``, where moc's database is."""
        return self._commands.run('mixmatch-nova', *self._nova_conf, *argv)

    @property
    def _nova_conf(self) -> tuple[str, str]:
        home = topology.by_name(topology.HOME)
        config = self.site.etc(home, 'nova') / 'nova.conf'
        return '--config-file', str(config)

    def stored(self, cloud: str, volume_id: str, offset: int,
               size: int) -> bytes:
        """Bytes of a volume as the storage of its cloud holds them."""
        return storage.read(self.site, topology.by_name(cloud), volume_id,
                            offset, size)

    def watched(self, cloud: str, volume_id: str) -> bool:
        """Return whether a guest has a volume open, by its storage."""
        return storage.watched(self.site, topology.by_name(cloud), volume_id)


@functools.cache
def sandbox() -> Sandbox:
    """The clouds of this process, brought up when they are first wanted."""
    return Sandbox()


class Person:
    """Somebody with a password at one cloud."""

    def __init__(self, commands: Commands, cloud: Any, name: str | None,
                 project: str | None) -> None:
        self._commands = commands
        self.cloud = cloud
        self.name = name or cloud.default_user
        self.project = project or cloud.project_of(self.name)
        self.auth_url = topology.url(cloud, 'keystone', '/v3')
        self._sessions: dict[str | None, session.Session] = {}

    @property
    def environment(self) -> dict[str, str]:
        return {**credentials.environment(self.cloud, self.name,
                                          self.project),
                'PYTHONWARNINGS': 'ignore'}

    def openstack(self, *argv: str) -> Result:
        """The unmodified ``openstack`` command."""
        return self._commands.run('openstack', *argv,
                                  env=self.environment)

    def openstack_at(self, service_provider: str, *argv: str) -> Result:
        """The same, through plain Keystone-to-Keystone, as in S0."""
        return self.openstack(
            '--os-service-provider', service_provider,
            '--os-remote-project-name', self.project,
            '--os-remote-project-domain-name', 'Default',
            '--os-region-name', service_provider, *argv)

    def nova(self, *argv: str) -> Result:
        """The unmodified ``nova`` command."""
        # NOTE: its arguments are those of its import.
        return run(self._commands.site.tool('nova'), *argv,
                   env=self.environment)

    @property
    def auth(self) -> base.BaseIdentityPlugin:
        return v3.Password(
            self.auth_url, username=self.name,
            password=self.cloud.password(self.name),
            user_domain_name='Default', project_name=self.project,
            project_domain_name='Default')

    def api(self, service_type: str, version: str | None = None,
            at: str | None = None) -> adapter.Adapter:
        """A plain HTTP client of a service; errors are answers.

        A person logs in once at each cloud.

        :param service_type: of the catalog
        :param version: the microversion of all requests
        :param at: a service provider, instead of home
        """
        if at not in self._sessions:
            auth: Any = self.auth
            if at:
                auth = v3.Keystone2Keystone(
                    auth, at, project_name=self.project,
                    project_domain_name='Default')
            self._sessions[at] = session.Session(auth, timeout=PATIENCE)
        return adapter.Adapter(
            self._sessions[at], service_type=service_type, interface='public',
            default_microversion=version, raise_exc=False)


class Bearer(Person):
    """Somebody with another credential at one cloud than a password."""

    def __init__(self, commands: Commands, cloud: Any,
                 auth: base.BaseIdentityPlugin,
                 environment: dict[str, str]) -> None:
        super().__init__(commands, cloud, None, None)
        self._auth = auth
        self._environment = environment

    @property
    def auth(self) -> base.BaseIdentityPlugin:
        return self._auth

    @property
    def environment(self) -> dict[str, str]:
        return {'OS_AUTH_URL': self.auth_url, 'OS_IDENTITY_API_VERSION': '3',
                'PYTHONWARNINGS': 'ignore', **self._environment}
