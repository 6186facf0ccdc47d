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
from mixmatch_cinder.provider import owner
from mixmatch_cinder.provider import protection
from tests.functional.cinder import cinder_api
from tests.functional.cinder import protected

ADMIN, ALICE = cinder_api.ADMIN, cinder_api.ALICE
OWN_NOVA = cinder_api.OWN_NOVA
NU_NOVA, MOC_NOVA = cinder_api.NU_NOVA, cinder_api.MOC_NOVA
MOC_NOVA_ALONE = cinder_api.MOC_NOVA_ALONE
SERVER, ANOTHER = protected.SERVER, protected.ANOTHER
COMPUTE1 = protected.COMPUTE1
COMPUTE2, LAPTOP = protected.COMPUTE2, protected.LAPTOP


class TestHeld(protected.TestCase):
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
            cinder_api.person('nova@moc', 'k2k_nova',
                              domain=cinder_api.DOMAINS['moc']),
            # Some of it by policy.
            (403, 404, 409))

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
        self.assertEqual([again], list(owner.list_for_volume(
            context, self.mine)))

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


class TestReset(protected.TestCase):
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


class TestReserved(protected.TestCase):
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


class TestForged(protected.TestCase):
    """Attachments that a user makes in the name of a server of moc."""

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
        self.assertIn('created by a user', fault)
        self.delete(ALICE, forged)
        self.attach(MOC_NOVA, mine)
        self.assertIntact(mine)

    def test_metadata_is_not_believed(self):
        mine = self.cinder.add_volume()
        attachment = self.attach(ALICE, mine)
        value = owner.Owner(cinder_api.DOMAINS['moc'], 'moc', 'x',
                            'x').dump()
        self.send(ALICE, 'POST', f'/volumes/{mine}/metadata', {
            'metadata': {f'mixmatch:{attachment}': value}}, 200)
        self.act(ALICE, mine, 'os-set_image_metadata', 200,
                 metadata={f'mixmatch:{attachment}': value})
        self.delete(ALICE, attachment)


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
