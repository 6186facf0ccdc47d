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

"""Many attaches by one user: logins, and throughput against local."""

from concurrent import futures

from benchmarks import attachment
from benchmarks import logs
from benchmarks import results
from benchmarks import samples
from benchmarks import world as the_world
from sandbox import topology

TITLE = 'many attaches by one user, several at a time'
ATTACHES = 100
QUICK = 16
#: Servers with a volume each that are worked on at the same time.
WORKERS = 4
#: A user's own login; Nova's was made before.
LOGINS = 1
TARGET = 1.05

_LOGIN = 'POST /Shibboleth.sso/SAML2/ECP'


def run(world: the_world.World, found: results.Results,
        quick: bool) -> None:
    volumes: dict[str, list[attachment.Attachment]] = {
        topology.HOME: [], topology.PROVIDER: []}
    for number in range(WORKERS):
        server = world.server(number)
        for cloud, each in volumes.items():
            each.append(attachment.Attachment(world, server, cloud, number))
    with futures.ThreadPoolExecutor(WORKERS) as pool:
        _measure(world, found, pool, volumes, quick)


def _measure(world: the_world.World, found: results.Results,
             pool: futures.Executor,
             volumes: dict[str, list[attachment.Attachment]],
             quick: bool) -> None:
    who = world.alice
    times: dict[str, samples.Sample] = {cloud: [] for cloud in volumes}

    def one(volume: attachment.Attachment) -> None:
        volume.attach(who)
        volume.detach(who)

    def together(cloud: str) -> None:
        times[cloud].append(samples.timed(
            list, pool.map(one, volumes[cloud])))
    found.say('  warming up')
    for cloud in 2 * list(volumes):
        together(cloud)
        times[cloud] = []

    who = world.fresh()
    access = world.log(topology.PROVIDER, 'apache-access')
    count = QUICK if quick else ATTACHES
    samples.interleaved(times, count // WORKERS, together, found.progress)
    requests = logs.apache_requests(access.lines())
    found.count('many_attaches_count', f'foreign attaches, {WORKERS} at a '
                'time', count)
    found.count('many_attaches_logins', 'logins at the service provider',
                requests.count(_LOGIN), LOGINS)
    found.ratio('many_attaches_ratio', f'{WORKERS} attaches and detaches, '
                'foreign against local', times[topology.PROVIDER],
                times[topology.HOME], TARGET)
    for cloud, label in ((topology.HOME, 'local'),
                         (topology.PROVIDER, 'foreign')):
        found.median(f'many_attaches_{label}_per_s',
                     f'  {label} ones per second',
                     [WORKERS / each for each in times[cloud]], '/s')
        found.draw(f'{WORKERS} attaches and detaches: {label}',
                   times[cloud], 's')
