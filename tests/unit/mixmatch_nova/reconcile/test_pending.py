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


import threading

import fixtures

from mixmatch import exceptions
from mixmatch_nova.reconcile import journal
from mixmatch_nova.reconcile import pending
from mixmatch_nova.reconcile import reconciler
from mixmatch_nova import target
from tests.unit.mixmatch_nova import base
from tests.unit.mixmatch_nova import novas

SUBJECT = target.Subject(base.AT_BU, base.VOLUME, base.SERVER)
FAILURE = exceptions.ServiceProviderUnavailable(service_provider='bu',
                                                reason='nobody there')


class TestQueue(base.NovaTestCase):

    def setUp(self):
        super().setUp()
        self.useFixture(novas.NovaDatabase())
        for name in ('_FIRST_PAUSE', '_LONGEST_PAUSE', '_LONGEST_REFUSED'):
            self.patch(pending, name, 0.01)
        #: what each look does: fails, or says whether it is settled
        self.looks = []
        self.looked = []
        self.may_look = threading.Event()
        self.patch(reconciler.Reconciler, 'run_once', self.look)
        self.pending = pending.Queue(self.federation)
        self.log = self.useFixture(fixtures.FakeLogger('mixmatch_nova'))

    def look(self, clouds):
        self.may_look.wait(10)
        self.looked.append(clouds)
        found = self.looks.pop(0) if self.looks else True
        if isinstance(found, Exception):
            raise found
        return found

    def add(self, subject=SUBJECT, attachment_id=None):
        return self.pending.add(self.context(), subject, FAILURE,
                                attachment_id)

    def on_record(self):
        return [(each.subject, each.attachment_id)
                for each in journal.list_unresolved(self.context())]

    def settle(self):
        """Let the thread work until nothing is outstanding."""
        thread = self.pending._thread
        self.may_look.set()
        thread.join(10)
        self.assertFalse(thread.is_alive())
        self.assertEqual(0, len(self.pending))

    def test_no_thread_before_anything_is_outstanding(self):
        self.assertIsNone(self.pending._thread)

    def test_settled_and_again(self):
        for _ in range(2):
            self.assertTrue(self.add())
            self.settle()
        self.assertEqual([self.federation] * 2, self.looked)

    def test_one_line_when_it_begins_and_one_when_it_ends(self):
        for _ in range(3):
            self.add(attachment_id=base.ATTACHMENT)
        self.settle()
        began, settled = self.log.output.splitlines()
        for line in (began, settled):
            for word in ('bu', base.VOLUME, base.SERVER):
                self.assertIn(word, line)
        self.assertIn(base.ATTACHMENT, began)
        self.assertIn('nobody there', began)

    def test_failure_is_tried_again(self):
        self.looks = [FAILURE, FAILURE, False, True]
        self.add()
        self.settle()
        self.assertEqual(4, len(self.looked))
        self.assertEqual(2, len(self.log.output.splitlines()))

    def test_refusal_is_told_once(self):
        refused = exceptions.ServiceProviderSetupError(
            service_provider='bu', reason='no role there')
        self.looks = [refused, refused, refused]
        self.add()
        self.settle()
        self.assertEqual(1, self.log.output.count('no role there'))

    def test_more_to_do_while_it_is_looked_at(self):
        def look(correction, clouds):
            self.looked.append(clouds)
            if len(self.looked) == 1:
                self.add(attachment_id=base.ATTACHMENT)
            return True
        self.patch(reconciler.Reconciler, 'run_once', look)
        self.add()
        self.settle()
        self.assertEqual(2, len(self.looked))

    def test_one_does_not_wait_for_another(self):
        other = target.Subject(base.AT_BU, base.HOME_VOLUME, None)
        self.looks = [FAILURE] * 5
        self.add()
        self.add(other)
        self.settle()

    def test_bounded(self):
        self.patch(pending, 'LIMIT', 2)
        for number in range(4):
            self.add(target.Subject(base.AT_BU, f'volume-{number}', None),
                     attachment_id=f'attachment-{number}')
        self.assertEqual(2, len(self.pending))
        self.assertIn('dropped from memory but kept in task_log',
                      self.log.output)
        self.assertIn('attachments to delete: attachment-0', self.log.output)
        self.assertEqual(4, len(self.on_record()))
        self.settle()
        # Nova-conductor adopts what was forgotten here.
        self.assertTrue(self.on_record())

    def test_on_record_until_it_is_settled(self):
        self.add(attachment_id=base.ATTACHMENT)
        self.assertEqual([(SUBJECT, base.ATTACHMENT)], self.on_record())
        self.settle()
        self.assertEqual([], self.on_record())

    def test_on_record_once_however_often_it_is_told(self):
        for attachment_id in (None, None, base.ATTACHMENT, base.ATTACHMENT,
                              None):
            self.add(attachment_id=attachment_id)
        self.assertCountEqual([(SUBJECT, None), (SUBJECT, base.ATTACHMENT)],
                              self.on_record())
        self.settle()
        self.assertEqual([], self.on_record())

    def test_on_record_again(self):
        for _ in range(2):
            self.add()
            self.assertEqual([(SUBJECT, None)], self.on_record())
            self.settle()
            self.may_look.clear()

    def test_without_a_database_the_memory_has_it(self):
        self.patch(journal.objects.TaskLog, 'begin_task', self.fail_to_note)
        self.assertTrue(self.add(attachment_id=base.ATTACHMENT))
        self.assertIn('by hand', self.log.output)
        self.settle()

    def fail_to_note(self, *args):
        raise RuntimeError

    def test_adopted(self):
        found = journal.add(self.context(), SUBJECT, base.ATTACHMENT)
        for _ in range(2):
            self.pending.adopt(self.context(), found)
        self.assertEqual(1, len(self.pending))
        self.settle()
        self.assertEqual([], self.on_record())
        self.assertEqual(1, self.log.output.count('pending in this process'))

    def test_own_record_is_not_adopted(self):
        self.add()
        found, = journal.list_unresolved(self.context())
        self.pending.adopt(self.context(), found)
        self.assertNotIn('pending in this process', self.log.output)
        self.settle()

    def test_a_second_record_of_the_same_is_settled_with_it(self):
        self.add(attachment_id=base.ATTACHMENT)
        self.pending.adopt(self.context(), journal.add(
            self.context(), SUBJECT, base.ATTACHMENT))
        self.settle()
        self.assertEqual([], self.on_record())

    def test_nothing_is_forgotten_for_what_is_adopted(self):
        self.patch(pending, 'LIMIT', 1)
        self.add()
        other = target.Subject(base.AT_BU, base.HOME_VOLUME, None)
        self.pending.adopt(self.context(), journal.add(self.context(), other,
                                                       None))
        self.assertEqual(1, len(self.pending))
        self.settle()
        self.assertEqual([(other, None)], self.on_record())

    def test_unknown_project(self):
        self.assertFalse(self.add(target.Subject(
            target.Target('bu'), base.VOLUME, base.SERVER)))
        self.assertIn('by hand', self.log.output)
        self.assertEqual(0, len(self.pending))

    def test_a_command_does_not_promise(self):
        self.pending = pending.Queue(self.federation, lasting=False)
        self.assertFalse(self.add())
        self.assertEqual(0, len(self.pending))
