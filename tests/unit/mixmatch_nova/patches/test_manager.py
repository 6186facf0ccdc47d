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


"""Tasks that run once a minute in nova-conductor."""

import os

import fixtures as base_fixtures
from nova.conductor import manager as conductor_manager
from nova import manager
from nova.objects import base as objects_base
from nova import service
from oslo_service import periodic_task

from mixmatch_nova import plugin
from mixmatch_nova.reconcile import journal
from mixmatch_nova.reconcile import periodic
from mixmatch_nova import target
from tests.unit import fixtures
from tests.unit.mixmatch_nova import base
from tests.unit.mixmatch_nova import novas

SUBJECT = target.Subject(base.AT_BU, base.VOLUME, base.SERVER)


class TestManager(base.NovaTestCase):

    def setUp(self):
        super().setUp()
        self.useFixture(novas.NovaDatabase())
        self.clock = self.useFixture(fixtures.Clock())
        self.log = self.useFixture(base_fixtures.FakeLogger('mixmatch_nova'))
        self.adopted = []
        self.patch(plugin.loaded().pending, 'adopt',
                   lambda context, found: self.adopted.append(found))
        self.noted = journal.add(self.context(), SUBJECT, base.ATTACHMENT)

    def manager(self, service_name='conductor'):
        """One of Nova's, without a message bus."""
        cls = (conductor_manager.ConductorManager
               if service_name == 'conductor' else manager.Manager)
        made = cls.__new__(cls)
        for name in ('rpc', 'ComputeTaskManager'):
            self.useFixture(base_fixtures.MockPatchObject(
                conductor_manager if name != 'rpc' else manager, name))
        manager.Manager.__init__(made, 'host', service_name)
        return made

    def test_conductor_adopts_what_is_on_record(self):
        idle = self.manager().periodic_tasks(self.context())
        self.assertEqual([self.noted], self.adopted)
        self.assertEqual(periodic_task.DEFAULT_INTERVAL, idle)

    def test_at_most_once_a_minute(self):
        conductor = self.manager()
        for seconds, times in ((0, 1), (59, 1), (2, 2)):
            self.clock.let_pass(seconds)
            conductor.periodic_tasks(self.context())
            self.assertEqual(times, len(self.adopted))

    def test_others_do_not(self):
        self.manager('compute').periodic_tasks(self.context())
        self.patch(objects_base.NovaObject, 'indirection_api', object())
        self.manager().periodic_tasks(self.context())
        self.assertEqual([], self.adopted)

    def test_one_worker_of_many(self):
        # A database in memory does not survive a fork.
        self.patch(journal, 'list_unresolved', lambda context: [self.noted])
        self.assertTrue(self.adopts_in_a_worker())
        conductor = self.manager()
        conductor.periodic_tasks(self.context())
        self.assertEqual([self.noted], self.adopted)
        self.assertFalse(self.adopts_in_a_worker())

    def adopts_in_a_worker(self):
        conductor, context = self.manager(), self.context()
        self.adopted.clear()
        self.clock.let_pass(periodic.PERIOD)
        pid = os.fork()
        if pid == 0:
            try:
                conductor.periodic_tasks(context)
            finally:
                os._exit(len(self.adopted))
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def test_database_that_fails_does_not_stop_nova(self):
        def fail(*args):
            raise RuntimeError('no database')
        self.patch(journal, 'list_unresolved', fail)
        idle = self.manager().periodic_tasks(self.context())
        self.assertIsNotNone(idle)
        self.assertIn('no database', self.log.output)

    def test_nova_calls_it_in_the_service(self):
        """service.Service of nova-conductor has a timer for it."""
        nova_conductor = service.Service.__new__(service.Service)
        nova_conductor.manager = self.manager()
        nova_conductor.periodic_tasks()
        self.assertEqual([self.noted], self.adopted)
