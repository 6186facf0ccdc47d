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


from cinderclient import exceptions as cinder_exceptions

from mixmatch_nova.reconcile import reconciler
from mixmatch_nova import target
from tests.unit import fixtures
from tests.unit.mixmatch_nova import base

LOST = '44444444-0000-4000-8000-000000000004'
OTHER_SERVER = '55555555-0000-4000-8000-000000000005'


class Home:
    """State of home, as a test wants it."""

    global_request_id = None

    def __init__(self):
        self.known = set()
        self.busy = self.detaching = False

    def attachments(self, server_id):
        return self.known if server_id == base.SERVER else set()

    def is_busy(self, server_id):
        return self.busy and server_id == base.SERVER

    def is_detaching(self, server_id):
        return self.detaching and server_id == base.SERVER


class ReconcilerTestCase(base.NovaTestCase):

    def setUp(self):
        super().setUp()
        self.clock = self.useFixture(fixtures.Clock())
        self.home = Home()
        self.reconciler = reconciler.Reconciler(
            target.Subject(base.AT_BU, base.VOLUME, base.SERVER),
            self.home)
        self.attachments = []
        self.clouds.mock.get(f'{self.bu.cinder_url}/attachments',
                             json=lambda *_: {
                                 'attachments': self.attachments})
        self.delete = self.clouds.mock.delete(
            f'{self.bu.cinder_url}/attachments/{base.ATTACHMENT}', json={})
        self.delete_lost = self.clouds.mock.delete(
            f'{self.bu.cinder_url}/attachments/{LOST}', json={})
        self.action = self.clouds.mock.post(
            f'{self.bu.cinder_url}/volumes/{base.VOLUME}/action',
            status_code=202)
        self.volume('available')

    def volume(self, status, *attachments, **values):
        """Set the answer of bu from now on.

        :param attachments: (id, status, server)
        """
        self.attachments[:] = [
            {'id': attachment_id, 'status': state, 'instance': server,
             'volume_id': base.VOLUME}
            for attachment_id, state, server in attachments]
        self.bu.add_volume(base.VOLUME, status=status,
                           **{'updated_at': '2026-01-01', **values})

    def look(self, times=1):
        """Look as often, each time when it is due; whether it is settled."""
        settled = False
        for _ in range(times):
            settled = self.reconciler.run_once(self.federation)
            self.clock.let_pass(self.reconciler.pause)
        return settled

    def actions(self):
        return [next(iter(each.json()))
                for each in self.action.request_history]

    def assertNothingChanged(self):
        self.assertEqual(['GET'], sorted({
            each.method for each in self.clouds.sent_to('bu', port=8776)}))


class TestWatch(ReconcilerTestCase):

    def test_quiet_for_a_while(self):
        self.assertFalse(self.look(3))
        self.assertTrue(self.look())
        self.assertNothingChanged()
        self.assertEqual([], self.reconciler.changes)

    def test_more_trouble_begins_it_anew(self):
        self.look(3)
        self.reconciler.restart()
        self.assertFalse(self.look(3))
        self.assertTrue(self.look())

    def test_volume_that_is_gone(self):
        self.clouds.mock.get(
            f'{self.bu.cinder_url}/volumes/{base.VOLUME}', status_code=404)
        self.assertFalse(self.look(3))
        self.assertTrue(self.look())

    def test_nova_acts_itself_in_the_project_of_the_volume(self):
        self.look()
        request = self.clouds.sent_to('bu', port=8776)[-1]
        self.assertEqual(('nova', 'id-of-research'),
                         self.bu.tokens[request.headers['X-Auth-Token']])
        self.assertIn('X-Service-Token', request.headers)
        self.assertEqual([], self.clouds.leaks())


class TestDelete(ReconcilerTestCase):

    def test_given_up_attachment(self):
        self.reconciler.restart(base.ATTACHMENT)
        self.assertFalse(self.look())
        self.assertTrue(self.delete.called_once)
        self.assertIn(base.ATTACHMENT, self.reconciler.changes[0])
        self.look(4)
        self.assertTrue(self.delete.called_once)

    def test_attachment_that_is_gone(self):
        self.clouds.mock.delete(
            f'{self.bu.cinder_url}/attachments/{base.ATTACHMENT}',
            status_code=404)
        self.reconciler.restart(base.ATTACHMENT)
        self.assertTrue(self.look(4))

    def test_not_found_of_what_the_volume_has(self):
        """One server of bu does not know what the others know."""
        self.clouds.mock.delete(
            f'{self.bu.cinder_url}/attachments/{base.ATTACHMENT}',
            [{'status_code': 404}, {'status_code': 202, 'json': {}}])
        self.volume('detaching', (base.ATTACHMENT, 'attached', base.SERVER))
        self.reconciler.restart(base.ATTACHMENT)
        self.home.detaching = True
        self.look()
        self.assertEqual({base.ATTACHMENT}, self.reconciler.attachments)
        self.volume('available')
        self.assertTrue(self.look(5))
        self.assertIn(f'deleted attachment {base.ATTACHMENT}',
                      self.reconciler.changes)

    def test_neither_volume_nor_attachment_is_found(self):
        self.clouds.mock.delete(
            f'{self.bu.cinder_url}/attachments/{base.ATTACHMENT}',
            status_code=404)
        self.clouds.mock.get(
            f'{self.bu.cinder_url}/volumes/{base.VOLUME}', status_code=404)
        self.reconciler.restart(base.ATTACHMENT)
        self.assertFalse(self.look(3))
        self.assertTrue(self.look())

    def test_only_an_attachment_is_known_that_is_not_found(self):
        self.reconciler = reconciler.Reconciler(
            target.Subject(base.AT_BU, None, None), self.home)
        self.clouds.mock.delete(
            f'{self.bu.cinder_url}/attachments/{base.ATTACHMENT}',
            status_code=404)
        self.reconciler.restart(base.ATTACHMENT)
        self.assertFalse(self.look(3))
        self.assertTrue(self.look())

    def test_failure_is_tried_again(self):
        self.clouds.mock.delete(
            f'{self.bu.cinder_url}/attachments/{base.ATTACHMENT}',
            [{'status_code': 500}, {'status_code': 202, 'json': {}}])
        self.reconciler.restart(base.ATTACHMENT)
        self.assertRaises(cinder_exceptions.ClientException, self.look)
        self.assertFalse(self.look())
        self.assertEqual(set(), self.reconciler.attachments)

    def test_only_the_attachment_is_known(self):
        self.reconciler = reconciler.Reconciler(
            target.Subject(base.AT_BU, None, None), self.home)
        self.reconciler.restart(base.ATTACHMENT)
        self.assertTrue(self.look())
        self.assertTrue(self.delete.called_once)


class TestLostAttachment(ReconcilerTestCase):

    def setUp(self):
        super().setUp()
        self.volume('reserved', (LOST, 'reserved', base.SERVER))

    def test_deleted_when_seen_twice(self):
        self.look()
        self.assertNothingChanged()
        self.assertEqual(reconciler.CONFIRM, self.reconciler.pause)
        self.look()
        self.assertTrue(self.delete_lost.called_once)
        self.volume('available')
        self.assertTrue(self.look(4))

    def test_user_tries_again_meanwhile(self):
        self.look()
        self.home.known.add(base.ATTACHMENT)
        self.volume('in-use', (LOST, 'reserved', base.SERVER),
                    (base.ATTACHMENT, 'attached', base.SERVER))
        self.look()
        self.assertTrue(self.delete_lost.called_once)
        self.assertFalse(self.delete.called)

    def test_mapping_learns_of_it_late(self):
        self.look()
        self.home.known.add(LOST)
        self.assertTrue(self.look(4))
        self.assertNothingChanged()

    def test_server_that_is_moved(self):
        self.home.busy = True
        self.assertFalse(self.look(5))
        self.assertNothingChanged()

    def test_of_another_server(self):
        self.volume('reserved', (LOST, 'reserved', OTHER_SERVER))
        self.assertTrue(self.look(4))
        self.assertNothingChanged()

    def test_connected_one_is_not_touched(self):
        self.volume('in-use', (LOST, 'attached', base.SERVER))
        self.assertTrue(self.look(4))
        self.assertNothingChanged()

    def test_of_another_volume(self):
        self.attachments[0]['volume_id'] = base.HOME_VOLUME
        self.look(2)
        self.assertFalse(self.delete_lost.called)

    def test_id_that_is_none(self):
        self.volume('reserved', ('../volumes/x', 'reserved', base.SERVER))
        self.look(4)
        self.assertNothingChanged()


class TestDetaching(ReconcilerTestCase):

    def setUp(self):
        super().setUp()
        self.home.known.add(base.ATTACHMENT)
        self.volume('detaching', (base.ATTACHMENT, 'attached', base.SERVER))

    def test_rolled_back_when_seen_twice(self):
        self.look()
        self.assertNothingChanged()
        self.look()
        self.assertEqual(['os-roll_detaching'], self.actions())
        self.volume('in-use', (base.ATTACHMENT, 'attached', base.SERVER))
        self.assertTrue(self.look(4))

    def test_another_detach_began_meanwhile(self):
        self.look()
        self.volume('detaching', (base.ATTACHMENT, 'attached', base.SERVER),
                    updated_at='2026-01-02')
        self.look()
        self.assertNothingChanged()

    def test_detach_that_runs(self):
        self.home.detaching = True
        self.assertFalse(self.look(5))
        self.assertNothingChanged()
        self.home.detaching = False
        self.look(2)
        self.assertEqual(['os-roll_detaching'], self.actions())

    def test_other_attachments_of_a_multiattach_volume(self):
        """One of bu's servers may be leaving it."""
        self.volume('detaching', (base.ATTACHMENT, 'attached', base.SERVER),
                    (LOST, 'attached', OTHER_SERVER))
        self.assertFalse(self.look(8))
        self.assertNothingChanged()
        self.assertIn('others use it', self.reconciler.needs_operator)
        self.assertEqual(reconciler.LEFT, self.reconciler.pause)
        self.volume('in-use', (base.ATTACHMENT, 'attached', base.SERVER))
        self.assertTrue(self.look(4))
        self.assertEqual('', self.reconciler.needs_operator)

    def test_of_another_user_of_the_volume(self):
        self.volume('detaching', (LOST, 'attached', OTHER_SERVER))
        self.look(8)
        self.assertNothingChanged()

    def test_given_up_attachment_is_deleted_first(self):
        def deleted(request, context):
            self.volume('available')
            return {}
        self.clouds.mock.delete(
            f'{self.bu.cinder_url}/attachments/{base.ATTACHMENT}',
            json=deleted)
        self.reconciler.restart(base.ATTACHMENT)
        self.assertTrue(self.look(4))
        self.assertEqual([], self.actions())
