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

"""Attachments of foreign volumes in the API of home's Cinder."""

import uuid

import requests

from tests.unit.mixmatch_cinder.home import base

MARK = 'os-mixmatch:service_provider'
MISSING = 'OpenStack-Mixmatch-Missing'
AWAY = requests.ConnectionError('it is night')
FROM_NOVA = {'X-Service-Identity-Status': 'Confirmed'}


class AttachmentsTestCase(base.RealCinderTestCase):
    """A volume at home and one at bu, both attached."""

    def setUp(self):
        super().setUp()
        self.volume = self.cinders.bu.add(status='in-use')
        self.foreign = self.cinders.bu.add_attachment(self.volume)
        self.home_volume = self.cinders.home.add(status='in-use')
        self.local = self.cinders.home.add_attachment(self.home_volume)

    def listed(self, query='', path='/attachments', **kwargs):
        """Return the pairs of id and cloud of a list."""
        self.response = self.send(path + query, **kwargs)
        self.assertEqual(200, self.response.status_int, self.response.text)
        return [(row['id'], row.get(MARK, ''))
                for row in self.response.json['attachments']]

    def of_volume(self, volume_id, **kwargs):
        return self.listed(f'?volume_id={volume_id}', **kwargs)

    def assertFault(self, code, *words, **kwargs):
        response = self.send(**kwargs)
        self.assertEqual(code, response.status_int, response.text)
        [fault] = response.json.values()
        for word in words:
            self.assertIn(word, fault['message'])

    def providers_asked(self):
        return [each for each in self.cinders.asked if each[0]]


class TestOfVolume(AttachmentsTestCase):
    """Requests of Juju, among others, before it detaches a volume."""

    def test_foreign(self):
        self.assertEqual([(self.foreign, 'bu')], self.of_volume(self.volume))

    def test_in_detail(self):
        self.assertEqual([(self.foreign, 'bu')], self.listed(
            f'?volume_id={self.volume}', path='/attachments/detail'))
        self.assertEqual('rw', self.response.json['attachments'][0][
            'attach_mode'])

    def test_foreign_without_any(self):
        self.assertEqual([], self.of_volume(self.cinders.bu.add()))

    def test_more_filters_and_pages(self):
        for query in ('&status=reserved', f'&marker={self.foreign}'):
            self.assertEqual([], self.of_volume(self.volume + query))
        self.assertEqual([(self.foreign, 'bu')],
                         self.of_volume(self.volume + '&limit=1'))

    def test_local_costs_nothing(self):
        self.assertEqual([(self.local, '')], self.of_volume(self.home_volume))
        self.assertEqual([], self.of_volume(self.cinders.home.add()))
        self.assertEqual([], self.providers_asked())

    def test_of_nobody(self):
        self.assertEqual([], self.of_volume(uuid.uuid4()))
        self.assertEqual([], self.of_volume('nonsense'))

    def test_away_is_not_empty(self):
        self.cinders.broken['bu'] = AWAY
        self.assertFault(503, 'Service provider bu', path=(
            f'/attachments?volume_id={self.volume}'))

    def test_id_that_home_has_is_homes(self):
        twin = self.cinders.bu.add()
        self.cinders.bu.add_attachment(twin)
        self.cinders.home.add(volume_id=twin)
        self.assertEqual([], self.of_volume(twin))

    def test_this_cloud_only(self):
        self.assertEqual([], self.of_volume(self.volume, headers={
            'OpenStack-Mixmatch-Service-Provider': 'none'}))

    def test_nova_is_told_what_home_has(self):
        self.assertEqual([], self.of_volume(self.volume, headers=FROM_NOVA))
        self.assertEqual([], self.providers_asked())


class TestLists(AttachmentsTestCase):

    def test_all(self):
        self.assertEqual([(self.local, ''), (self.foreign, 'bu')],
                         self.listed())

    def test_of_a_server(self):
        server = str(uuid.uuid4())
        foreign = self.cinders.bu.add_attachment(self.volume,
                                                 instance_uuid=server)
        local = self.cinders.home.add_attachment(self.home_volume,
                                                 instance_uuid=server)
        self.assertEqual([(local, ''), (foreign, 'bu')],
                         self.listed(f'?instance_id={server}'))

    def test_a_page_says_that_it_is_homes(self):
        self.assertEqual([(self.local, '')], self.listed('?limit=5'))
        self.assertEqual('bu, mit', self.response.headers[MISSING])

    def test_of_one_service_provider(self):
        self.assertEqual([(self.foreign, 'bu')], self.listed(
            f'?{MARK}=bu&limit=5'))

    def test_away(self):
        self.cinders.broken['bu'] = AWAY
        self.assertEqual([(self.local, '')], self.listed())
        self.assertEqual('bu', self.response.headers[MISSING])

    def test_malformed(self):
        for body in ({}, {'attachments': [{'id': 'x'}]},
                     {'attachments': 'x'}):
            self.cinders.broken['bu'] = {'status_code': 200, 'json': body}
            self.assertEqual([(self.local, '')], self.listed())
            self.assertEqual('bu', self.response.headers[MISSING])

    def test_rows_of_ids_of_home_are_dropped(self):
        self.cinders.home.add(volume_id=self.volume)
        self.assertEqual([(self.local, '')], self.listed())

    def test_before_there_were_attachments(self):
        self.assertEqual(404, self.send('/attachments',
                                        version='3.26').status_int)
        self.assertEqual([], self.providers_asked())

    def test_nova_is_told_what_home_has(self):
        self.assertEqual([(self.local, '')], self.listed(headers=FROM_NOVA))
        self.assertEqual([], self.providers_asked())


class TestOne(AttachmentsTestCase):

    def setUp(self):
        super().setUp()
        self.path = f'/attachments/{self.foreign}'

    def test_show(self):
        shown = self.get(self.path)['attachment']
        self.assertEqual((self.foreign, self.volume, 'bu'), (
            shown['id'], shown['volume_id'], shown[MARK]))

    def test_local(self):
        shown = self.get(f'/attachments/{self.local}')['attachment']
        self.assertNotIn(MARK, shown)
        self.assertEqual([], self.providers_asked())

    def test_unknown(self):
        for path in (f'/attachments/{uuid.uuid4()}', '/attachments/x'):
            self.assertEqual(404, self.send(path).status_int)

    def test_away(self):
        self.cinders.broken['bu'] = AWAY
        for method in ('GET', 'DELETE'):
            self.assertFault(503, 'Service provider bu', path=self.path,
                             method=method)

    def test_delete_is_decided_there(self):
        self.cinders.delete_answers['bu'] = {
            'status_code': 409, 'json': {'conflictingRequest': {
                'code': 409, 'message': 'a server of moc uses it'}}}
        self.assertFault(409, 'Service provider bu: a server of moc uses it',
                         path=self.path, method='DELETE')

    def test_deleted(self):
        self.cinders.delete_answers['bu'] = {
            'status_code': 200, 'json': {'attachments': []}}
        response = self.send(self.path, 'DELETE')
        self.assertEqual((200, {'attachments': []}),
                         (response.status_int, response.json))
        self.assertIn(('bu', 'DELETE', self.path), self.cinders.asked)

    def test_changes_are_novas(self):
        for method, below, body in (
                ('PUT', '', {'attachment': {'connector': {'host': 'h'}}}),
                ('POST', '/action', {'os-complete': {}})):
            self.assertFault(
                400, 'service provider bu', 'openstack --os-service-provider',
                path=self.path + below, method=method, body=body)

    def test_nova_is_told_that_home_has_it_not(self):
        for method in ('GET', 'DELETE'):
            self.assertEqual(404, self.send(
                self.path, method, headers=FROM_NOVA).status_int)
        self.assertEqual([], self.providers_asked())

    def test_before_there_were_attachments(self):
        self.assertEqual(404, self.send(self.path, version='3.26').status_int)
        self.assertEqual([], self.providers_asked())

    def test_create(self):
        self.assertFault(
            400, 'service provider bu', 'openstack server add volume',
            'without mixmatch', path='/attachments', method='POST', body={
                'attachment': {'volume_uuid': self.volume,
                               'instance_uuid': str(uuid.uuid4())}})
