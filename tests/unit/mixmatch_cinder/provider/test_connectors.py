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

"""Host names in connectors that are unique across clouds."""

from mixmatch_cinder.provider import connectors
from tests.unit import base

DOMAIN = '0a0c5678' + 24 * '0'


class TestHostName(base.TestCase):

    def test_of_a_connector(self):
        self.assertEqual('a', connectors.host_name({'host': 'a'}))

    def test_of_any_json(self):
        for value in (None, [], 'host', {}, {'host': None}, {'host': ['a']}):
            self.assertEqual('', connectors.host_name(value), value)


class TestOfAnotherCloud(base.TestCase):

    def test_each_unique_name(self):
        for host in ('compute1', 'a.b', '1'):
            for domain in (DOMAIN, 'default'):
                unique = connectors.with_unique_host({'host': host}, domain)
                for name in (unique['host'], unique['host'].upper()):
                    self.assertTrue(
                        connectors.may_be_of_another_cloud(name), name)

    def test_as_a_back_end_may_change_it(self):
        for name in ('0a0c5678_compute1', ' 0a0c5678-compute1',
                     '0a0c 5678-compute1', '-0a0c5678.compute1'):
            self.assertTrue(connectors.may_be_of_another_cloud(name), name)

    def test_other_names(self):
        for name in ('', 'compute1', '0a0c567-compute1', '0a0c5678compute1',
                     'x0a0c5678-compute1', 'defaults-1'):
            self.assertFalse(connectors.may_be_of_another_cloud(name), name)
