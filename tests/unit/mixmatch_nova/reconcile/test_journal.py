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


"""Records of the journal, in Nova's own table."""

import json

import fixtures as base_fixtures
from nova.conductor import manager as conductor_manager
from nova.db.main import api as nova_db
from nova import exception
from nova import objects
from nova.objects import base as objects_base

from mixmatch_nova.reconcile import journal
from mixmatch_nova import target
from tests.unit.mixmatch_nova import base
from tests.unit.mixmatch_nova import novas

SUBJECT = target.Subject(base.AT_BU, base.VOLUME, base.SERVER)


class Bus:
    """Nova-conductor, and what is sent to it as text."""

    def __init__(self):
        self._conductor = conductor_manager.ConductorManager.__new__(
            conductor_manager.ConductorManager)
        self._serializer = objects_base.NovaObjectSerializer()
        self.sent = []

    def object_action(self, context, objinst, objmethod, args, kwargs):
        self.sent.append(objmethod)
        primitive = json.loads(json.dumps(
            self._serializer.serialize_entity(context, objinst)))
        self.end()
        try:
            return self._conductor.object_action(
                context, self._serializer.deserialize_entity(
                    context, primitive), objmethod, args, kwargs)
        finally:
            objects_base.NovaObject.indirection_api = self

    def end(self):
        objects_base.NovaObject.indirection_api = None


class TestRecord(base.NovaTestCase):

    def setUp(self):
        super().setUp()
        self.useFixture(novas.NovaDatabase())
        self.log = self.useFixture(base_fixtures.FakeLogger('mixmatch_nova'))

    def note(self, subject=SUBJECT, attachment_id=base.ATTACHMENT):
        return journal.add(self.context(), subject, attachment_id)

    def unsettled(self):
        return journal.list_unresolved(self.context())

    def test_nothing(self):
        self.assertEqual([], self.unsettled())

    def test_noted_and_settled(self):
        noted = self.note()
        self.assertEqual([noted], self.unsettled())
        journal.resolve(self.context(), noted)
        self.assertEqual([], self.unsettled())

    def test_settled_twice(self):
        noted = self.note()
        for _ in range(2):
            journal.resolve(self.context(), noted)
        self.assertEqual('', self.log.output)

    def test_the_same_again(self):
        """A volume whose detach fails again next week."""
        journal.resolve(self.context(), self.note())
        self.assertEqual([self.note()], self.unsettled())

    def test_what_another_process_found_out_meanwhile_stays(self):
        mine, other = self.note(), self.note()
        journal.resolve(self.context(), mine)
        self.assertEqual([other], self.unsettled())

    def test_any_subject(self):
        """A cloud may use ids that no other one does."""
        for subject, attachment_id in (
                (SUBJECT, None),
                (target.Subject(base.AT_BU, None, None), 'a/b'),
                (target.Subject(target.Target('urn:bu', 'id'),
                                'volume/%2F of \u00fc', base.SERVER),
                 base.ATTACHMENT)):
            noted = self.note(subject, attachment_id)
            self.assertEqual([noted], self.unsettled())
            self.assertEqual(subject, noted.subject)
            journal.resolve(self.context(), noted)

    def test_longest_name(self):
        """The column has 255 characters."""
        self.assertLess(len(self.note().host), 150)

    def test_failure_says_what_settles_it_by_hand(self):
        for failure in (exception.DBNotAllowed(binary='nova-compute'),
                        RuntimeError('no bus')):
            def fail(*args, failure=failure):
                raise failure
            self.patch(objects.TaskLog, 'begin_task', fail)
            self.assertIsNone(self.note())
            for word in ('bu', 'id-of-research', base.VOLUME, base.SERVER,
                         base.ATTACHMENT):
                self.assertIn(word, self.log.output)

    def test_archived_before_it_was_settled(self):
        """By nova-manage db archive_deleted_rows --task-log."""
        noted = self.note()
        context = self.context()
        with nova_db.get_context_manager(context).writer.using(
                context) as session:
            session.query(nova_db.models.TaskLog).delete()
        journal.resolve(self.context(), noted)
        self.assertEqual('', self.log.output)

    def test_failure_to_settle(self):
        def fail(*args):
            raise RuntimeError
        noted = self.note()
        self.patch(objects.TaskLog, 'end_task', fail)
        journal.resolve(self.context(), noted)
        self.assertIn('still in task_log', self.log.output)

    def test_row_of_somebody_else(self):
        for host, message in (('nova-compute', 'bu:id'), ('a/b/c/d', 'bu'),
                              ('a/b/c/', 'bu:id')):
            objects.TaskLog(
                self.context(), task_name=journal.TASK, host=host,
                message=message, task_items=1,
                period_beginning=journal._PERIOD,
                period_ending=journal._PERIOD).begin_task()
        self.assertEqual([], self.unsettled())
        self.assertEqual(3, self.log.output.count('cannot be read'))

    def test_nova_compute_has_no_database(self):
        """It reaches the table through nova-conductor."""
        bus = Bus()
        self.patch(objects_base.NovaObject, 'indirection_api', bus)
        noted = self.note()
        journal.resolve(self.context(), noted)
        self.assertEqual(['begin_task', 'end_task'], bus.sent)
        bus.end()
        self.assertEqual([], self.unsettled())
        self.assertEqual('', self.log.output)

    def test_nova_archives_only_what_is_settled(self):
        """With --task-log --before: by updated_at, which Nova sets then."""
        noted, other = self.note(), self.note()
        journal.resolve(self.context(), noted)
        context = self.context()
        with nova_db.get_context_manager(context).reader.using(
                context) as session:
            updated = {each.host: each.updated_at for each in session.query(
                nova_db.models.TaskLog)}
        self.assertIsNone(updated[other.host])
        self.assertIsNotNone(updated[noted.host])
