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


"""The command mixmatch-nova, from its arguments to its exit code."""

import json
import subprocess
import sys

import fixtures as base_fixtures
from oslo_db import exception as db_exception

from mixmatch_nova.cmd import manage
from mixmatch_nova.reconcile import cells
from mixmatch_nova.reconcile import journal
from mixmatch_nova import target
from tests.unit.mixmatch_nova import base
from tests.unit.mixmatch_nova.reconcile import test_audit


class TestCommand(test_audit.AuditTestCase):

    def setUp(self):
        super().setUp()
        # The rest is shown in a process of its own, below.
        self.patch(manage, '_configure', lambda files: self.federation)

    def run_command(self, *argv):
        """:returns: the exit code, and what was printed"""
        name = f'stdout{len(argv)}'
        stream = self.useFixture(base_fixtures.StringStream(name)).stream
        with base_fixtures.MonkeyPatch('sys.stdout', stream):
            code = manage.main(list(argv))
        stream.seek(0)
        return code, stream.read()

    def assertSaid(self, code, *words, argv=('check',)):
        found, text = self.run_command(*argv)
        for word in words:
            self.assertIn(word, text)
        self.assertEqual(code, found)

    def test_all_agree(self):
        self.attached()
        self.assertEqual(
            (0, '0 orphans, 0 lost, 0 unfinished, 0 on record, 0 silent, '
             '0 under way\n'),
            self.run_command('check'))

    def test_orphan_and_its_remedy(self):
        self.deleted_meanwhile()
        self.assertSaid(1, 'orphan: ', 'bu', base.SERVER, base.VOLUME,
                        f'mixmatch-nova release {base.ATTACHMENT}',
                        '\n1 orphan, 0 lost')

    def test_lost_and_its_remedy(self):
        self.attached()
        self.there.clear()
        self.assertSaid(1, 'lost: ', 'bu', f'openstack server remove volume '
                        f'{base.SERVER} {base.VOLUME}', '1 lost')

    def test_unfinished_and_its_remedy(self):
        self.nova.add_server(base.SERVER)
        self.nova.add_mapping(base.SERVER, base.VOLUME, None, base.AT_BU,
                              age=60)
        self.assertSaid(1, 'unfinished: ', 'bu', 'openstack server remove '
                        f'volume {base.SERVER} {base.VOLUME}',
                        '1 unfinished')

    def volume_at_bu(self, status):
        self.bu.add_volume(base.VOLUME, status=status)
        return self.clouds.mock.post(
            f'{self.bu.cinder_url}/volumes/{base.VOLUME}/action',
            status_code=202)

    def test_reset(self):
        self.record()
        action = self.volume_at_bu('attaching')
        self.assertSaid(0, f'{base.VOLUME} at bu: made it available',
                        argv=('reset', base.VOLUME))
        self.assertIn('os-reset_status', action.last_request.json())
        self.volume_at_bu('available')
        self.assertSaid(1, 'not in the middle of anything',
                        argv=('reset', base.VOLUME))

    def test_reset_that_bu_refuses(self):
        self.attached()
        self.clouds.mock.get(
            f'{self.bu.cinder_url}/volumes/{base.VOLUME}', status_code=404)
        self.assertSaid(2, f'not reset: {base.VOLUME} at bu: its Cinder '
                        'answered HTTP 404', argv=('reset', base.VOLUME))

    def test_reset_of_what_was_never_used(self):
        self.assertSaid(1, 'not reset', argv=('reset', base.VOLUME))
        self.assertEqual([], self.asked('bu'))

    def test_on_record_while_bu_is_silent(self):
        self.deleted_meanwhile()
        self.record()
        self.refusal = 503
        self.assertSaid(1, 'on record: ', base.ATTACHMENT, 'silent: bu',
                        '1 on record, 1 silent')

    def test_looked_at_only(self):
        self.record(attachment_id=None)
        self.assertSaid(1, 'attachment to delete: none')

    def test_under_way_is_no_finding(self):
        self.deleted_meanwhile()
        self.nova.change_server(base.SERVER, deleted=0,
                                task_state='deleting')
        self.assertSaid(0, 'under way: ', '0 orphans', '1 under way')

    def test_servers_are_told_that_a_volume_has_grown(self):
        self.attached()
        self.nova.change_server(base.SERVER, host='compute1')
        told = self.useFixture(base_fixtures.MockPatch(
            'nova.compute.rpcapi.ComputeAPI')).mock.return_value
        self.assertSaid(0, 'compute1 has been told', base.SERVER,
                        argv=('extended', base.VOLUME))
        _, (server,), (event,) = told.external_instance_event.call_args.args
        self.assertEqual(
            (base.SERVER, 'volume-extended', base.VOLUME),
            (server.uuid, event.name, event.tag))

    def test_nobody_uses_the_volume_that_has_grown(self):
        self.assertSaid(1, 'no server of this cloud',
                        argv=('extended', base.VOLUME))

    def test_json(self):
        self.deleted_meanwhile()
        code, text = self.run_command('check', '--json')
        found = json.loads(text)
        self.assertEqual(1, code)
        self.assertEqual({'orphan': 1, 'lost': 0, 'unfinished': 0,
                          'on record': 0, 'silent': 0, 'under way': 0},
                         found['counts'])
        self.assertEqual([{
            'kind': 'orphan', 'volume_id': base.VOLUME,
            'server_id': base.SERVER, 'attachment_id': base.ATTACHMENT,
            'where': {'service_provider': 'bu',
                      'project_id': 'id-of-research'},
            'reason': ''}], found['findings'])

    def test_release_one_of_two(self):
        self.deleted_meanwhile()
        self.there[test_audit.OTHER] = (base.VOLUME, base.SERVER)
        self.assertSaid(0, f'released: {base.ATTACHMENT} at bu',
                        argv=('release', base.ATTACHMENT))
        self.assertEqual([test_audit.OTHER], list(self.there))

    def test_release_of_what_is_on_record(self):
        self.record()
        self.assertSaid(0, 'released', 'did not exist any more',
                        argv=('release', base.ATTACHMENT))
        self.assertEqual([], journal.list_unresolved(self.cells[1].context))

    def test_release_refuses_what_a_server_uses(self):
        self.attached()
        self.there[test_audit.OTHER] = (base.VOLUME, base.SERVER)
        self.assertSaid(1, f'not released: {base.ATTACHMENT}',
                        f'released: {test_audit.OTHER}',
                        argv=('release', base.ATTACHMENT,
                              test_audit.OTHER))
        self.assertEqual([base.ATTACHMENT], list(self.there))

    def test_release_refuses_what_others_have(self):
        self.attached()
        self.there[test_audit.OTHER] = (base.VOLUME,
                                        test_audit.UNKNOWN_SERVER)
        self.assertSaid(1, 'neither an orphan nor on record',
                        argv=('release', test_audit.OTHER))
        self.assertIn(test_audit.OTHER, self.there)

    def test_release_refuses_what_is_on_record_and_used(self):
        self.attached()
        self.record()
        self.assertSaid(1, 'detach the volume',
                        argv=('release', base.ATTACHMENT))

    def test_release_refuses_what_is_under_way(self):
        self.deleted_meanwhile()
        self.nova.change_server(base.SERVER, deleted=0,
                                task_state='deleting')
        self.assertSaid(1, 'under way', argv=('release', base.ATTACHMENT))

    def test_release_while_others_are_silent(self):
        self.deleted_meanwhile()
        self.refusal = 503
        self.nova.add_mapping(test_audit.UNKNOWN_SERVER, base.VOLUME, None,
                              target.Target('gone', 'some-project'))
        self.assertSaid(1, 'not checked, no answer from: bu, gone',
                        argv=('release', base.ATTACHMENT))

    def test_release_that_fails(self):
        self.deleted_meanwhile()
        self.clouds.mock.delete(
            f'{self.bu.cinder_url}/attachments/{base.ATTACHMENT}',
            status_code=500)
        self.assertSaid(2, 'not released', 'HTTP 500',
                        argv=('release', base.ATTACHMENT))

    def test_database_that_fails(self):
        def fail(context):
            raise db_exception.DBConnectionError('refused\nSELECT')
        self.patch(cells.objects.CellMappingList, 'get_all', fail)
        self.assertEqual((2, ''), self.run_command('check'))

    def test_no_cells(self):
        self.patch(cells.objects.CellMappingList, 'get_all',
                   lambda context: [])
        self.assertEqual((2, ''), self.run_command('check'))


class TestConfiguration(base.base.TestCase):
    """The command as an operator calls it."""

    def run_command(self, text):
        path = self.useFixture(base_fixtures.TempDir()).join('nova.conf')
        with open(path, 'w') as config:
            config.write(text)
        done = subprocess.run(
            [sys.executable, '-m', 'mixmatch_nova.cmd.manage', '--config-file',
             path, 'check'], capture_output=True, text=True, timeout=60)
        self.assertNotIn('Traceback', done.stderr)
        self.assertEqual(2, done.returncode)
        return done.stderr

    def test_not_enabled(self):
        self.assertIn('mixmatch is not enabled in ',
                      self.run_command('[DEFAULT]\n'))

    def test_no_database(self):
        self.assertIn("Nova's database cannot be used", self.run_command(
            '[DEFAULT]\nconfig_source = mixmatch\n'
            '[mixmatch]\ndriver = mixmatch\n'
            '[api_database]\nconnection = sqlite://\n'))
