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

"""Requests that the protection leaves alone, and older attachments."""

from cinder.db import api as db

from mixmatch_cinder.provider import owner
from tests.functional.cinder import cinder_api
from tests.functional.cinder import protected

ALICE, OWN_NOVA = cinder_api.ALICE, cinder_api.OWN_NOVA
MOC_NOVA = cinder_api.MOC_NOVA
MOC_NOVA_ALONE = cinder_api.MOC_NOVA_ALONE
SERVER, ANOTHER = protected.SERVER, protected.ANOTHER
COMPUTE1 = protected.COMPUTE1
LAPTOP = protected.LAPTOP


class TestAsBefore(protected.TestCase):
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


class TestLegacy(protected.TestCase):
    """Attachments that are older than the protection."""

    #: What Cinder alone answers to a user who deletes one.
    alone = 200

    def protect(self):
        """Leave Cinder without the protection at first."""

    def begin(self):
        super().protect()

    def test_cinder_alone(self):
        """Show Cinder's own behavior, which the protection changes."""
        mine = self.cinder.add_volume()
        self.delete(ALICE, self.attach(MOC_NOVA, mine), self.alone)

    def test_its_nova_goes_on(self):
        mine = self.cinder.add_volume()
        attachment = self.attach(MOC_NOVA, mine)
        self.begin()
        self.assertNotIn('os-mixmatch:holder', self.shown(attachment))
        self.delete(MOC_NOVA_ALONE, attachment)
        self.assertFree(mine)

    def test_the_user_does_not_remove_it(self):
        """That own Nova does not know it says nothing."""
        mine = self.cinder.add_volume()
        attachment = self.attach(MOC_NOVA, mine)
        self.begin()
        self.assertIn('is unknown', self.delete(ALICE, attachment, 409).text)
        self.assertIntact(mine)

    def test_the_user_removes_what_is_no_servers(self):
        mine = self.cinder.add_volume()
        attachment = self.attach(ALICE, mine, None, LAPTOP)
        reserved = self.reserve(MOC_NOVA, self.cinder.add_volume())
        self.begin()
        self.delete(ALICE, attachment)
        self.assertFree(mine)
        self.delete(ALICE, reserved)

    def test_holders_that_the_version_before_has_noted(self):
        mine = self.cinder.add_volume()
        attachment = self.attach(MOC_NOVA, mine)
        by = owner.Owner(cinder_api.DOMAINS['moc'], 'moc', 'id', 'alice')
        db.volume_admin_metadata_update(
            self.cinder.admin_context(), mine,
            {f'mixmatch:{attachment}': by.dump()}, delete=False)
        self.begin()
        self.assertEqual('moc', self.shown(attachment)[
            'os-mixmatch:holder']['home'])
        self.delete(ALICE, attachment, 409)
        self.delete(cinder_api.NU_NOVA, attachment, 409)
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


class TestStorageOnly(protected.TestCase):
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
