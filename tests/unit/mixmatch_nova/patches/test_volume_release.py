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


from unittest import mock

from cinderclient import exceptions as cinder_exceptions
from nova import exception
from nova import objects
from nova.virt import block_device
from nova.volume import cinder
import requests
from urllib3 import exceptions as urllib3_exceptions

from mixmatch_nova import plugin
from mixmatch_nova import target
from tests.unit.mixmatch_nova import base
from tests.unit.mixmatch_nova.patches import test_block_device_mapping

SUBJECT = target.Subject(base.AT_BU, base.VOLUME, base.SERVER)


class Lost(requests.exceptions.ConnectionError):
    """The connection ends while the answer is awaited."""

    # NOTE: not its context, which whoever handles another error changes.
    __cause__ = urllib3_exceptions.ProtocolError()


class Refused(requests.exceptions.ConnectionError):
    """There is no connection."""

    __cause__ = urllib3_exceptions.ConnectTimeoutError()


class PendingTestCase(test_block_device_mapping.MappingTestCase):
    """Work that is pending after a request that changes something failed."""

    def setUp(self):
        super().setUp()
        self.api = cinder.API()
        #: (subject, attachment to delete) of each promise
        self.added = []
        self.accepted = True
        self.patch(plugin.loaded().pending, 'add', self.add_pending)

    def add_pending(self, context, subject, exc, attachment_id=None):
        self.added.append((subject, attachment_id))
        return self.accepted

    def mapped(self):
        """The context of a request that has read the mapping."""
        self.created(self.foreign_context())
        context = self.context()
        self.load(context)
        return context

    def attachments_answer(self, **answer):
        url = f'{self.bu.cinder_url}/attachments'
        for method in ('POST', 'PUT', 'DELETE'):
            for each in (url, f'{url}/{base.ATTACHMENT}',
                         f'{url}/{base.ATTACHMENT}/action'):
                self.clouds.mock.register_uri(method, each, **answer)

    def volume_answers(self, **answer):
        self.clouds.mock.post(
            f'{self.bu.cinder_url}/volumes/{base.VOLUME}/action', **answer)


class TestAttachmentDelete(PendingTestCase):

    def delete(self):
        self.api.attachment_delete(self.mapped(), base.ATTACHMENT)

    def assertAdded(self, **answer):
        self.attachments_answer(**answer)
        self.delete()
        self.assertEqual([(SUBJECT, base.ATTACHMENT)], self.added)

    def test_answer_is_lost(self):
        self.assertAdded(exc=Lost)

    def test_after_an_answer_that_was_lost_nobody_waits_again(self):
        context = self.mapped()
        self.attachments_answer(exc=Lost)
        self.assertRaises(exception.CinderConnectionFailed,
                          self.api.attachment_complete, context,
                          base.ATTACHMENT)
        self.api.attachment_delete(context.elevated(), base.ATTACHMENT)
        self.assertIn((SUBJECT, base.ATTACHMENT), self.added)
        self.assertNotIn('DELETE', [
            each.method for each in self.clouds.mock.request_history])

    def test_nothing_was_sent(self):
        self.assertAdded(exc=Refused)

    def test_broken(self):
        self.assertAdded(status_code=500)

    def test_behind_a_proxy(self):
        self.assertAdded(status_code=503)

    def test_cannot_be_promised(self):
        self.accepted = False
        self.attachments_answer(exc=Lost)
        self.assertRaises(exception.CinderConnectionFailed, self.delete)

    def test_refusal_is_no_promise(self):
        self.attachments_answer(status_code=403)
        self.assertRaises(exception.Forbidden, self.delete)
        self.assertEqual([], self.added)

    def test_done(self):
        self.attachments_answer(json={})
        self.delete()
        self.assertEqual([], self.added)

    def not_found(self, volume=404, *attachments):
        """bu does not find the attachment; how it shows the volume.

        :param volume: its status, or that of the answer
        :param attachments: that bu lists
        """
        self.attachments_answer(status_code=404)
        if isinstance(volume, int):
            self.clouds.mock.get(
                f'{self.bu.cinder_url}/volumes/{base.VOLUME}',
                status_code=volume)
        else:
            self.bu.add_volume(base.VOLUME, status=volume)
        self.clouds.mock.get(f'{self.bu.cinder_url}/attachments', json={
            'attachments': [{'id': each, 'volume_id': base.VOLUME}
                            for each in attachments]})
        self.delete()

    def test_gone(self):
        self.not_found('available')
        self.assertEqual([], self.added)
        self.not_found('in-use', base.SERVER)
        self.assertEqual([], self.added)

    def test_not_found_and_yet_listed(self):
        self.not_found('detaching', base.ATTACHMENT)
        self.assertEqual([(SUBJECT, base.ATTACHMENT)], self.added)

    def test_not_found_by_a_cinder_that_knows_nothing(self):
        for code in (404, 503):
            self.added.clear()
            self.not_found(code)
            self.assertEqual([(SUBJECT, base.ATTACHMENT)], self.added)

    def test_of_home_fails_as_ever(self):
        self.clouds.mock.delete(
            f'{self.home.cinder_url}/attachments/{base.ATTACHMENT}',
            status_code=503)
        self.assertRaises(cinder_exceptions.ClientException,
                          self.api.attachment_delete, self.context(),
                          base.ATTACHMENT)
        self.assertEqual([], self.added)

    def test_mapping_is_not_known(self):
        self.attachments_answer(exc=Lost)
        self.api.attachment_delete(self.foreign_context(), base.ATTACHMENT)
        self.assertEqual([(target.Subject(base.AT_BU, None, None),
                           base.ATTACHMENT)], self.added)


class TestAttachmentCreate(PendingTestCase):

    def create(self, context=None):
        return self.api.attachment_create(
            context or self.foreign_context(), base.VOLUME, base.SERVER)

    def test_answer_is_lost(self):
        self.attachments_answer(exc=Lost)
        self.assertRaises(exception.CinderConnectionFailed, self.create)
        self.assertEqual([(SUBJECT, None)], self.added)

    def test_nothing_was_sent(self):
        self.attachments_answer(exc=Refused)
        self.assertRaises(exception.CinderConnectionFailed, self.create)
        self.assertEqual([], self.added)

    def test_refused(self):
        self.attachments_answer(status_code=400)
        self.assertRaises(exception.InvalidInput, self.create)
        self.assertEqual([], self.added)

    def test_connection_is_not_allowed(self):
        self.attachments_answer(json={'attachment': {
            'id': base.ATTACHMENT, 'connection_info': {
                'driver_volume_type': 'local'}}})
        self.assertRaises(exception.CinderConnectionFailed, self.create)
        self.assertEqual([(SUBJECT, base.ATTACHMENT)], self.added)

    def test_is_deleted_in_the_same_request(self):
        self.attachments_answer(json={'attachment': {
            'id': base.ATTACHMENT, 'connection_info': {}}})
        context = self.foreign_context()
        self.create(context)
        self.attachments_answer(exc=Lost)
        self.api.attachment_delete(context, base.ATTACHMENT)
        self.assertEqual([(SUBJECT, base.ATTACHMENT)], self.added)


class TestAttachmentChange(PendingTestCase):

    def complete(self):
        self.api.attachment_complete(self.mapped(), base.ATTACHMENT)

    def update(self):
        self.api.attachment_update(self.mapped(), base.ATTACHMENT,
                                   {'host': 'here'})

    def test_answer_to_complete_is_lost(self):
        self.attachments_answer(exc=Lost)
        self.assertRaises(exception.CinderConnectionFailed, self.complete)
        self.assertEqual([(SUBJECT, None)], self.added)

    def test_answer_to_update_is_lost(self):
        self.attachments_answer(exc=Lost)
        self.assertRaises(exception.CinderConnectionFailed, self.update)
        self.assertEqual([(SUBJECT, None)], self.added)

    def test_refused(self):
        self.attachments_answer(status_code=400)
        for change in (self.complete, self.update):
            self.assertRaises(exception.InvalidInput, change)
        self.assertEqual([], self.added)

    def test_to_ask_changes_nothing(self):
        self.clouds.mock.get(
            f'{self.bu.cinder_url}/attachments/{base.ATTACHMENT}', exc=Lost)
        self.clouds.mock.get(
            f'{self.bu.cinder_url}/volumes/{base.VOLUME}', exc=Lost)
        for ask, what in ((self.api.attachment_get, base.ATTACHMENT),
                          (self.api.get, base.VOLUME)):
            self.assertRaises(exception.CinderConnectionFailed, ask,
                              self.foreign_context(), what)
        self.assertEqual([], self.added)


class TestDetaching(PendingTestCase):

    def test_begin(self):
        self.volume_answers(exc=Lost)
        self.assertRaises(exception.CinderConnectionFailed,
                          self.api.begin_detaching, self.mapped(),
                          base.VOLUME)
        self.assertEqual([(SUBJECT, None)], self.added)

    def test_begin_that_is_refused(self):
        self.volume_answers(status_code=400)
        self.assertRaises(exception.InvalidInput, self.api.begin_detaching,
                          self.mapped(), base.VOLUME)
        self.assertEqual([], self.added)

    def test_begin_of_a_volume_that_is_not_found(self):
        """Nova's API would make a 500 of all but a refusal."""
        for code in (404, 409):
            self.volume_answers(status_code=code)
            exc = self.assertRaises(
                exception.InvalidVolume, self.api.begin_detaching,
                self.mapped(), base.VOLUME)
            self.assertIn('service provider bu', str(exc))
        self.assertEqual([], self.added)

    def test_roll_back_of_a_volume_that_is_not_found(self):
        self.volume_answers(status_code=404)
        self.api.roll_detaching(self.mapped(), base.VOLUME)
        self.assertEqual([(SUBJECT, None)], self.added)

    def test_roll_back_is_promised(self):
        self.volume_answers(exc=Refused)
        self.api.roll_detaching(self.mapped(), base.VOLUME)
        self.assertEqual([(SUBJECT, None)], self.added)

    def test_roll_back_of_home_fails_as_ever(self):
        self.clouds.mock.post(
            f'{self.home.cinder_url}/volumes/{base.HOME_VOLUME}/action',
            status_code=503)
        self.assertRaises(cinder_exceptions.ClientException,
                          self.api.roll_detaching, self.context(),
                          base.HOME_VOLUME)
        self.assertEqual([], self.added)

    def detach(self, volume_type, failure):
        mapping = objects.BlockDeviceMapping(
            source_type='volume', destination_type='volume',
            volume_type=volume_type, volume_id=base.VOLUME,
            device_name='/dev/vdb', connection_info=None,
            delete_on_termination=False, guest_format=None, disk_bus=None,
            device_type=None, boot_index=None, no_device=False, tag=None,
            volume_size=1, attachment_id=base.ATTACHMENT)
        api = mock.Mock()
        api.get.side_effect = failure
        block_device.DriverVolumeBlockDevice(mapping).detach(
            self.context(), objects.Instance(uuid=base.SERVER), api,
            mock.Mock())

    def test_compute_cannot_ask_for_the_volume(self):
        failure = exception.CinderConnectionFailed(reason='silence')
        self.assertRaises(exception.CinderConnectionFailed, self.detach,
                          base.MARKER, failure)
        self.assertEqual([(SUBJECT, None)], self.added)

    def test_the_same_with_a_volume_of_home(self):
        failure = exception.CinderConnectionFailed(reason='silence')
        self.assertRaises(exception.CinderConnectionFailed, self.detach,
                          None, failure)
        self.assertEqual([], self.added)
