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

"""A service provider's cinder-api protects what other clouds hold."""

from unittest import mock

from oslo_config import cfg
from oslotest import base

from mixmatch import patch
from mixmatch_cinder import holder
from mixmatch_cinder import protection
from tests.cinder import cinder_api

ADMIN, ALICE = cinder_api.ADMIN, cinder_api.ALICE
OWN_NOVA, NU_NOVA = cinder_api.OWN_NOVA, cinder_api.NU_NOVA
MOC_NOVA, MOC_NOVA_ALONE = cinder_api.MOC_NOVA, cinder_api.MOC_NOVA_ALONE

SERVER = '11111111-0000-4000-8000-000000000001'
ANOTHER = '22222222-0000-4000-8000-000000000002'
COMPUTE1 = {'host': 'compute1', 'initiator': 'iqn.of.compute1.of.moc'}
COMPUTE2 = {'host': 'compute1', 'initiator': 'iqn.of.compute1.of.own'}
LAPTOP = {'host': 'laptop', 'initiator': 'iqn.of.laptop'}


class TestCase(base.BaseTestCase):

    storage_only = False

    def setUp(self):
        super().setUp()
        self.cinder = self.useFixture(
            cinder_api.CinderApi(self.storage_only))
        self.protect()

    def protect(self):
        protection.load(cfg.CONF)

    def send(self, who, method, path, body=None, status=None):
        response = self.cinder.send(who, method, path, body)
        if status is not None:
            self.assertEqual(status, response.status_int, response.text)
        return response

    def reserve(self, who, volume_id, server=SERVER, connector=None,
                status=200):
        """As Nova begins; the id of the attachment."""
        response = self.send(who, 'POST', '/attachments', {'attachment': {
            'volume_uuid': volume_id, 'connector': connector,
            **({'instance_uuid': server} if server else {})}}, status)
        return response.json.get('attachment', {}).get('id')

    def update(self, who, attachment, connector, status=200):
        return self.send(who, 'PUT', f'/attachments/{attachment}', {
            'attachment': {'connector': connector}}, status)

    def complete(self, who, attachment, status=204):
        return self.send(who, 'POST', f'/attachments/{attachment}/action',
                         {'os-complete': {}}, status)

    def attach(self, who, volume_id, server=SERVER, connector=COMPUTE1):
        """As Nova attaches; the id of the attachment."""
        attachment = self.reserve(who, volume_id, server)
        self.update(who, attachment, connector)
        self.complete(who, attachment)
        return attachment

    def delete(self, who, attachment, status=200):
        return self.send(who, 'DELETE', f'/attachments/{attachment}',
                         status=status)

    def act(self, who, volume_id, action, answer=202, **arguments):
        return self.send(who, 'POST', f'/volumes/{volume_id}/action',
                         {action: arguments}, answer)

    def volume(self, volume_id, who=ADMIN):
        return self.send(who, 'GET', f'/volumes/{volume_id}',
                         status=200).json['volume']

    def shown(self, attachment, who=ADMIN):
        return self.send(who, 'GET', f'/attachments/{attachment}',
                         status=200).json['attachment']

    def assertIntact(self, volume_id):
        """The host still reaches its volume."""
        self.assertEqual([COMPUTE1['initiator']], [
            each['initiator']
            for each in self.cinder.storage.connected[volume_id]])
        self.assertIn(volume_id, self.cinder.storage.exported)
        self.assertEqual('in-use', self.volume(volume_id)['status'])

    def assertFree(self, volume_id):
        self.assertEqual([], self.cinder.storage.connected[volume_id])
        self.assertEqual('available', self.volume(volume_id)['status'])


class TestHeld(TestCase):
    """A server of moc uses a volume of alice's."""

    def setUp(self):
        super().setUp()
        self.mine = self.cinder.add_volume()
        self.attachment = self.attach(MOC_NOVA, self.mine)

    def everything(self):
        """All that a user may try, and what is asked of Cinder by it."""
        one = f'/attachments/{self.attachment}'
        two = f'/volumes/{self.mine}/action'
        return {
            'delete': ('DELETE', one, None),
            'delete of a format': ('DELETE', one + '.json', None),
            'with a project': ('DELETE', f'/{cinder_api.PROJECT}{one}', None),
            'update': ('PUT', one, {'attachment': {'connector': LAPTOP}}),
            'complete': ('POST', one + '/action', {'os-complete': {}}),
            'detach': ('POST', two, {'os-detach': {}}),
            'detach of one': ('POST', two, {'os-detach': {
                'attachment_id': self.attachment}}),
            'detach of another': ('POST', two, {'os-detach': {
                'attachment_id': ANOTHER}}),
            'terminate': ('POST', two, {'os-terminate_connection': {
                'connector': COMPUTE1}}),
            'reserve for the same server': ('POST', '/attachments', {
                'attachment': {'volume_uuid': self.mine,
                               'instance_uuid': SERVER,
                               'connector': COMPUTE1}}),
        }

    def assertNobodyMay(self, who, answers=(409,)):
        for what, (method, path, body) in self.everything().items():
            response = self.send(who, method, path, body)
            self.assertIn(response.status_int, answers,
                          f'{what}: {response.text}')
            self.assertIntact(self.mine)

    def test_the_user_may_not(self):
        self.assertNobodyMay(ALICE)

    def test_the_nova_of_another_cloud_may_not(self):
        self.assertNobodyMay(NU_NOVA)

    def test_the_nova_of_this_cloud_may_not(self):
        self.assertNobodyMay(OWN_NOVA)

    def test_the_administrator_may_not(self):
        self.assertNobodyMay(ADMIN)
        self.act(ADMIN, self.mine, 'os-force_detach', 409,
                 attachment_id=self.attachment, connector=COMPUTE1)
        self.assertIntact(self.mine)

    def test_a_token_of_the_user_as_service_token(self):
        forged = {**ALICE, **cinder_api.service('moc', 'member', 'alice')}
        self.assertNobodyMay(forged)

    def test_the_role_of_nova_without_a_service_token(self):
        self.assertNobodyMay(
            cinder_api.person('nova@moc', 'k2k_nova', domain='moc'),
            # Some of it by policy.
            (403, 409))

    def test_the_answer_says_where_to_detach(self):
        fault = self.delete(ALICE, self.attachment, 409).json[
            'conflictingRequest']['message']
        self.assertIn(SERVER, fault)
        self.assertIn('the cloud "moc"', fault)

    def test_its_nova_may(self):
        self.update(MOC_NOVA, self.attachment, COMPUTE1)
        self.complete(MOC_NOVA, self.attachment)
        self.delete(MOC_NOVA, self.attachment)
        self.assertFree(self.mine)

    def test_its_nova_may_without_the_user(self):
        self.delete(MOC_NOVA_ALONE, self.attachment)
        self.assertFree(self.mine)

    def test_update_does_not_erase_the_holder(self):
        self.update(MOC_NOVA, self.attachment, COMPUTE1)
        self.delete(ALICE, self.attachment, 409)

    def test_another_process_knows_it(self):
        again = protection.Protection(cfg.CONF)
        self.assertIsNot(again, patch.owner_of(protection.AUTHORIZE))
        self.useFixture(cinder_api.CinderLeftAlone())
        patch.apply(again, again.patches())
        self.delete(ALICE, self.attachment, 409)

    def test_a_server_that_moves(self):
        moved = self.reserve(MOC_NOVA_ALONE, self.mine, connector={
            'host': 'compute2', 'initiator': 'iqn.of.compute2'})
        self.complete(MOC_NOVA_ALONE, moved)
        self.delete(MOC_NOVA_ALONE, self.attachment)
        self.delete(ALICE, moved, 409)
        # Nova moved it: it is still for alice.
        self.assertEqual('alice', self.shown(moved)[
            'os-mixmatch:holder']['user'])

    def test_what_is_gone_is_forgotten(self):
        self.delete(MOC_NOVA, self.attachment)
        again = self.attach(MOC_NOVA, self.mine)
        context = self.cinder.admin_context()
        self.assertEqual([again], list(holder.of_volume(context, self.mine)))

    def test_a_volume_that_a_user_shares(self):
        """To detach by the old way would end the export for all."""
        shared = self.cinder.add_volume(multiattach=True)
        held = self.attach(MOC_NOVA, shared)
        own = self.attach(ALICE, shared, None, LAPTOP)
        self.act(ALICE, shared, 'os-detach', 409, attachment_id=own)
        self.delete(ALICE, own)
        self.assertIntact(shared)
        self.delete(ALICE, held, 409)

    def test_a_forged_connector(self):
        """To end it would take the volume from moc's host."""
        shared = self.cinder.add_volume(multiattach=True)
        self.attach(MOC_NOVA, shared)
        own = self.reserve(ALICE, shared, ANOTHER)
        self.update(ALICE, own, {**LAPTOP, 'initiator':
                                 COMPUTE1['initiator'].upper()}, 409)
        self.delete(ALICE, own)
        self.assertIntact(shared)

    def test_a_volume_of_two_clouds(self):
        shared = self.cinder.add_volume(multiattach=True)
        of_moc = self.attach(MOC_NOVA, shared)
        of_nu = self.attach(NU_NOVA, shared, ANOTHER, COMPUTE2)
        self.delete(NU_NOVA, of_moc, 409)
        self.delete(MOC_NOVA, of_nu, 409)
        self.delete(NU_NOVA, of_nu)
        self.assertIntact(shared)


class TestReset(TestCase):
    """Home's Nova may reset what has no attachment, by policy."""

    RESET = {'status': 'available', 'attach_status': 'detached'}

    def reset(self, who, volume_id, status=202):
        self.act(who, volume_id, 'os-reset_status', status, **self.RESET)

    def test_without_an_attachment(self):
        adrift = self.cinder.add_volume()
        self.act(ADMIN, adrift, 'os-reset_status', status='reserved')
        self.reset(MOC_NOVA_ALONE, adrift)
        self.assertEqual('available', self.volume(adrift)['status'])

    def test_what_it_holds_itself(self):
        mine = self.cinder.add_volume()
        self.attach(MOC_NOVA, mine)
        self.reset(MOC_NOVA_ALONE, mine)
        self.assertEqual('available', self.volume(mine)['status'])

    def test_what_others_hold(self):
        for who in (NU_NOVA, OWN_NOVA, ALICE):
            volume_id = self.cinder.add_volume()
            self.attach(who, volume_id)
            self.reset(MOC_NOVA_ALONE, volume_id, 409)
            self.assertIntact(volume_id)

    def test_the_administrator_releases_what_a_dead_cloud_holds(self):
        mine = self.cinder.add_volume()
        self.attach(MOC_NOVA, mine)
        self.reset(ADMIN, mine)
        self.act(ADMIN, mine, 'os-force_detach')
        self.assertFree(mine)
        self.attach(ALICE, mine, None, LAPTOP)

    def test_the_user_may_not(self):
        mine = self.cinder.add_volume()
        self.attach(MOC_NOVA, mine)
        self.reset(ALICE, mine, 403)


class TestReserved(TestCase):
    """No host has it yet: it is in the way of its user only."""

    def setUp(self):
        super().setUp()
        self.mine = self.cinder.add_volume()
        self.attachment = self.reserve(MOC_NOVA, self.mine)

    def test_the_user_removes_it(self):
        self.delete(ALICE, self.attachment)
        self.assertEqual('available', self.volume(self.mine)['status'])

    def test_the_user_detaches_it(self):
        self.act(ALICE, self.mine, 'os-detach')
        self.assertEqual('available', self.volume(self.mine)['status'])

    def test_nobody_else_connects_it(self):
        for who in (ALICE, NU_NOVA, OWN_NOVA, ADMIN):
            self.update(who, self.attachment, LAPTOP, 409)
            self.complete(who, self.attachment, 409)

    def test_another_cloud_does_not_remove_it(self):
        self.delete(NU_NOVA, self.attachment, 409)

    def test_a_server_that_is_shelved_and_attached(self):
        """It has no host, but it is not only reserved."""
        self.complete(MOC_NOVA, self.attachment)
        self.delete(ALICE, self.attachment, 409)
        self.delete(MOC_NOVA, self.attachment)


class TestForged(TestCase):
    """What a user gets who attaches in the name of a server of moc."""

    def test_it_is_his_own(self):
        mine = self.cinder.add_volume()
        attachment = self.attach(ALICE, mine)
        self.assertIsNone(self.shown(attachment)[
            'os-mixmatch:holder']['home_id'])
        self.delete(ALICE, attachment)

    def test_the_server_is_not_attached_beside_it(self):
        """Else the volume could be taken from it by deleting the forged one.
        """
        mine = self.cinder.add_volume()
        forged = self.attach(ALICE, mine)
        fault = self.send(MOC_NOVA, 'POST', '/attachments', {'attachment': {
            'volume_uuid': mine, 'instance_uuid': SERVER}}, 409).text
        self.assertIn('by himself', fault)
        self.delete(ALICE, forged)
        self.attach(MOC_NOVA, mine)
        self.assertIntact(mine)

    def test_metadata_is_not_believed(self):
        mine = self.cinder.add_volume()
        attachment = self.attach(ALICE, mine)
        value = holder.Holder('moc5678-id-of-domain', 'moc', 'x', 'x').dump()
        self.send(ALICE, 'POST', f'/volumes/{mine}/metadata', {
            'metadata': {f'mixmatch:{attachment}': value}}, 200)
        self.act(ALICE, mine, 'os-set_image_metadata', 200,
                 metadata={f'mixmatch:{attachment}': value})
        self.delete(ALICE, attachment)


class TestAsBefore(TestCase):
    """Whoever is no other cloud's Nova notices nothing."""

    def test_own_nova(self):
        mine = self.cinder.add_volume()
        attachment = self.attach(OWN_NOVA, mine)
        self.assertNotIn('os-mixmatch:holder', self.shown(attachment))
        self.assertEqual(COMPUTE1['host'], self.volume(mine)[
            'attachments'][0]['host_name'])
        self.cinder.own_nova.attached[SERVER, mine] = attachment
        for who in (ALICE, MOC_NOVA, MOC_NOVA_ALONE):
            self.delete(who, attachment, 409)
        for who in (ALICE, MOC_NOVA):
            self.act(who, mine, 'os-terminate_connection', 409,
                     connector=COMPUTE1)
        self.assertIntact(mine)
        self.delete(OWN_NOVA, attachment)
        self.assertFree(mine)

    def test_own_nova_that_says_nothing_to_other_clouds(self):
        mine = self.cinder.add_volume()
        attachment = self.attach(OWN_NOVA, mine)
        self.cinder.own_nova.failure = cinder_api.nova_exceptions.Forbidden(
            403)
        self.delete(MOC_NOVA_ALONE, attachment, 409)

    def test_own_nova_costs_one_look_at_the_volume(self):
        mine = self.cinder.add_volume()
        with mock.patch.object(holder, 'of_volume',
                               wraps=holder.of_volume) as asked:
            attachment = self.reserve(OWN_NOVA, mine, connector=COMPUTE1)
            self.assertEqual(0, asked.call_count)
            self.delete(OWN_NOVA, attachment)
            self.assertEqual(1, asked.call_count)

    def test_a_server_of_own_nova_that_is_gone(self):
        mine = self.cinder.add_volume()
        self.delete(ALICE, self.attach(OWN_NOVA, mine))
        self.assertFree(mine)

    def test_own_nova_is_away(self):
        mine = self.cinder.add_volume()
        attachment = self.attach(OWN_NOVA, mine)
        self.cinder.own_nova.failure = (
            cinder_api.ksa_exceptions.ConnectFailure())
        self.delete(ALICE, attachment, 500)
        self.assertIntact(mine)

    def test_user_who_attaches_by_himself(self):
        for server in (None, ANOTHER):
            mine = self.cinder.add_volume()
            attachment = self.attach(ALICE, mine, server, LAPTOP)
            self.assertEqual('laptop', self.volume(mine)[
                'attachments'][0]['host_name'])
            self.delete(ALICE, attachment)
            self.assertFree(mine)

    def test_the_old_way(self):
        mine = self.cinder.add_volume()
        self.act(ALICE, mine, 'os-reserve')
        self.act(ALICE, mine, 'os-initialize_connection', 200,
                 connector=LAPTOP)
        self.act(ALICE, mine, 'os-attach', mountpoint='/dev/vdb',
                 host_name='laptop')
        self.act(ALICE, mine, 'os-begin_detaching')
        self.act(ALICE, mine, 'os-terminate_connection', connector=LAPTOP)
        self.act(ALICE, mine, 'os-detach')
        self.assertFree(mine)


class TestLegacy(TestCase):
    """Attachments that are older than the protection."""

    #: What Cinder alone answers to a user who deletes one.
    alone = 200

    def protect(self):
        """Not yet."""

    def begin(self):
        super().protect()

    def test_cinder_alone(self):
        """Why all this."""
        mine = self.cinder.add_volume()
        self.delete(ALICE, self.attach(MOC_NOVA, mine), self.alone)

    def test_its_nova_goes_on(self):
        mine = self.cinder.add_volume()
        attachment = self.attach(MOC_NOVA, mine)
        self.begin()
        self.assertNotIn('os-mixmatch:holder', self.shown(attachment))
        self.delete(MOC_NOVA_ALONE, attachment)
        self.assertFree(mine)

    def test_it_is_protected_when_the_server_moves(self):
        mine = self.cinder.add_volume()
        attachment = self.attach(MOC_NOVA, mine)
        self.begin()
        moved = self.reserve(MOC_NOVA, mine, connector={
            'host': 'compute2', 'initiator': 'iqn.of.compute2'})
        self.complete(MOC_NOVA, moved)
        self.delete(MOC_NOVA, attachment)
        self.delete(ALICE, moved, 409)

    def test_it_is_protected_when_it_is_connected(self):
        """Its server was shelved, or it was just about to be attached."""
        mine = self.cinder.add_volume()
        attachment = self.reserve(MOC_NOVA, mine)
        self.begin()
        self.update(MOC_NOVA, attachment, COMPUTE1)
        self.delete(ALICE, attachment, 409)
        self.assertEqual('moc', self.shown(attachment)[
            'os-mixmatch:holder']['home'])


class TestStorageOnly(TestCase):
    """A cloud of Keystone and Cinder alone."""

    storage_only = True

    def test_other_clouds(self):
        mine = self.cinder.add_volume()
        attachment = self.attach(MOC_NOVA, mine)
        self.delete(ALICE, attachment, 409)
        self.assertIntact(mine)
        self.delete(MOC_NOVA, attachment)
        self.assertFree(mine)
        self.delete(MOC_NOVA_ALONE, self.attach(MOC_NOVA_ALONE, mine))
        self.assertFree(mine)

    def test_what_a_user_attaches_by_himself(self):
        mine = self.cinder.add_volume()
        self.delete(ALICE, self.attach(ALICE, mine))
        self.assertFree(mine)
        self.attach(ALICE, mine)
        self.act(ALICE, mine, 'os-detach')
        self.assertEqual('available', self.volume(mine)['status'])

    def test_reserved(self):
        self.delete(ALICE, self.reserve(MOC_NOVA, self.cinder.add_volume()))


class TestStorageOnlyLegacy(TestLegacy):
    """Nobody can be asked about those that are older."""

    storage_only, alone = True, 500

    def test_the_user_does_not_remove_it(self):
        mine = self.cinder.add_volume()
        attachment = self.attach(MOC_NOVA, mine)
        self.begin()
        self.assertIn('not known', self.delete(ALICE, attachment, 409).text)
        self.assertIntact(mine)


class TestHosts(TestCase):
    """Two clouds have a host of the same name."""

    def hosts(self, volume_id):
        return [each['host'] for each in
                self.cinder.storage.connected[volume_id]]

    def test_told_apart(self):
        shared = self.cinder.add_volume(multiattach=True)
        self.attach(OWN_NOVA, shared, ANOTHER, COMPUTE2)
        self.attach(MOC_NOVA, shared)
        self.attach(NU_NOVA, shared, cinder_api.PROJECT, {
            'host': 'compute1', 'initiator': 'iqn.of.nu'})
        self.assertEqual(['compute1', 'moc5678--compute1',
                          'nu5678-i-compute1'], self.hosts(shared))

    def test_the_same_each_time(self):
        mine = self.cinder.add_volume()
        attachment = self.attach(MOC_NOVA, mine)
        self.update(MOC_NOVA, attachment, COMPUTE1)
        self.assertEqual(['moc5678--compute1'] * 2, self.hosts(mine))

    def test_connected_at_once(self):
        mine = self.cinder.add_volume()
        self.reserve(MOC_NOVA, mine, connector=COMPUTE1)
        self.assertEqual(['moc5678--compute1'], self.hosts(mine))


class TestShown(TestCase):
    """The landlord sees who holds what; nobody else does."""

    def setUp(self):
        super().setUp()
        self.mine = self.cinder.add_volume()
        self.attachment = self.attach(MOC_NOVA, self.mine)
        self.holder = {
            'home_id': 'moc5678-id-of-domain', 'home': 'moc',
            'user_id': 'id-of-alice', 'user': 'alice'}

    def test_attachment(self):
        shown = self.shown(self.attachment)
        self.assertEqual(self.holder, shown['os-mixmatch:holder'])
        self.assertEqual(SERVER, shown['instance'])

    def test_list_of_attachments(self):
        [shown] = self.send(ADMIN, 'GET', '/attachments/detail?all_tenants=1',
                            status=200).json['attachments']
        self.assertEqual(self.holder, shown['os-mixmatch:holder'])

    def test_volume(self):
        [shown] = self.volume(self.mine)['attachments']
        self.assertEqual(self.holder, shown['os-mixmatch:holder'])
        self.assertEqual(SERVER, shown['server_id'])

    def test_users_see_what_they_always_saw(self):
        for path in (f'/attachments/{self.attachment}',
                     f'/volumes/{self.mine}', '/attachments/detail',
                     '/volumes/detail'):
            text = self.send(ALICE, 'GET', path, status=200).text
            self.assertNotIn('mixmatch', text)
            self.assertNotIn('id-of-domain', text)


class TestLoading(base.BaseTestCase):

    def setUp(self):
        super().setUp()
        self.useFixture(cinder_api.CinderLeftAlone())

    def test_filter_passes_all_on(self):
        application = object()
        self.assertIs(application, protection.factory({})(application))
        first = patch.owner_of(protection.AUTHORIZE)
        self.assertIsNotNone(first)
        # Several pipelines may have it.
        protection.factory({})
        self.assertIs(first, patch.owner_of(protection.AUTHORIZE))

    def test_cinder_that_does_not_fit_does_not_start(self):
        """Nor is it changed."""
        other = mock.patch('cinder.volume.api.API.attachment_deletion_allowed',
                           lambda self, attachment: None)
        with other:
            self.assertRaises(patch.DoesNotFit, protection.factory, {})
        self.assertIsNone(patch.owner_of(protection.AUTHORIZE))
