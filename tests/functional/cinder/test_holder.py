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

"""Records of owners fit into their column; hosts of clouds differ."""

from oslotest import base

from mixmatch_cinder.provider import connectors
from mixmatch_cinder.provider import owner


class TestHolder(base.BaseTestCase):

    def test_kept_as_it_is(self):
        for by in (owner.Owner('d' * 32, 'moc', 'u' * 32, 'alice@Default'),
                   owner.Owner(None, '', 'u' * 32, 'alice')):
            self.assertEqual(by, owner.Owner.load(by.dump()))

    def test_long_names_are_cut_and_ids_are_not(self):
        by = owner.Owner('d' * 64, '\N{SNOWMAN}' * 64, 'u' * 64, 'n' * 255)
        text = by.dump()
        self.assertLessEqual(len(text), 255)
        self.assertTrue(text.isascii())
        kept = owner.Owner.load(text)
        self.assertEqual((by.home_id, by.user_id),
                         (kept.home_id, kept.user_id))
        self.assertTrue(kept.user and by.user.startswith(kept.user))


class TestConnectors(base.BaseTestCase):

    def test_one_name_for_each_cloud_and_host(self):
        names = {connectors.with_unique_host({'host': host}, home_id)['host']
                 for host in ('c', 'a-c', 'b-c')
                 for home_id in ('12345678-a', '12345679-a')}
        self.assertEqual(6, len(names))

    def test_the_given_connector_stays(self):
        given = {'host': 'compute1', 'initiator': 'iqn'}
        connectors.with_unique_host(given, '1234567890')
        self.assertEqual('compute1', given['host'])

    def test_connector_without_a_host(self):
        self.assertEqual({}, connectors.with_unique_host({}, '1234567890'))

    def test_the_same_host(self):
        for one, other in (
                ({'initiator': 'IQN'}, {'initiator': 'iqn'}),
                ({'nqn': 'n', 'host': 'a'}, {'nqn': 'n', 'host': 'b'}),
                ({'wwpns': ['1', '2']}, {'wwpns': ['2']}),
                ({'wwpns': ['1', '2']}, {'wwpns': '1'})):
            self.assertTrue(connectors.have_same_host(one, other))

    def test_not_the_same_host(self):
        for one, other in (
                ({'host': 'a'}, {'host': 'a'}), (None, None), ({}, None),
                ({'initiator': None}, {'initiator': None}),
                ({'initiator': {}}, {'wwpns': [{}, None, 5]}),
                ({'initiator': ''}, {'nqn': ''})):
            self.assertFalse(connectors.have_same_host(one, other))
