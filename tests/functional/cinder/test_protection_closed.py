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

"""Changes between a check and the action, and records that are missing."""

import contextlib
from unittest import mock

from cinder import context as cinder_context
from cinder import objects
import sqlalchemy as sa

from mixmatch_cinder.provider import exceptions
from tests.functional.cinder import cinder_api
from tests.functional.cinder import protected

ADMIN, ALICE = cinder_api.ADMIN, cinder_api.ALICE
OWN_NOVA = cinder_api.OWN_NOVA
NU_NOVA, MOC_NOVA = cinder_api.NU_NOVA, cinder_api.MOC_NOVA
MOC_NOVA_ALONE = cinder_api.MOC_NOVA_ALONE
SERVER, ANOTHER = protected.SERVER, protected.ANOTHER
COMPUTE1, LAPTOP = protected.COMPUTE1, protected.LAPTOP
volume_api = cinder_api.api['volume.api']
volume_manager = cinder_api.api['volume.manager']
#: What Nova of moc is without its service token.
UNPROVEN = cinder_api.person('nova@moc', 'k2k_nova',
                             domain=cinder_api.DOMAINS['moc'])
DETACHED = {'status': 'available', 'attach_status': 'detached'}


@contextlib.contextmanager
def meanwhile(owner, name, done, after=False):
    """Have something done once, when a function of Cinder is called."""
    original = getattr(owner, name)
    left = [done]

    def called(*args, **kwargs):
        if left and not after:
            left.pop()()
        result = original(*args, **kwargs)
        if left:
            left.pop()()
        return result

    with mock.patch.object(owner, name, called):
        yield


class TestOvertaken(protected.TestCase):
    """Another request is in between."""

    def test_os_attach_does_not_erase_a_holder(self):
        """Cinder saves the admin metadata that it had read before."""
        shared = self.cinder.add_volume(multiattach=True)
        held = []
        with meanwhile(volume_manager.VolumeManager,
                       '_notify_about_volume_usage',
                       lambda: held.append(self.reserve(
                           MOC_NOVA, shared, connector=COMPUTE1))):
            self.act(ALICE, shared, 'os-attach', mountpoint='/dev/vdb',
                     host_name='laptop')
        self.complete(MOC_NOVA, *held)
        self.assertEqual('moc', self.shown(*held)[
            'os-mixmatch:holder']['home'])
        self.delete(ALICE, *held, status=409)
        self.assertIntact(shared)

    def test_os_detach_of_nothing(self):
        mine = self.cinder.add_volume()
        with meanwhile(volume_api.API, 'attachment_deletion_allowed',
                       lambda: self.attach(MOC_NOVA, mine), after=True):
            self.act(ALICE, mine, 'os-detach', 409)
        self.assertIntact(mine)

    def test_os_detach_of_what_has_just_gone(self):
        """The export is another's by then."""
        mine = self.cinder.add_volume()
        own = self.attach(ALICE, mine, None, LAPTOP)

        def change():
            self.delete(ALICE, own)
            self.attach(MOC_NOVA, mine)

        with meanwhile(volume_api.API, 'attachment_deletion_allowed',
                       change, after=True):
            self.act(ALICE, mine, 'os-detach')
        self.assertIntact(mine)

    def test_os_detach_while_an_attachment_is_made(self):
        """The volume is reserved before there is one."""
        mine = self.cinder.add_volume()
        self.act(ADMIN, mine, 'os-reset_status', status='reserved')
        self.assertIn('is being attached', self.act(
            ALICE, mine, 'os-detach', 409).text)
        self.assertEqual('reserved', self.volume(mine)['status'])

    def test_os_detach_of_nothing_still_frees_a_volume(self):
        mine = self.cinder.add_volume()
        for status in ('attaching', 'detaching', 'error'):
            self.act(ADMIN, mine, 'os-reset_status', status=status)
            self.act(ALICE, mine, 'os-detach')
            self.assertEqual('available', self.volume(mine)['status'])


    def test_what_is_reserved_is_removed_and_connected(self):
        """Cinder looks at it once, and deletes it later."""
        mine = self.cinder.add_volume()
        attachment = self.reserve(MOC_NOVA, mine)
        with meanwhile(
                volume_api.API, 'attachment_deletion_allowed',
                lambda: self.update(MOC_NOVA, attachment, COMPUTE1, 409),
                after=True):
            self.delete(ALICE, attachment)
        self.assertEqual({}, self.cinder.storage.connected)
        self.assertEqual('available', self.volume(mine)['status'])

    def test_what_is_reserved_is_connected_and_removed(self):
        mine = self.cinder.add_volume()
        attachment = self.reserve(MOC_NOVA, mine)
        with meanwhile(volume_manager.VolumeManager,
                       '_notify_about_volume_usage',
                       lambda: self.delete(ALICE, attachment, 409)):
            self.update(MOC_NOVA, attachment, COMPUTE1)
        self.complete(MOC_NOVA, attachment)
        self.assertIntact(mine)

    def test_what_could_not_be_connected_is_reserved_again(self):
        attachment = self.reserve(MOC_NOVA, self.cinder.add_volume())
        with mock.patch.object(self.cinder.storage, 'initialize_connection',
                               autospec=True, side_effect=ValueError):
            self.update(MOC_NOVA, attachment, COMPUTE1, 500)
        self.assertEqual('reserved', self.shown(attachment)['status'])
        self.delete(ALICE, attachment)


class TestUnproven(protected.TestCase):
    """Nova of moc without its service token, or with one that is not its."""

    def setUp(self):
        super().setUp()
        self.mine = self.cinder.add_volume()
        self.attachment = self.attach(OWN_NOVA, self.mine)
        self.cinder.own_nova.attached[SERVER, self.mine] = self.attachment

    def assertNothing(self, who):
        self.act(who, self.mine, 'os-reset_status', 403, **DETACHED)
        self.delete(who, self.attachment, 403)
        self.update(who, self.attachment, LAPTOP, 403)
        self.complete(who, self.attachment, 403)
        self.reserve(who, self.cinder.add_volume(), status=403)
        self.assertIntact(self.mine)

    def test_without_a_service_token(self):
        self.assertNothing(UNPROVEN)

    def test_with_one_of_another_cloud(self):
        self.assertNothing({**UNPROVEN, **cinder_api.service(
            'nu', 'k2k_nova')})

    def test_with_one_that_has_another_role(self):
        self.assertNothing({**UNPROVEN, **cinder_api.service(
            'moc', 'member')})

    def test_with_its_own(self):
        self.act(MOC_NOVA_ALONE, self.mine, 'os-reset_status', 409,
                 **DETACHED)
        self.assertIntact(self.mine)

    def test_service_token_without_a_domain(self):
        """It is no service of this cloud for that."""
        odd = {**ALICE, **cinder_api.service('moc', 'k2k_nova')}
        del odd['X-Service-User-Domain-Id']
        self.delete(odd, self.attachment, 409)
        self.assertIntact(self.mine)

    def test_a_user_who_has_that_role_as_well(self):
        """Is a user."""
        both = cinder_api.person('alice', 'member', 'reader', 'k2k_nova')
        own = self.attach(both, self.cinder.add_volume(), None, LAPTOP)
        self.delete(both, own)
        self.act(both, self.mine, 'os-reset_status', 403, **DETACHED)


class TestOldWay(protected.TestCase):
    """Actions that attach and connect a volume without an attachment."""

    def assertRefused(self, volume_id, who=ALICE):
        self.act(who, volume_id, 'os-initialize_connection', 409,
                 connector=LAPTOP)
        self.act(who, volume_id, 'os-attach', 409, mountpoint='/dev/vdb',
                 host_name='laptop')
        self.act(who, volume_id, 'os-terminate_connection', 409,
                 connector=LAPTOP)

    def test_what_another_cloud_holds(self):
        mine = self.cinder.add_volume()
        attachment = self.reserve(MOC_NOVA, mine)
        self.assertRefused(mine)
        self.update(MOC_NOVA, attachment, COMPUTE1)
        self.complete(MOC_NOVA, attachment)
        for who in (ALICE, NU_NOVA, OWN_NOVA, ADMIN):
            self.assertRefused(mine, who)
        self.assertIntact(mine)

    def test_what_is_behind_it(self):
        """No new image, and no deletion by force, under a server of moc."""
        mine = self.cinder.add_volume()
        attachment = self.reserve(MOC_NOVA, mine)
        context = cinder_context.RequestContext(
            'id-of-alice', cinder_api.PROJECT, roles=['member', 'reader'])
        self.assertRaises(
            exceptions.AttachmentProtected, volume_api.API().reimage, context,
            objects.Volume.get_by_id(context, mine), ANOTHER, True)
        self.act(ADMIN, mine, 'os-force_delete', 409)
        self.delete(ALICE, attachment)

    def test_what_os_attach_makes_is_the_users(self):
        mine = self.cinder.add_volume()
        self.act(ALICE, mine, 'os-attach', mountpoint='/dev/vdb',
                 instance_uuid=SERVER)
        [shown] = self.volume(mine)['attachments']
        self.assertEqual('alice', shown['os-mixmatch:holder']['user'])
        self.assertIsNone(shown['os-mixmatch:holder']['home_id'])
        self.act(ALICE, mine, 'os-detach')
        self.assertEqual('available', self.volume(mine)['status'])

    def test_nova_of_another_cloud(self):
        """Its hosts have the same names as by attachments."""
        mine = self.cinder.add_volume()
        self.act(MOC_NOVA, mine, 'os-initialize_connection', 200,
                 connector=COMPUTE1)
        self.assertEqual(['0a0c5678-compute1'], [
            each['host'] for each in self.cinder.storage.connected[mine]])
        self.act(MOC_NOVA, mine, 'os-terminate_connection',
                 connector=COMPUTE1)
        self.assertFree(mine)


class TestNames(protected.TestCase):
    """A user's connector with the name of a host of another cloud."""

    def assertNotTaken(self, host):
        connector = {**LAPTOP, 'host': host}
        other = self.cinder.add_volume()
        self.reserve(ALICE, other, None, connector, status=409)
        attachment = self.reserve(ALICE, self.cinder.add_volume(), None)
        self.update(ALICE, attachment, connector, 409)
        for action in ('initialize', 'terminate'):
            self.assertIn('another cloud', self.act(
                ALICE, self.cinder.add_volume(), f'os-{action}_connection',
                409, connector=connector).text)

    def test_as_they_are_made(self):
        for host in ('0a0c5678-compute1', ' 0A0C5678_compute1',
                     '0a0c 5678-compute1.moc', 'default-compute1'):
            self.assertNotTaken(host)
        self.assertEqual({}, self.cinder.storage.connected)

    def test_of_a_domain_whose_id_an_operator_has_chosen(self):
        nova = {**MOC_NOVA, 'X-Service-User-Domain-Id': 'the-domain-of-moc'}
        self.attach(nova, self.cinder.add_volume())
        self.assertNotTaken('the-doma-compute1')

    def test_other_names(self):
        for host in ('laptop', 'deadbeef', '0a0c567-compute1', 'a0a0c5678-x'):
            attachment = self.attach(ALICE, self.cinder.add_volume(), None,
                                     {**LAPTOP, 'host': host})
            self.delete(ALICE, attachment)

    def test_own_hosts_have_any_name(self):
        attachment = self.attach(
            OWN_NOVA, self.cinder.add_volume(), connector={
                **COMPUTE1, 'host': '0a0c5678-compute1'})
        self.delete(OWN_NOVA, attachment)


class TestCost(protected.TestCase):
    """Queries of Cinder's database that the protection adds."""

    def queries(self, what):
        seen = []

        def executed(connection, cursor, statement, *rest):
            seen.append(statement)

        sa.event.listen(sa.engine.Engine, 'before_cursor_execute', executed)
        try:
            what()
        finally:
            sa.event.remove(sa.engine.Engine, 'before_cursor_execute',
                            executed)
        return [each for each in seen if 'driver_initiator_data' in each]

    def test_lists(self):
        for _ in range(3):
            self.attach(MOC_NOVA, self.cinder.add_volume())
        for path in ('/volumes/detail', '/attachments/detail'):
            asked = self.queries(lambda path=path: self.send(
                ADMIN, 'GET', path, status=200))
            self.assertEqual(1, len(asked), path)
            self.assertEqual([], self.queries(lambda path=path: self.send(
                ALICE, 'GET', path, status=200)))

    def test_own_nova(self):
        mine = self.cinder.add_volume()
        made = []
        for count, what in (
                (1, lambda: made.append(self.reserve(OWN_NOVA, mine))),
                (1, lambda: self.update(OWN_NOVA, made[0], COMPUTE1)),
                (1, lambda: self.complete(OWN_NOVA, made[0])),
                (2, lambda: self.delete(OWN_NOVA, made[0]))):
            self.assertEqual(count, len(self.queries(what)))
