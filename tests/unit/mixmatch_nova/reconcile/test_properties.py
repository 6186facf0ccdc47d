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

"""Whatever happens in whatever order: no disk is lost, and all is settled.

A small model of home and of bu; the code that cleans up is the real one.
"""

import contextlib
import unittest
from unittest import mock

import hypothesis
from hypothesis import strategies
from nova import objects

from mixmatch_nova import auth
from mixmatch_nova.reconcile import reconciler
from mixmatch_nova.reconcile import recovery
from mixmatch_nova.reconcile import servers
from tests.unit.mixmatch_nova import base
from tests.unit.mixmatch_nova.reconcile import model
from tests.unit.mixmatch_nova.reconcile import model_cinder

MULTIATTACH = model_cinder.MULTIATTACH
SERVERS, VOLUMES = model_cinder.SERVERS, model_cinder.VOLUMES


def _of(*values):
    return strategies.sampled_from(values)


EVENTS = strategies.lists(strategies.one_of(
    strategies.tuples(_of('attach', 'detach'), _of(*SERVERS), _of(*VOLUMES),
                      _of(False, False, False, True)),
    strategies.tuples(_of('work'), strategies.integers(0, 3)),
    strategies.tuples(_of('work'), strategies.integers(0, 3)),
    strategies.tuples(_of('restart', 'recover', 'look', 'look')),
    strategies.tuples(_of('move', 'delete_server'), _of(*SERVERS)),
    strategies.tuples(_of('at_bu'), _of('attach', 'begin', 'leave', 'old'),
                      _of(*VOLUMES))), min_size=5, max_size=40)

WORK = ('work', 0)
#: What has gone wrong once.
SEEN = (
    # Somebody at bu attaches it in the old way, after home could not.
    [('attach', SERVERS[0], VOLUMES[0], True), ('look',), ('look',),
     ('at_bu', 'old', VOLUMES[0]), ('look',), ('look',)],
    # A server of bu leaves a volume that home could not attach.
    [('at_bu', 'attach', MULTIATTACH),
     ('attach', SERVERS[0], MULTIATTACH, True),
     ('at_bu', 'begin', MULTIATTACH), ('look',), ('look',)],
    # An attach is interrupted, and the next one waits for nova-compute.
    [('attach', SERVERS[0], VOLUMES[0], False), WORK, WORK, ('restart',),
     ('attach', SERVERS[0], MULTIATTACH, False), ('recover',)],
    # An attach is interrupted, and the server is moved with another volume.
    [('attach', SERVERS[0], VOLUMES[0], False), *6 * [WORK],
     ('attach', SERVERS[0], MULTIATTACH, False), WORK, ('restart',),
     ('move', SERVERS[0]), WORK, WORK, WORK, ('recover',)],
)


class TestReconciliation(unittest.TestCase):

    @contextlib.contextmanager
    def world(self):
        made = model.World()
        with contextlib.ExitStack() as stack:
            for owner, name, value in (
                    (auth, 'client_for', lambda *_: made.cinder),
                    (recovery.block_device, 'target_of',
                     lambda bdm: base.AT_BU),
                    (recovery.block_device, 'remember',
                     lambda context, bdm: None),
                    (servers, 'unfinished_events', made.unfinished),
                    (reconciler.time, 'monotonic', lambda: made.now),
                    (objects.InstanceList, 'get_by_host',
                     lambda context, host: list(made.servers.values())),
                    (objects.BlockDeviceMappingList, 'bdms_by_instance_uuid',
                     lambda context, servers: {}),
                    (objects.Instance, 'get_by_uuid', made.get_server),
                    (objects.BlockDeviceMapping,
                     'get_by_volume_and_instance', made.get_mapping),
                    (objects.InstanceActionEvent, 'event_finish',
                     made.finish),
                    (objects.InstanceActionEvent,
                     'event_finish_with_failure', made.finish)):
                stack.enter_context(mock.patch.object(owner, name, value))
            yield made

    @hypothesis.settings(
        deadline=None, max_examples=200, derandomize=True,
        suppress_health_check=list(hypothesis.HealthCheck))
    @hypothesis.given(EVENTS)
    def test_all_orders(self, events):
        self.go(events)

    def test_what_has_gone_wrong(self):
        for events in SEEN:
            with self.subTest(events):
                self.go(events)

    def go(self, events):
        with self.world() as world:
            for name, *arguments in events:
                getattr(world, name)(*arguments)
            world.settle()
