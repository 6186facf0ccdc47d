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

"""Bits of an image, checked while they pass.

The metadata of an image has its size and hash. Its last bits are given only
after all of them have turned out right. Until then fewer bytes than
Content-Length promises have been sent, and an error here ends the connection:
the client gets a broken download, never a short or a wrong file that looks
whole.
"""

from collections.abc import Generator, Iterator
import dataclasses
import hashlib
from typing import Protocol

from oslo_log import log as logging

from mixmatch import exceptions
from mixmatch_glance import foreign_image

LOG = logging.getLogger(__name__)

#: Algorithms that images are checked by.
ALGORITHMS = frozenset({'sha512', 'sha384', 'sha256', 'sha1', 'md5'})


class Pieces(Protocol):
    """Iterator of bytes that is closed."""

    def __iter__(self) -> Iterator[bytes]: ...

    def close(self) -> None: ...


class BrokenDownload(exceptions.ServiceProviderUnavailable):
    """Error: the bits are not those of the image."""

    msg_fmt = ('Service provider %(service_provider)s does not send the bits '
               'of image %(image)s: %(reason)s')
    code = 502


class NoHash(exceptions.MixmatchException):
    """Error: nothing says which bits are right."""

    msg_fmt = ('Image %(image)s of service provider %(service_provider)s has '
               'no size, or no hash that is known here, so its bits cannot be '
               'checked. Its owner has to upload it again.')
    code = 400


class Encrypted(exceptions.MixmatchException):
    """Error: the key of the image is at the service provider."""

    msg_fmt = ('Image %(image)s of service provider %(service_provider)s is '
               'encrypted with a key of that cloud, and can be used only '
               'there.')
    code = 400


@dataclasses.dataclass(frozen=True)
class Expected:
    """Bits that an image should have.

    :param name: the service provider
    :param digest: hash of all of them, in hexadecimal digits
    """

    name: str
    image_id: str
    size: int
    algorithm: str
    digest: str

    @classmethod
    def from_image(cls, name: str, image: foreign_image.ForeignImage
                   ) -> 'Expected':
        """Read what the metadata of an image says.

        :raises Encrypted: the bits are of no use at home
        :raises NoHash: it does not say it
        """
        said = {'service_provider': name, 'image': image.id}
        if image.is_encrypted:
            raise Encrypted(**said)
        base = image.base
        algorithm, digest = base['os_hash_algo'], base['os_hash_value']
        if digest is None:
            # NOTE: images that are older than Glance's newer hashes.
            algorithm, digest = 'md5', base['checksum']
        if (base['size'] is None or digest is None
                or algorithm not in ALGORITHMS):
            raise NoHash(**said)
        return cls(name, image.id, base['size'], algorithm, digest)

    def broken(self, reason: str) -> BrokenDownload:
        """Return the error for bits that are not these."""
        return BrokenDownload(service_provider=self.name,
                              image=self.image_id, reason=reason)


class Checked(Iterator[bytes]):
    """Iterator of bits that breaks where they are wrong.

    :param pieces: the bits as they come
    :param length: how many there should be
    :param is_whole: they are all bits of the image, so that the hash counts
    :ivar expected: what they should be
    """

    def __init__(self, pieces: Pieces, expected: Expected, length: int,
                 is_whole: bool) -> None:
        self._pieces = pieces
        self.expected = expected
        self._length = length
        self._hash = hashlib.new(expected.algorithm,
                                 usedforsecurity=False) if is_whole else None
        self._checked = self._check()

    def __next__(self) -> bytes:
        """Return the next bits.

        :raises StopIteration: these were all, and all were right
        :raises ServiceProviderUnavailable: they are wrong, or do not come
        """
        try:
            return next(self._checked)
        except exceptions.MixmatchException as exc:
            LOG.error('The download of image %(image)s is broken off, so '
                      'that nobody takes it for whole: %(reason)s',
                      {'image': self.expected.image_id, 'reason': exc})
            self.close()
            raise

    def close(self) -> None:
        """End the download; the server calls it when the client has gone."""
        self._checked.close()
        self._pieces.close()

    def _check(self) -> Generator[bytes, None, None]:
        count, last = 0, b''
        for piece in self._pieces:
            count += len(piece)
            if count > self._length:
                raise self.expected.broken(
                    f'more than {self._length} bytes')
            if self._hash:
                self._hash.update(piece)
            if last:
                yield last
            last = piece
        if count < self._length:
            raise self.expected.broken(
                f'only {count} of {self._length} bytes')
        if self._hash and self._hash.hexdigest() != self.expected.digest:
            raise self.expected.broken(
                f'their {self.expected.algorithm} is another one')
        if last:
            yield last
