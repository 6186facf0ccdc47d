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

"""Positions in merged lists, as clients send them back."""

import base64

from oslo_serialization import jsonutils

from mixmatch import api
from mixmatch.listing import cursor
from tests.unit import base

PLACE = cursor.Cursor(cursor.Row('b', ['2026', 5]), {
    cursor.HOME: cursor.Row('a', ['2025', None]),
    'bu': cursor.Row('b', ['2026', 5])})


def encoded(value):
    return base64.urlsafe_b64encode(jsonutils.dump_as_bytes(value)).decode()


class TestCursor(base.TestCase):

    def test_decoded_as_it_was_encoded(self):
        self.assertEqual(PLACE, cursor.Cursor.decode(PLACE.encode(), 2))

    def test_safe_in_a_url(self):
        text = cursor.Cursor(cursor.Row('x', ['\xff?>~' * 9]), {}).encode()
        self.assertRegex(text, '^[A-Za-z0-9_=-]+$')

    def test_other_number_of_sort_keys(self):
        self.assertRaises(cursor.InvalidPosition, cursor.Cursor.decode,
                          PLACE.encode(), 3)

    def test_made_up(self):
        for text in ('', 'x', '%', encoded(None), encoded([]),
                     encoded([['a', [1, 2]]]), encoded([['a', [1, 2]], []]),
                     encoded([['a', [1, 2], 3], {}]),
                     encoded([[5, [1, 2]], {}]), encoded([['a', 'xy'], {}]),
                     encoded([['a', [1, {}]], {}]),
                     encoded([['a', [1, 2]], {'bu': ['a', [[], 2]]}])):
            exc = self.assertRaises(cursor.InvalidPosition,
                                    cursor.Cursor.decode, text, 2)
            self.assertIn(api.POSITION, str(exc))


class TestMemory(base.TestCase):

    def test_by_list_and_marker(self):
        memory = cursor.Memory()
        memory.remember('a list', PLACE)
        self.assertEqual(PLACE, memory.get('a list', 'b'))
        self.assertIsNone(memory.get('a list', 'a'))
        self.assertIsNone(memory.get('another list', 'b'))

    def test_bounded_in_number(self):
        memory = cursor.Memory(size=1)
        memory.remember('a list', PLACE)
        memory.remember('another list', PLACE)
        self.assertIsNone(memory.get('a list', 'b'))
