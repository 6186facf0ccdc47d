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

"""Bits of images of another cloud that are kept at home."""

import os
import pathlib
from unittest import mock
import uuid

import fixtures
from oslo_db import exception as db_exception

from mixmatch_glance import bits_cache
from tests.unit_glance import base
from tests.unit_glance import test_file

PATH, BITS = test_file.PATH, test_file.BITS


class CacheTestCase(test_file.FileTestCase):

    options = 'cache_images = true\n'
    driver = 'centralized_db'

    def setUp(self):
        folder = self.useFixture(fixtures.TempDir()).path
        self.folder = pathlib.Path(folder)
        self.glance_options = (
            ('image_cache_dir', folder, None),
            ('image_cache_driver', self.driver, None),
            ('worker_self_reference_url', 'http://glance-1', None))
        super().setUp()
        self.logged = self.useFixture(fixtures.FakeLogger(
            'mixmatch_glance.bits_cache'))
        self.bu.add(base.IMAGE, BITS)

    def download(self, **kwargs):
        """Download all bits, or a range; the status."""
        response = self.send(PATH, **kwargs)
        # NOTE: reading it closes it.
        if response.body != BITS:
            self.assertEqual(206, response.status_int)
        return response

    def ranges(self):
        """Return the ranges of the downloads at bu, since the last time."""
        found = [headers['Range'] for _, _, headers, _ in self.bu.sent(
            below='/file')]
        self.bu.requests.clear()
        return found

    def files(self):
        """Return the names of files in the cache and its subfolders."""
        return sorted(path.name for path in self.folder.rglob('*')
                      if path.is_file() and not path.name.startswith('mix'))

    def assert_kept(self):
        self.assertEqual(200, self.download().status_int)
        self.assertEqual(['bytes=0-0'], self.ranges())

    def assert_not_kept(self):
        self.assertEqual([], self.files())
        self.assertEqual(200, self.download().status_int)
        self.assertEqual([None], self.ranges())


class TestCache(CacheTestCase):

    def test_second_download(self):
        first = self.download()
        self.assertEqual([None], self.ranges())
        second = self.download()
        self.assertEqual(['bytes=0-0'], self.ranges())
        names = ('Content-Length', 'Content-Type', 'Content-MD5')
        self.assertEqual([first.headers[each] for each in names],
                         [second.headers[each] for each in names])
        self.assertEqual([], self.clouds.leaks())

    def test_another_process(self):
        self.download()
        self.ranges()
        self.restart()
        self.assert_kept()

    def test_range_of_what_is_kept(self):
        headers = {'Range': 'bytes=10-19'}
        self.assertEqual(BITS[10:20], self.download(headers=headers).body)
        self.assertEqual(['bytes=10-19'], self.ranges())
        self.assertEqual([], self.files())
        self.download()
        self.ranges()
        response = self.download(headers=headers)
        self.assertEqual((206, BITS[10:20], f'bytes 10-19/{len(BITS)}'), (
            response.status_int, response.body,
            response.headers['Content-Range']))
        self.assertEqual(['bytes=0-0'], self.ranges())

    def test_who_may_not_have_the_bits(self):
        self.download()
        for status in (403, 404):
            self.answer((status, {}, {}))
            self.assertEqual(status, self.send(PATH).status_int)

    def test_provider_is_away(self):
        self.download()
        self.answer((503, {}, {}))
        self.assertEqual(503, self.send(PATH).status_int)

    def test_provider_does_not_answer_as_asked(self):
        self.download()
        self.answer(test_file.sends(200, BITS))
        self.assertEqual(502, self.send(PATH).status_int)

    def test_other_bits_by_the_same_id(self):
        self.download()
        self.ranges()
        self.bu.delete(base.IMAGE)
        others = BITS[::-1]
        self.mit.add(base.IMAGE, others)
        self.restart()
        self.assertEqual(others, self.send(PATH).body)

    def test_broken_download(self):
        self.answer(test_file.sends(200, BITS[:-1] + b'x'))
        self.broken()
        self.answer(lambda handler: handler.send_bits(BITS))
        self.ranges()
        self.assert_not_kept()

    def test_client_goes(self):
        for count in (0, 1):
            response = self.send(PATH)
            for _ in range(count):
                next(iter(response.app_iter))
            response.app_iter.close()
        self.ranges()
        self.assert_not_kept()

    def test_two_at_the_same_time(self):
        first, second = self.send(PATH), self.send(PATH)
        pieces = iter(first.app_iter)
        begun = next(pieces)
        self.assertEqual(BITS, second.body)
        self.assertEqual(BITS, begun + b''.join(pieces))
        first.app_iter.close()
        self.ranges()
        self.assert_kept()

    def test_disk_is_full(self):
        made = bits_cache._Entry.__init__

        def make(entry, stack, file, end):
            made(entry, stack, mock.Mock(write=mock.Mock(
                side_effect=OSError(28, 'No space left on device'))), end)
        with mock.patch.object(bits_cache._Entry, '__init__', make):
            self.assertEqual(200, self.download().status_int)
        self.ranges()
        self.assert_not_kept()

    def test_database_is_away(self):
        """A file that Glance does not know would never be dropped."""
        with mock.patch('glance.db.sqlalchemy.api.insert_cache_details',
                        autospec=True,
                        side_effect=db_exception.DBConnectionError):
            self.assertEqual(200, self.download().status_int)
        self.ranges()
        self.assert_not_kept()

    def test_file_is_not_whole(self):
        self.download()
        self.ranges()
        name, = self.files()
        os.truncate(self.folder / name, 10)
        self.assertEqual(200, self.download().status_int)
        self.assertEqual([None], self.ranges())
        self.assert_kept()

    def test_limit(self):
        self.set_limit(len(BITS) - 1)
        self.download()
        self.ranges()
        self.assert_not_kept()

    def test_oldest_goes_first(self):
        self.download()
        self.set_limit(len(BITS) + 1)
        another = base.IMAGE.replace('2', '3')
        self.bu.add(another, BITS[::-1])
        response = self.send(f'/v2/images/{another}/file')
        self.assertEqual(BITS[::-1], response.body)
        self.assertEqual(1, len(self.files()))

    def test_files_that_glance_does_not_know(self):
        """They cannot be dropped, and nobody waits for it."""
        (self.folder / str(uuid.uuid4())).write_bytes(2 * BITS)
        self.set_limit(len(BITS) + 1)
        self.assertEqual(BITS, self.send(PATH).body)
        self.assertIn('does not know any more', self.logged.output)

    def set_limit(self, value):
        base.cfg.CONF.set_override('image_cache_max_size', value)
        self.addCleanup(base.cfg.CONF.clear_override, 'image_cache_max_size')


class TestSqlite(CacheTestCase):

    driver = 'sqlite'

    def test_second_download(self):
        self.download()
        self.ranges()
        self.assert_kept()
