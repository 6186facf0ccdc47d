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

"""Attach and detach, warm: foreign against local."""

from benchmarks import attachment
from benchmarks import results
from benchmarks import samples
from benchmarks import world as the_world
from sandbox import topology

TITLE = 'attach and detach, warm: foreign against local'
REPETITIONS = 40
QUICK = 6
TARGET = 1.05

#: What is measured of both operations.
PARTS = {'response': 'API response', 'whole': 'whole operation',
         'compute': 'nova-compute'}


def run(world: the_world.World, found: results.Results,
        quick: bool) -> None:
    server = world.server()
    who = world.alice
    volumes = {cloud: attachment.Attachment(world, server, cloud)
               for cloud in (topology.HOME, topology.PROVIDER)}
    times: dict[str, dict[str, list[attachment.Times]]] = {
        cloud: {'attach': [], 'detach': []} for cloud in volumes}

    def measure(cloud: str) -> None:
        times[cloud]['attach'].append(volumes[cloud].attach(who))
        times[cloud]['detach'].append(volumes[cloud].detach(who))

    found.say('  warming up')
    for cloud in 2 * list(volumes):
        measure(cloud)
        times[cloud] = {'attach': [], 'detach': []}
    samples.interleaved(volumes, QUICK if quick else REPETITIONS, measure,
                        found.progress)
    _report(found, times)


def _report(found: results.Results,
            times: dict[str, dict[str, list[attachment.Times]]]) -> None:
    local, foreign = times[topology.HOME], times[topology.PROVIDER]

    def both(of: dict[str, list[attachment.Times]],
             part: str) -> samples.Sample:
        return [getattr(one, part) + getattr(other, part)
                for one, other in zip(of['attach'], of['detach'])]

    for part, label in PARTS.items():
        name = f'attach_warm_{part}'.replace('_whole', '')
        found.ratio(f'{name}_ratio', f'attach + detach, {label}',
                    both(foreign, part), both(local, part), TARGET)
    for operation in ('attach', 'detach'):
        for part, label in PARTS.items():
            there = [getattr(each, part) for each in foreign[operation]]
            here = [getattr(each, part) for each in local[operation]]
            found.ratio(f'{operation}_warm_{part}_only_ratio',
                        f'{operation}, {label}', there, here)
            for cloud, values in (('local', here), ('foreign', there)):
                found.median(f'{operation}_{cloud}_{part}_ms',
                             f'  {cloud} {operation}, {label}', values)
                found.draw(f'{operation}, {label}: {cloud}', values)
