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

"""Bits of an image that are checked while they pass."""

import hashlib

from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from mixmatch import exceptions
from mixmatch_glance import download
from mixmatch_glance import foreign_image
from tests.unit import base

IMAGE = '22222222-0000-4000-8000-000000000002'


class Pieces:
    """Pieces of a body, which may end in an error."""

    def __init__(self, *pieces, failure=None):
        self.pieces = pieces
        self.failure = failure
        self.closed = False

    def __iter__(self):
        yield from self.pieces
        if self.failure:
            raise self.failure

    def close(self):
        self.closed = True


def image(bits, is_encrypted=False, **values):
    return foreign_image.ForeignImage(IMAGE, 'id', {
        'size': len(bits), 'os_hash_algo': 'sha512',
        'os_hash_value': hashlib.sha512(bits).hexdigest(),
        'checksum': hashlib.md5(bits, usedforsecurity=False).hexdigest(),
        **values}, {}, is_encrypted)


def read(bits, pieces, length=None, is_whole=True, **values):
    """Read a download; its bits, and its error if it breaks off."""
    expected = download.Expected.from_image('bu', image(bits, **values))
    found = b''
    checked = download.Checked(
        pieces, expected, len(bits) if length is None else length, is_whole)
    try:
        for piece in checked:
            found += piece
    except exceptions.ServiceProviderUnavailable as exc:
        return found, exc
    finally:
        checked.close()
    return found, None


class TestChecked(base.TestCase):

    def broken(self, bits, *pieces, **kwargs):
        found, exc = read(bits, Pieces(*pieces), **kwargs)
        self.assertIsNotNone(exc)
        self.assertEqual('bu', exc.service_provider)
        self.assertLess(len(found), len(bits))
        return str(exc)

    def test_right(self):
        self.assertEqual((b'abcdef', None), read(
            b'abcdef', Pieces(b'ab', b'cd', b'ef')))

    def test_empty(self):
        self.assertEqual((b'', None), read(b'', Pieces()))

    def test_fewer(self):
        self.assertIn('only 4 of 6 bytes', self.broken(
            b'abcdef', b'ab', b'cd'))

    def test_more(self):
        self.assertIn('more than 4 bytes', self.broken(
            b'abcd', b'ab', b'cd', b'e'))

    def test_others(self):
        self.assertIn('sha512', self.broken(b'abcd', b'ab', b'ce'))

    def test_others_in_one_piece(self):
        self.broken(b'abcd', b'abce')

    def test_older_image(self):
        self.broken(b'abcd', b'abce', os_hash_algo=None, os_hash_value=None)
        self.assertEqual((b'abcd', None), read(
            b'abcd', Pieces(b'abcd'), os_hash_algo=None, os_hash_value=None))

    def test_part(self):
        self.assertEqual((b'cd', None), read(
            b'abcdef', Pieces(b'cd'), 2, is_whole=False))
        self.assertIn('only 1 of 2', self.broken(
            b'abcdef', b'c', length=2, is_whole=False))

    def test_breaks_off(self):
        pieces = Pieces(b'ab', b'cd', failure=(
            exceptions.ServiceProviderUnavailable(
                service_provider='bu', reason='gone')))
        found, exc = read(b'abcdef', pieces)
        self.assertEqual(b'ab', found)
        self.assertIn('gone', str(exc))
        self.assertTrue(pieces.closed)

    def test_closed_before_it_began(self):
        pieces = Pieces(b'ab')
        download.Checked(pieces, download.Expected.from_image(
            'bu', image(b'ab')), 2, True).close()
        self.assertTrue(pieces.closed)

    @settings(deadline=None)
    @given(st.binary(max_size=50), st.lists(st.binary(min_size=1,
                                                      max_size=9)))
    def test_no_wrong_file_looks_whole(self, bits, pieces):
        found, exc = read(bits, Pieces(*pieces))
        if b''.join(pieces) == bits:
            self.assertEqual((bits, None), (found, exc))
        else:
            self.assertIsNotNone(exc)
            self.assertTrue(len(found) < len(bits) or not bits)


class TestExpected(base.TestCase):

    def test_without_a_hash(self):
        for values in ({'size': None}, {'os_hash_algo': 'crc32'},
                       {'os_hash_algo': None},
                       {'os_hash_value': None, 'checksum': None}):
            exc = self.assertRaises(
                download.NoHash, download.Expected.from_image, 'bu',
                image(b'a', **values))
            self.assertEqual(('bu', IMAGE),
                             (exc.service_provider, exc.image))

    def test_encrypted(self):
        self.assertRaises(
            download.Encrypted, download.Expected.from_image, 'bu',
            image(b'a', is_encrypted=True))
