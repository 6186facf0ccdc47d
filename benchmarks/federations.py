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

"""The core in this process, as a service of home has it."""

from collections.abc import Iterable, Iterator
import contextlib
import pathlib
import tempfile
import time
from typing import Any

from oslo_config import cfg

from benchmarks import world as the_world
from mixmatch import fanout
from mixmatch import federation
from mixmatch.login import auth_plugin
from mixmatch import requester
from mixmatch import services
from mixmatch_nova import volume_client
from sandbox import ini
from sandbox.services import common
from sandbox import topology

#: Seconds. Those of the dead ones are shorter than what operators have, so
#: that a run ends.
CONNECT_TIMEOUT, READ_TIMEOUT, ASK_TIMEOUT = 1, 2, 60
#: Seconds that all logins may take.
PATIENCE = 300
#: What the sandbox has made shorter for its tests.
DEFAULTS = {'connect_timeout': 5, 'read_timeout': 30}


@contextlib.contextmanager
def registrations(world: the_world.World, count: int) -> Iterator[list[str]]:
    """Further names of the partner, in the Keystone of home.

    Each is a service provider of its own for all but the partner: with its
    own registration, section, logins, tokens and connections. All lead to
    the same real Keystone and Cinder.
    """
    identity = world.admin.api('identity')
    path = '/OS-FEDERATION/service_providers'
    real = identity.get(f'{path}/{topology.PROVIDER}').json()[
        'service_provider']
    body = {'service_provider': {
        key: real[key] for key in ('sp_url', 'auth_url',
                                   'relay_state_prefix')} | {'enabled': True}}
    names = [f'{the_world.PREFIX}{number:03}' for number in range(count)]
    try:
        for name in names:
            identity.put(f'{path}/{name}', json=body)
        yield names
    finally:
        for name in names:
            identity.delete(f'{path}/{name}', raise_exc=False)


def clouds(names: Iterable[str], dead: dict[str, int] | None = None,
           **options: object) -> federation.Federation:
    """A federation that knows these service providers.

    :param dead: those whose Cinder is at a port where nobody answers
    :param options: of [mixmatch]
    """
    home = topology.by_name(topology.HOME)
    sections = common.mixmatch(home)
    own = sections.pop(f'service_provider:{topology.PROVIDER}')
    names = list(names)
    for name in names:
        section = sections[f'service_provider:{name}'] = {
            **own, **DEFAULTS}
        if dead and name in dead:
            section.update(
                endpoint_override=f'http://127.0.0.1:{dead[name]}/v3',
                connect_timeout=CONNECT_TIMEOUT, read_timeout=READ_TIMEOUT)
    sections['mixmatch'].update(
        {'service_providers': ','.join(names), 'status_directory': '',
         'ask_timeout': ASK_TIMEOUT, 'retry_pause': 1, 'retry_pause_max': 60,
         **options})
    sections['service_user'] = common.service_user(home, 'nova')
    conf = cfg.ConfigOpts()
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / 'benchmark.conf'
        path.write_text(ini.render(sections))
        conf(['--config-file', str(path)])
    return federation.Federation(conf)


class Asking:
    """Somebody asks service providers for what is there.

    :param there: the service providers
    :param who: with a token of home
    """

    #: What is asked for; the beginning of the names of the results.
    collection, prefix = 'volumes', 'ask'

    def __init__(self, there: federation.Federation,
                 who: the_world.Person) -> None:
        self._there = there
        self._requester = requester.Requester(who.token, who.project_id)

    def found(self, name: str) -> list[Any]:
        """Return what a service provider has."""
        client = volume_client.make(self._there.service_provider(name),
                                    self._login(name))
        return client.volumes.list()

    def _login(self, name: str) -> auth_plugin.LoginPlugin:
        return self._there.user_login(name, self._requester)

    def log_in(self, names: Iterable[str]) -> int:
        """Log in at all; how many did not let us in at the first try."""
        def enter(name: str) -> None:
            self._login(name)
        failed = missing = self._there.ask(names, enter, PATIENCE).missing
        deadline = time.monotonic() + PATIENCE
        while missing:
            assert time.monotonic() < deadline, missing.popitem()
            time.sleep(0.5)
            missing = self._there.ask(missing, enter, PATIENCE).missing
        return len(failed)

    def ask(self, names: Iterable[str]) -> fanout.Answers:
        return self._there.ask(names, self.found)

    def ask_living(self, names: Iterable[str]) -> None:
        self._insist(self.ask(names))

    @staticmethod
    def _insist(answers: fanout.Answers) -> None:
        assert not answers.missing, answers.missing.popitem()


class AskingForImages(Asking):
    """The same, for images."""

    collection, prefix = 'images', 'image_list'

    def found(self, name: str) -> list[Any]:
        """Return what a service provider has."""
        glance = self._there.service_provider(name).adapter(
            services.IMAGE, self._login(name))
        return glance.get('/v2/images').json()['images']
