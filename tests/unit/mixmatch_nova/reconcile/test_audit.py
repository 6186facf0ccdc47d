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


"""Home with two cells, a project at bu, and what they say of each other."""

import re

from mixmatch_nova.reconcile import audit
from mixmatch_nova.reconcile import cells
from mixmatch_nova.reconcile import journal
from mixmatch_nova import target
from tests.unit.mixmatch_nova import base
from tests.unit.mixmatch_nova import home_cells

SUBJECT = target.Subject(base.AT_BU, base.VOLUME, base.SERVER)
OTHER = '44444444-0000-4000-8000-000000000004'
UNKNOWN_SERVER = '55555555-0000-4000-8000-000000000005'
FOUND = (base.AT_BU, base.VOLUME, base.SERVER, base.ATTACHMENT)


class AuditTestCase(base.NovaTestCase):

    def setUp(self):
        super().setUp()
        self.nova = self.useFixture(home_cells.Cells('cell0', 'cell1'))
        self.cells = cells.list_cells()
        #: what happens between two looks
        self.meanwhile = []
        self.patch(audit, '_wait', self.wait)
        #: id -> (volume, server), of each attachment at bu
        self.there = {}
        url = f'{self.bu.cinder_url}/attachments'
        self.clouds.mock.get(url, json=self.page)
        self.clouds.mock.get(re.compile(f'{url}/.*'), json=self.show)
        self.clouds.mock.delete(re.compile(f'{url}/.*'), json=self.delete)
        self.refusal = None

    def wait(self):
        for each in self.meanwhile:
            each()

    def page(self, request, context):
        """Two at once, as Cinder does with a thousand."""
        if self.refusal:
            context.status_code = self.refusal
            return {}
        ids = list(self.there)
        marker = request.qs.get('marker')
        begin = ids.index(marker[0]) + 1 if marker else 0
        return {'attachments': [
            {'id': each, 'volume_id': self.there[each][0],
             'instance': self.there[each][1], 'status': 'attached'}
            for each in ids[begin:begin + 2]]}

    def show(self, request, context):
        return self.known(request, context) and {'attachment': {}}

    def delete(self, request, context):
        if not self.known(request, context):
            return {}
        del self.there[request.path.rpartition('/')[2]]
        return {'attachments': []}

    def known(self, request, context):
        if request.path.rpartition('/')[2] in self.there:
            return True
        context.status_code = 404
        return {}

    def attached(self):
        """A server has a volume of bu."""
        self.nova.add_server(base.SERVER)
        self.map()
        self.there[base.ATTACHMENT] = (base.VOLUME, base.SERVER)

    def map(self, **values):
        self.nova.add_mapping(base.SERVER, base.VOLUME, base.ATTACHMENT,
                              base.AT_BU, **values)

    def deleted_meanwhile(self):
        """The server is deleted at home, and bu was not told."""
        self.nova.add_server(base.SERVER, deleted=1)
        self.map(deleted=1)
        self.there[base.ATTACHMENT] = (base.VOLUME, base.SERVER)

    def record(self, cell=1, attachment_id=base.ATTACHMENT):
        return journal.add(self.cells[cell].context, SUBJECT, attachment_id)


class TestAudit(AuditTestCase):

    def setUp(self):
        super().setUp()
        self.audit = audit.Audit(self.federation, self.cells)

    def check(self):
        return [(each.kind, each.target, each.volume_id, each.server_id,
                 each.attachment_id) for each in self.audit.check()]

    def assertFound(self, *kinds):
        self.assertEqual([(kind, *FOUND) for kind in kinds], self.check())

    def test_nothing(self):
        self.assertFound()
        self.assertEqual([], self.asked('bu'))

    def test_all_agree(self):
        self.attached()
        self.assertFound()

    def test_volumes_of_home_are_not_compared(self):
        self.nova.add_mapping(base.SERVER, base.HOME_VOLUME, OTHER, None)
        self.assertFound()
        self.assertEqual([], self.asked('bu'))

    def test_orphan(self):
        self.deleted_meanwhile()
        self.assertFound(audit.ORPHAN)

    def test_orphan_among_many(self):
        self.attached()
        for number in range(5):
            self.there[f'66666666-0000-4000-8000-00000000000{number}'] = (
                base.VOLUME, UNKNOWN_SERVER)
        self.there[OTHER] = (base.VOLUME, base.SERVER)
        self.assertEqual([(audit.ORPHAN, base.AT_BU, base.VOLUME,
                           base.SERVER, OTHER)], self.check())

    def test_others_are_no_orphans(self):
        """Of another cloud, of no server, of nonsense."""
        self.attached()
        self.there[OTHER] = (base.VOLUME, UNKNOWN_SERVER)
        self.there[base.HOME_VOLUME] = (base.VOLUME, None)
        self.there['\033[31m'] = (base.VOLUME, base.SERVER)
        self.assertFound()

    def test_server_of_any_cell(self):
        self.attached()
        self.nova.add_server(UNKNOWN_SERVER, cell='cell0')
        self.there[OTHER] = (base.VOLUME, UNKNOWN_SERVER)
        self.assertEqual([(audit.ORPHAN, base.AT_BU, base.VOLUME,
                           UNKNOWN_SERVER, OTHER)], self.check())

    def test_mapping_of_any_cell(self):
        self.there[base.ATTACHMENT] = (base.VOLUME, base.SERVER)
        self.map(cell='cell0')
        self.assertFound()

    def test_lost(self):
        self.attached()
        self.there.clear()
        self.assertFound(audit.LOST)

    def test_whatever_the_volume_was_made_of(self):
        for source_type in ('snapshot', 'image', 'blank'):
            self.map(source_type=source_type)
            self.assertFound(audit.LOST)
            self.nova.forget_mappings()

    def test_volume_that_is_not_made_yet(self):
        self.nova.add_mapping(base.SERVER, None, None, base.AT_BU,
                              source_type='snapshot')
        self.assertFound()

    def test_not_in_the_list_but_there(self):
        self.attached()
        self.there.clear()
        self.clouds.mock.get(
            f'{self.bu.cinder_url}/attachments/{base.ATTACHMENT}',
            json={'attachment': {}})
        self.assertFound()

    def test_on_record(self):
        self.deleted_meanwhile()
        self.record()
        self.assertFound(audit.ON_RECORD)

    def test_on_record_by_two_processes(self):
        for cell in (0, 1, 1):
            self.record(cell)
        self.assertFound(audit.ON_RECORD)

    def test_on_record_when_the_mapping_is_purged(self):
        """The record is the only one that still knows bu's project."""
        self.deleted_meanwhile()
        noted = self.record()
        self.nova.forget_mappings()
        self.assertFound(audit.ON_RECORD)
        journal.resolve(self.cells[1].context, noted)
        self.assertFound()

    def test_silent(self):
        self.attached()
        self.refusal = 503
        found, = self.audit.check()
        self.assertEqual((audit.SILENT, base.AT_BU),
                         (found.kind, found.target))
        self.assertIn('503', found.reason)

    def test_one_that_is_silent_hides_nothing(self):
        self.deleted_meanwhile()
        self.nova.add_mapping(UNKNOWN_SERVER, OTHER, OTHER,
                              target.Target('gone', 'some-project'))
        kinds = [each.kind for each in self.audit.check()]
        self.assertEqual([audit.ORPHAN, audit.SILENT], kinds)

    def test_attach_under_way(self):
        """Bu has the attachment, home a moment later."""
        self.nova.add_server(base.SERVER)
        self.map(deleted=1)
        self.there[base.ATTACHMENT] = (base.VOLUME, base.SERVER)
        self.meanwhile = [self.map]
        self.assertFound()

    def test_begun_between_the_looks(self):
        self.deleted_meanwhile()
        self.meanwhile = [lambda: self.there.update(
            {OTHER: (base.VOLUME, base.SERVER)})]
        self.assertEqual([audit.ORPHAN, audit.UNDER_WAY],
                         [each.kind for each in self.audit.check()])

    def test_server_that_is_busy(self):
        self.deleted_meanwhile()
        self.nova.change_server(base.SERVER, deleted=0,
                                task_state='migrating')
        self.assertFound(audit.UNDER_WAY)

    def test_release(self):
        self.deleted_meanwhile()
        finding, = self.audit.check()
        self.assertTrue(self.audit.may_release(finding))
        self.assertTrue(self.audit.release(finding))
        self.assertEqual({}, self.there)
        self.assertFound()

    def test_release_of_what_is_on_record(self):
        self.deleted_meanwhile()
        for cell in (0, 1):
            self.record(cell)
        finding, = self.audit.check()
        self.audit.release(finding)
        self.assertFound()

    def test_release_of_what_is_gone(self):
        self.record()
        finding, = self.audit.check()
        self.assertFalse(self.audit.release(finding))
        self.assertFound()

    def test_what_may_not_be_released(self):
        self.attached()
        self.record()
        self.record(attachment_id=None)
        found = self.audit.check()
        self.assertEqual([audit.ON_RECORD] * 2,
                         [each.kind for each in found])
        for each in found:
            self.assertFalse(self.audit.may_release(each))

    def test_checking_changes_nothing(self):
        self.attached()
        self.there[OTHER] = (base.VOLUME, base.SERVER)
        self.record()
        self.audit.check()
        self.assertEqual({'GET'}, {each.split()[0]
                                   for each in self.asked('bu')})
        self.assertEqual([], self.clouds.leaks())
