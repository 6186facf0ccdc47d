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

"""The first attach after a login: what a user's fresh token adds."""

import collections

from benchmarks import attachment
from benchmarks import logs
from benchmarks import results
from benchmarks import samples
from benchmarks import world as the_world
from sandbox import topology

TITLE = 'the first attach after a login (cold)'
REPETITIONS = 30
QUICK = 4
#: How often the requests of a login are counted.
COUNTED = 3
ADDED = 100
REQUESTS = 5

#: How the target is found: keyword arguments of an attach.
WAYS: dict[str, dict[str, bool]] = {
    'named': {'name_target': True, 'show': False},
    'shown': {'name_target': False, 'show': True}}
LABELS = {'named': 'target in the POST', 'shown': '"volume show" first'}
#: In the names of values.
NAMES = {'named': '', 'shown': '_shown', 'response': '', 'whole': '_whole'}
#: What logs in at the service providers.
SERVICES = ('cinder-api', 'nova-api', 'nova-conductor', 'nova-compute')
_NO_CACHE = {r'(?m)^(\[cache\]\n)enabled = \w+': r'\1enabled = false'}
NOT_SHARED = {name: _NO_CACHE for name in (
    'nova/nova.conf', 'nova/nova-cpu.conf', 'cinder/cinder.conf')}
KEYSTONE_TALKS = {'keystone/keystone.conf': {
    r'\[DEFAULT\]\n': '[DEFAULT]\ndebug = true\n'}}


class Cold:
    """Attaches with a fresh token, next to warm ones and to local ones."""

    def __init__(self, world: the_world.World, found: results.Results,
                 repetitions: int) -> None:
        self._world, self._found = world, found
        self._repetitions = repetitions
        server = world.server()
        self._volumes = {
            cloud: attachment.Attachment(world, server, cloud)
            for cloud in (topology.HOME, topology.PROVIDER)}
        self.times: dict[str, list[attachment.Times]] = {}

    def attach(self, cloud: str, way: str, fresh: bool) -> attachment.Times:
        volume = self._volumes[cloud]
        who = self._world.fresh() if fresh else self._world.alice
        times = volume.attach(who, **WAYS[way])
        volume.detach(who)
        return times

    def warm_up(self) -> None:
        """Let the services log in, and each process know alice's token."""
        for _ in range(2):
            for cloud in self._volumes:
                for way in WAYS:
                    self.attach(cloud, way, fresh=False)

    def measure(self, *clouds: str) -> dict[str, list[attachment.Times]]:
        """Times of each kind, such as "bu named fresh"."""
        self.warm_up()
        times: dict[str, list[attachment.Times]] = {
            f'{cloud} {way} {age}': [] for cloud in clouds
            for way in WAYS for age in ('warm', 'fresh')}

        def attach(kind: str) -> None:
            cloud, way, age = kind.split()
            times[kind].append(self.attach(cloud, way, age == 'fresh'))
        samples.interleaved(times, self._repetitions, attach,
                            self._found.progress)
        return times

    def count(self) -> dict[str, list[str]]:
        """The requests of all logins that one cold attach causes, by way.

        Counted where they arrive: in Apache's log at the service provider,
        and at home in Keystone's own, which talks for that.
        """
        found = {}
        with self._world.configured(KEYSTONE_TALKS, 'keystone'):
            self.warm_up()
            for way in WAYS:
                found[way] = max((self._count_one(way)
                                  for _ in range(COUNTED)), key=len)
        return found

    def _count_one(self, way: str) -> list[str]:
        volume = self._volumes[topology.PROVIDER]
        who = self._world.fresh()
        home = self._world.log(topology.HOME, 'keystone')
        there = self._world.log(topology.PROVIDER, 'apache-access')
        volume.attach(who, **WAYS[way])
        at_home = logs.keystone_requests(home.lines())
        at_partner = logs.apache_requests(there.lines())
        assert at_home, 'the Keystone of home logs no request'
        volume.detach(who)
        return ([f'home {each}' for each in logs.login_requests(at_home)]
                + [f'{topology.PROVIDER} {each}'
                   for each in logs.login_requests(at_partner)])

    def explain(self) -> str:
        """The requests of one cold POST with their times."""
        api = self._world.log(topology.HOME, 'nova-api')
        times = self.attach(topology.PROVIDER, 'named', fresh=True)
        calls = logs.foreign_calls(api.lines(), times.request_id)
        rest = times.response - sum(each.ms for each in calls)
        return ', '.join([*map(str, calls),
                          f'all else, home\'s Keystone and Cinder among it, '
                          f'{rest:.0f} ms'])


def run(world: the_world.World, found: results.Results,
        quick: bool) -> None:
    cold = Cold(world, found, QUICK if quick else REPETITIONS)
    _report(found, cold.measure(topology.HOME, topology.PROVIDER), 'cold')
    found.note(f'a cold POST: {cold.explain()}')
    _report_requests(found, cold.count(), 'cold', REQUESTS)
    found.say('  the same without the shared cache')
    with world.configured(NOT_SHARED, *SERVICES):
        _report(found, cold.measure(topology.PROVIDER), 'cold_unshared',
                shared=False)
        _report_requests(found, cold.count(), 'cold_unshared', None,
                         ', no shared cache')


def _report(found: results.Results,
            times: dict[str, list[attachment.Times]], prefix: str,
            shared: bool = True) -> None:
    suffix = '' if shared else ', no shared cache'
    for way, label in LABELS.items():
        for part, of in (('response', 'POST'), ('whole', 'whole operation')):
            def values(kind: str, part: str = part) -> samples.Sample:
                return [getattr(each, part) for each in times[kind]]
            warm, fresh = (values(f'{topology.PROVIDER} {way} {age}')
                           for age in ('warm', 'fresh'))
            name = prefix + NAMES[way] + NAMES[part]
            found.added(f'{name}_added_ms', f'added to {of}, {label}{suffix}',
                        fresh, warm, ADDED if shared else None)
            if shared:
                found.added(f'{name}_local_added_ms',
                            '  the same of a local volume',
                            values(f'{topology.HOME} {way} fresh'),
                            values(f'{topology.HOME} {way} warm'))
            for age, each in (('warm', warm), ('fresh', fresh)):
                found.draw(f'{of}, {label}{suffix}: {age}', each)


def _report_requests(found: results.Results, requests: dict[str, list[str]],
                     prefix: str, target: float | None,
                     suffix: str = '') -> None:
    for way, each in requests.items():
        found.count(f'{prefix}{NAMES[way]}_requests',
                    f'requests of logins, {LABELS[way]}{suffix}', len(each),
                    target)
        found.note(f'{LABELS[way]}{suffix}: ' + ', '.join(
            f'{count} x {what}'
            for what, count in collections.Counter(each).items()))
