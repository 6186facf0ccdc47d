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

"""Volumes in the middle of an operation that will not end."""

from mixmatch_nova import auth
from mixmatch_nova.reconcile import reconciler
from tests.unit.mixmatch_nova import base
from tests.unit.mixmatch_nova.reconcile import test_reconciler

LOST = test_reconciler.LOST
OTHER_SERVER = test_reconciler.OTHER_SERVER


class TestAdrift(test_reconciler.ReconcilerTestCase):
    """A volume is used, and there is no attachment."""

    def had(self):
        """Home is known to have had an attachment there."""
        self.reconciler.restart(base.ATTACHMENT)

    def test_made_available_after_minutes(self):
        for status in ('detaching', 'in-use'):
            self.had()
            self.volume(status)
            self.look(reconciler.ADRIFT // reconciler.CONFIRM)
            self.assertFalse(self.action.called)
            self.look()
            self.assertEqual(
                {'os-reset_status': {'status': 'available',
                                     'attach_status': 'detached'}},
                self.action.last_request.json())
            self.action.reset()

    def test_attached_in_the_old_way(self):
        """Reserved and connected, which may take as long as it likes."""
        self.had()
        for status in ('reserved', 'attaching'):
            self.volume(status)
            self.assertFalse(self.look(8))
            self.assertIn(status, self.reconciler.needs_operator)
        self.assertFalse(self.action.called)

    def test_home_has_had_no_attachment(self):
        for status in ('reserved', 'attaching', 'detaching', 'in-use'):
            self.volume(status)
            self.look(12)
        self.assertNothingChanged()

    def test_somebody_else_used_it_since(self):
        for between in ((), ((LOST, 'attached', OTHER_SERVER),)):
            self.had()
            self.volume('in-use' if between else 'available', *between)
            self.look()
            self.volume('in-use')
            self.look(12)
        self.assertFalse(self.action.called)

    def test_that_changes_is_left_alone(self):
        self.had()
        for day in range(1, 30):
            self.volume('in-use', updated_at=f'2026-01-{day}')
            self.look()
        self.assertFalse(self.action.called)

    def test_other_states_are_the_landlords(self):
        for status in ('error', 'maintenance', 'deleting', 'uploading'):
            self.had()
            self.volume(status)
            self.look(14)
        self.assertFalse(self.action.called)

    def test_attached_meanwhile(self):
        self.volume('reserved')
        self.look()
        self.home.known.add(LOST)
        self.volume('reserved', (LOST, 'reserved', base.SERVER))
        self.assertTrue(self.look(4))
        self.assertNothingChanged()

    def test_attachment_that_is_not_listed(self):
        self.volume('in-use', attachments=[{'attachment_id': LOST}])
        self.assertTrue(self.look(4))
        self.assertNothingChanged()


class TestReset(test_reconciler.ReconcilerTestCase):
    """On an operator's word."""

    def reset(self):
        return reconciler.reset(auth.client_for(
            self.federation, base.AT_BU), base.VOLUME)

    def test_used_by_nobody(self):
        for status in ('reserved', 'attaching', 'detaching', 'in-use'):
            self.volume(status)
            self.assertEqual('made it available', self.reset())
        self.assertEqual(['os-reset_status'] * 4, self.actions())

    def test_detaching(self):
        self.volume('detaching', (LOST, 'attached', OTHER_SERVER))
        self.assertEqual('rolled the detach back', self.reset())
        self.assertEqual(['os-roll_detaching'], self.actions())

    def test_all_else_is_left_as_it_is(self):
        self.volume('available')
        self.assertIsNone(self.reset())
        self.volume('in-use', (LOST, 'attached', OTHER_SERVER))
        self.assertIsNone(self.reset())
        self.assertEqual([], self.actions())
