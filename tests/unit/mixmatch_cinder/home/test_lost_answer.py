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

"""Changes whose answer is lost."""

import requests
from urllib3 import exceptions as urllib3_exceptions

from tests.unit.mixmatch_cinder.home import test_proxy


class TestLostAnswer(test_proxy.ProxyTestCase):
    """A client must not conclude that nothing was done."""

    def lose(self, what, **request):
        """Have bu do what it is asked, without an answer.

        :returns: the message of home's response
        """
        self.get(self.path)
        self.cinders.changes['bu'] = what
        response = self.send(**request)
        [fault] = response.json.values()
        self.assertIn('bu', fault['message'])
        self.assertIn(response.status_int, (502, 503))
        return fault['message']

    def requests(self):
        new = {'size': 1, 'availability_zone': 'bu'}
        yield 'openstack volume list', dict(
            path='/volumes', method='POST', body={'volume': new})
        yield 'openstack volume list', dict(
            path='/volumes', method='POST', body={'volume': {
                'size': 1, 'source_volid': self.volume}})
        yield 'openstack volume snapshot list', dict(
            path='/snapshots', method='POST', body={'snapshot': {
                'volume_id': self.volume}})
        show = f'openstack volume show {self.volume}'
        yield show, dict(path=self.path, method='DELETE')
        yield show, dict(path=self.path, method='PUT', body={
            'volume': {'name': 'new'}})
        yield show, dict(path=self.path + '/action', method='POST', body={
            'os-extend': {'new_size': 2}})
        yield show, dict(path=self.path + '/metadata/a', method='DELETE')

    def test_perhaps_done(self):
        for lost in (requests.exceptions.ReadTimeout(),
                     requests.exceptions.ConnectionError('gone'),
                     {'status_code': 504}, {'status_code': 500},
                     {'status_code': 202, 'text': 'no JSON'}):
            for command, request in self.requests():
                said = self.lose(lost, **request)
                self.assertIn(f'"{command}"', said)
                self.assertIn('may have been', said)
                self.assertIn('before you repeat it', said)

    def test_never_sent(self):
        refused = requests.exceptions.ConnectionError()
        refused.__cause__ = urllib3_exceptions.NewConnectionError(None, 'no')
        for lost in (test_proxy.AWAY, refused, {'status_code': 401}):
            for _, request in self.requests():
                self.assertNotIn('may have been', self.lose(lost, **request))

    def test_volume_without_an_id(self):
        [(command, request)] = list(self.requests())[:1]
        self.assertIn(command, self.lose(
            {'status_code': 202, 'json': {'volume': {}}}, **request))
