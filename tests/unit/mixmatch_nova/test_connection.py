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

"""Check of connections that a service provider gives to home's hosts."""

import copy

import hypothesis
from hypothesis import strategies

from mixmatch import federation
from mixmatch_nova import conf as nova_conf
from mixmatch_nova import connection
from tests.unit import base
from tests.unit import fixtures

ISCSI = {'driver_volume_type': 'iscsi', 'data': {
    'target_portal': '192.0.2.7:3260', 'target_iqn': 'iqn.2010-10.bu:v1',
    'target_lun': 1, 'volume_id': 'v1', 'access_mode': 'rw',
    'encrypted': False, 'qos_specs': None, 'enforce_multipath': False}}
NVME = {'driver_volume_type': 'nvmeof', 'data': {
    'target_nqn': 'nqn.2010-10.bu:v1', 'portals': [
        ['192.0.2.7', '4420', 'tcp'], ['192.0.2.8', 4420, 'rdma']],
    'vol_uuid': '8d3c0f52-5d0e-4d38-8f57-6a1a2b3c4d5e', 'ns_id': 1}}
FIBRE_CHANNEL = {'driver_volume_type': 'fibre_channel', 'data': {
    'target_wwn': ['5006016090203181'], 'target_lun': 1,
    'initiator_target_map': {'100010604b019419': ['5006016090203181']}}}
ALLOWED = """
connection_types = rbd,iscsi,nvmeof,fibre_channel
storage_portals = 192.0.2.0/28:3260,192.0.2.7:4420,192.0.2.8,[2001:db8::1]
storage_names = iqn.2010-10.bu:,nqn.2010-10.bu:,50060160
"""


class TestConnection(base.TestCase):
    """A service provider names what home's hosts connect to."""

    def check(self, connection_info, more=''):
        self.useFixture(fixtures.TwoClouds())
        clouds = federation.Federation(fixtures.configuration(
            self, fixtures.text('bu', more=more)), nova_conf.OPTS)
        connection.check(clouds.service_provider('bu'), connection_info)

    def refused(self, option, connection_info, more=''):
        exc = self.assertRaises(connection.ConnectionNotAllowed, self.check,
                                connection_info, more)
        self.assertIn(option, str(exc))
        self.assertIn('bu', str(exc))

    def rbd(self, **data):
        return {'driver_volume_type': 'rbd', 'data': {
            **fixtures.connection_info(), **data}}

    def test_its_own_ceph(self):
        self.check(self.rbd())

    def test_a_reserved_attachment_has_none(self):
        self.check({})

    def test_a_secret_of_home(self):
        self.refused('rbd_secret_uuid', self.rbd(secret_uuid='of-home'))

    def test_no_secret_means_one_of_home_to_nova(self):
        self.refused('rbd_secret_uuid', self.rbd(secret_uuid=None))
        self.refused('rbd_secret_uuid', self.rbd(auth_enabled=False))
        self.refused('rbd_secret_uuid', self.rbd(auth_username=None))

    def test_ceph_that_nobody_has_agreed_on(self):
        self.refused('rbd_secret_uuid', self.rbd(),
                     more='rbd_secret_uuid =\n')

    def test_a_file_of_the_host(self):
        self.refused('connection_types', {
            'driver_volume_type': 'local',
            'data': {'device_path': '/dev/sda'}})


class ConnectionTestCase(base.TestCase):

    more = ''

    def setUp(self):
        super().setUp()
        self.useFixture(fixtures.TwoClouds())
        clouds = federation.Federation(fixtures.configuration(
            self, fixtures.text('bu', more=self.more)), nova_conf.OPTS)
        self.there = clouds.service_provider('bu')

    def check(self, info, **data):
        info = copy.deepcopy(info)
        info['data'].update(data)
        connection.check(self.there, info)
        return info

    def refused(self, word, info, **data):
        exc = self.assertRaises(connection.ConnectionNotAllowed, self.check,
                                info, **data)
        self.assertIn(word, str(exc))
        self.assertIn('[service_provider:bu]', str(exc))
        self.assertTrue(str(exc).isprintable())
        self.assertLess(len(str(exc)), 400)


class TestDefault(ConnectionTestCase):

    def test_only_ceph_is_allowed(self):
        for info in (ISCSI, NVME, FIBRE_CHANNEL):
            self.refused('connection_types', info)

    def test_nothing_is_missing(self):
        self.assertEqual([], connection.missing_options(
            self.there.options))


class TestOptionsMissing(ConnectionTestCase):
    """A configuration of an older release does not allow connections."""

    more = 'connection_types = rbd,iscsi,nvmeof,fibre_channel,nfs\n'

    def test_are_named(self):
        self.refused('storage_portals', ISCSI)
        self.refused('storage_portals', NVME)
        self.refused('storage_names', FIBRE_CHANNEL)
        self.assertEqual(['storage_names', 'storage_portals'],
                         connection.missing_options(self.there.options))

    def test_what_nothing_checks(self):
        self.refused('connection_types', {
            'driver_volume_type': 'nfs',
            'data': {'export': '192.0.2.7:/', 'name': 'v'}})
        for kind in (None, 5, ['rbd'], {}, 'local', 'x\n' * 500):
            self.refused('connection_types',
                         {'driver_volume_type': kind, 'data': {}})


class TestNamed(ConnectionTestCase):

    more = ALLOWED

    def test_its_own_storage(self):
        for info in (ISCSI, NVME, FIBRE_CHANNEL):
            self.check(info)
        self.check(ISCSI, target_portal='192.0.2.14:3260')
        self.check(ISCSI, target_portal='[2001:db8::1]:3260')

    def test_a_portal_of_somebody_else(self):
        for portal in ('198.51.100.1:3260', '192.0.2.7:22', '127.0.0.1:3260',
                       '192.0.2.16:3260', '192.0.2.7:3260,1', '192.0.2.7',
                       '192.0.2.7:3260\n', '-oProxy:3260', ':3260', None, [],
                       5, '192.0.2.7:٣٢٦٠'):
            self.refused('portal', ISCSI, target_portal=portal)
            self.refused('portal', ISCSI, target_portals=[
                '192.0.2.7:3260', portal], target_iqns=[], target_luns=[])

    def test_a_name_of_somebody_else(self):
        for name in ('iqn.2010-10.home:v1', 'x iqn.2010-10.bu:v1', '', 5, [],
                     'iqn.2010-10.bu:v\n1'):
            self.refused('', ISCSI, target_iqn=name)
        self.refused('storage_names', ISCSI, target_iqns=['iqn.of-home:v'],
                     target_portals=['192.0.2.7:3260'], target_luns=[1])
        self.refused('storage_names', NVME, target_nqn='nqn.home')
        self.refused('storage_names', NVME, nqn='nqn.home')
        self.refused('storage_names', FIBRE_CHANNEL, target_wwn='2001')
        self.refused('storage_names', FIBRE_CHANNEL, target_wwns=['2001'])
        for wrong in ({'a': ['2001']}, {'a': '2001'}, {'a': [['2001', 1]]}):
            self.refused('storage_names', FIBRE_CHANNEL,
                         initiator_target_map=wrong)
            self.refused('storage_names', FIBRE_CHANNEL,
                         initiator_target_lun_map=wrong)

    def test_nvme_portals(self):
        self.refused('storage_portals', NVME, portals=[
            ['192.0.2.7', 4420, 'tcp'], ['10.0.0.1', 4420, 'tcp']])
        self.refused('transport', NVME,
                     portals=[['192.0.2.7', 4420, 'loop']])
        self.refused('storage_portals', NVME, target_portal='10.0.0.1',
                     target_port=4420, transport_type='tcp')
        self.refused('target_portal', NVME, portals=[])

    def test_nvme_replicas(self):
        replica = {'target_nqn': 'nqn.2010-10.bu:v1', 'vol_uuid': 'u',
                   'portals': [['192.0.2.7', 4420, 'tcp']]}
        info = {'driver_volume_type': 'nvmeof', 'data': {
            'vol_uuid': 'u', 'alias': 'v1', 'replica_count': 1,
            'volume_replicas': [replica]}}
        self.check(info)
        for wrong in ({'portals': [['10.0.0.1', 4420, 'tcp']]},
                      {'portals': []}, {'target_nqn': 'nqn.home'},
                      {'device_path': '/dev/sda'}):
            self.refused('', info, volume_replicas=[
                replica, {**replica, **wrong}])
        self.refused('alias', info, alias='../sda')

    def test_a_field_that_nobody_expects(self):
        for info in (ISCSI, NVME, FIBRE_CHANNEL):
            self.refused('device_path', info, device_path='/dev/sda')
        self.refused('discovery_auth_method', ISCSI,
                     discovery_auth_method='CHAP')
        self.refused('field', ISCSI, **{'x\n' * 500: 1})

    def test_no_portal_is_discovered(self):
        """With multipath os-brick asks for others, unless it has lists."""
        self.assertEqual(
            (['192.0.2.7:3260'], ['iqn.2010-10.bu:v1'], [1]),
            tuple(self.check(ISCSI)['data'][name] for name in (
                'target_portals', 'target_iqns', 'target_luns')))

    def test_monitors_of_ceph_are_checked_as_well(self):
        rbd = {'driver_volume_type': 'rbd',
               'data': fixtures.connection_info()}
        self.refused('storage_portals', rbd)
        self.check(rbd, ports=['3260'])

    JSON = strategies.recursive(
        strategies.none() | strategies.booleans() | strategies.integers()
        | strategies.text(max_size=8) | strategies.sampled_from([
            '192.0.2.7:3260', '10.0.0.1:3260', 'iqn.2010-10.bu:v']),
        lambda each: strategies.lists(each, max_size=3)
        | strategies.dictionaries(strategies.text(max_size=5), each,
                                  max_size=3), max_leaves=8)

    @hypothesis.settings(deadline=None, max_examples=100)
    @hypothesis.given(
        strategies.sampled_from(['rbd', 'iscsi', 'nvmeof', 'fibre_channel']),
        strategies.dictionaries(strategies.sampled_from([
            'target_portal', 'target_portals', 'target_iqn', 'target_iqns',
            'target_lun', 'target_luns', 'portals', 'volume_replicas',
            'target_nqn', 'nqn', 'alias', 'target_wwn', 'target_wwns',
            'initiator_target_map', 'initiator_target_lun_map', 'hosts',
            'ports', 'name', 'auth_enabled', 'secret_uuid', 'auth_username',
            'target_port', 'transport_type']), JSON))
    def test_whatever_comes_is_checked_or_refused(self, kind, data):
        try:
            connection.check(self.there, {
                'driver_volume_type': kind, 'data': data})
        except connection.ConnectionNotAllowed as exc:
            self.assertTrue(str(exc).isprintable())
            return
        self.assertNotIn('10.0.0.1', str(data))


class TestCeph(ConnectionTestCase):

    def rbd(self, word, **data):
        self.refused(word, {'driver_volume_type': 'rbd',
                            'data': fixtures.connection_info()}, **data)

    def test_an_image_that_is_options_of_ceph(self):
        for name in ('volumes/v:conf=/etc/ceph/home.conf', '', None, 'v',
                     'volumes/v@s', '/v'):
            self.rbd('image', name=name)

    def test_a_key_that_it_brings(self):
        self.rbd('keyring', keyring='[client.home]')

    def test_monitors_that_are_none(self):
        for hosts in (['a:b'], [5], 'mon', ['192.0.2.7', '192.0.2.8'],
                      ['x\n']):
            self.rbd('monitor', hosts=hosts)

    def test_monitors_by_name_and_of_version_6(self):
        self.check({'driver_volume_type': 'rbd',
                    'data': fixtures.connection_info()},
                   hosts=['mon.bu.example.org', '[2001:db8::1]'],
                   ports=['6789', '3300'])
