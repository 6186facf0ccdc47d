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

"""Merge of lists that are sorted already."""

from mixmatch.listing import merge
from mixmatch.listing import order
from tests.unit import base

SORT = order.Order(['size', 'id'], [False, False])


def row(size, name=None):
    return {'size': size, 'id': name or str(size)}


class MergeTestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        #: cloud -> pages that it has not been asked for
        self.pages = {}
        self.asked = []

    def stream(self, cloud, *pages, **kwargs):
        self.pages[cloud] = [
            merge.Page([row(size) for size in sizes], number < len(pages))
            for number, sizes in enumerate(pages, start=1)]
        return merge.Stream(cloud, SORT, **kwargs)

    def merge(self, *streams):
        return merge.Merge(list(streams), self.fill)

    def fill(self, streams):
        for stream in streams:
            self.asked.append((stream.cloud, stream.marker))
            stream.add(self.pages[stream.cloud].pop(0))

    def sizes(self, rows):
        return [found['size'] for _, found in rows]


class TestMerge(MergeTestCase):

    def test_by_sort_keys(self):
        merged = self.merge(self.stream('', [1, 4], [5]),
                            self.stream('bu', [2, 3, 6]))
        self.assertEqual([1, 2, 3, 4, 5, 6], self.sizes(merged.take(10)))
        self.assertEqual([('', None), ('bu', None), ('', '4')], self.asked)

    def test_each_cloud_keeps_its_order(self):
        merged = self.merge(self.stream('bu', [3, 1]), self.stream('', [2]))
        self.assertEqual([2, 3, 1], self.sizes(merged.take(10)))

    def test_equal_rows_in_the_order_of_streams(self):
        merged = self.merge(self.stream('bu', [1]), self.stream('', [1]))
        self.assertEqual(['bu', ''], [name for name, _ in merged.take(2)])

    def test_position(self):
        merged = self.merge(self.stream('', [1, 4]),
                            self.stream('bu', [2, 3]),
                            self.stream('mit', [9]))
        self.assertIsNone(merged.cursor)
        merged.take(2)
        self.assertEqual('2', merged.cursor.last.id)
        self.assertEqual({'': '1', 'bu': '2'}, {
            name: passed.id for name, passed in merged.cursor.passed.items()})

    def test_skip_to(self):
        merged = self.merge(self.stream('', [1, 3]), self.stream('bu', [2]))
        self.assertTrue(merged.skip_to('2'))
        self.assertEqual([3], self.sizes(merged.take(10)))
        self.assertFalse(merged.skip_to('2'))


class TestStream(MergeTestCase):

    def test_rows_to_skip(self):
        stream = self.stream('bu')
        stream.add(merge.Page([row(1), row(2)]), {'1'})
        self.assertEqual(2, stream.pop()['size'])
        self.assertTrue(stream.ended)

    def test_rows_that_are_not_shown(self):
        """The next page still begins after the last of them."""
        stream = self.stream('bu')
        stream.add(merge.Page([row(1), row(2)], more=True,
                              dropped=frozenset({'1', '2'})))
        self.assertTrue(stream.needs_rows)
        self.assertEqual('2', stream.marker)

    def test_rows_up_to_the_floor(self):
        stream = self.stream('bu', floor=[2, '2'])
        stream.add(merge.Page([row(1), row(2), row(3)]))
        self.assertEqual(3, stream.pop()['size'])

    def test_deleted_marker(self):
        """Begins again, without the rows that were received."""
        stream = self.stream('bu')
        stream.add(merge.Page([row(1), row(2)], more=True))
        stream.pop(), stream.pop()
        stream.add(merge.Page(marker_deleted=True))
        self.assertTrue(stream.needs_rows and stream.marker_deleted)
        self.assertIsNone(stream.marker)
        stream.add(merge.Page([row(1), row(3)]))
        self.assertEqual(3, stream.pop()['size'])
