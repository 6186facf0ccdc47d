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

"""Cache of the bits of images of service providers, on the disk of home.

Glance's own cache keeps them: its folder, its limit, its commands. (Its filter
``cache`` serves only images of home's database.) What is kept is the bits that
have the size and hash of an image of one service provider, under a key of
these. Whoever asks for them has been let in there first, each time.
"""

from collections.abc import Callable, Generator, Iterator
import contextlib
import os
import threading
from typing import Any
import uuid

from glance import image_cache
from oslo_concurrency import lockutils
from oslo_log import log as logging
from oslo_utils import fileutils

from mixmatch_glance import download

LOG = logging.getLogger(__name__)

_CHUNK = 64 * 1024

#: Images that one more may push out of the cache.
MOST_DROPPED = 1000
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, 'https://opendev.org/mixmatch')


def key_of(expected: download.Expected) -> str:
    """Return the name of bits in the cache.

    Not the id of the image: another service provider may claim it.
    """
    return str(uuid.uuid5(_NAMESPACE, '/'.join((
        expected.name, expected.image_id, str(expected.size),
        expected.algorithm, expected.digest))))


class Kept(Iterator[bytes]):
    """Iterator of bits of a file of the cache.

    :param stack: closes the file
    :param length: how many bytes are wanted from where the file is
    """

    def __init__(self, stack: contextlib.ExitStack, file: Any, length: int
                 ) -> None:
        self._stack = stack
        self._file = file
        self._rest = length

    def __next__(self) -> bytes:
        """Return the next bits.

        :raises StopIteration: these were all
        """
        piece = self._file.read(min(_CHUNK, self._rest))
        self._rest -= len(piece)
        if not piece:
            self.close()
            raise StopIteration
        return piece

    def close(self) -> None:
        """Close the file; the server calls it when the client has gone."""
        self._stack.close()


class Cache:
    """Glance's cache, with bits of service providers; by Glance's options."""

    def __init__(self) -> None:
        self._images = image_cache.ImageCache()
        self._lock = threading.Lock()
        #: keys that this process is writing
        self._written: set[str] = set()

    def read(self, expected: download.Expected, start: int, stop: int
             ) -> Kept | None:
        """Open bits that are kept.

        :param start: the first byte that is wanted
        :param stop: the first byte after it that is not
        :returns: None if they are not kept, or not whole
        """
        key = key_of(expected)
        # NOTE: opening what is not there counts as a use of it.
        if not self._images.is_cached(key):
            return None
        stack = contextlib.ExitStack()
        try:
            file: Any = stack.enter_context(self._images.open_for_read(key))
        except FileNotFoundError:
            return None
        if os.fstat(file.fileno()).st_size != expected.size:
            LOG.warning('The bits of image %(image)s in the cache are not '
                        'whole, and are dropped: %(key)s',
                        {'image': expected.image_id, 'key': key})
            stack.close()
            self._images.delete_cached_image(key)
            return None
        file.seek(start)
        return Kept(stack, file, stop - start)

    def keep(self, bits: download.Checked) -> Iterator[bytes]:
        """Return the same bits, which are kept once all have passed.

        :param bits: all of an image
        """
        expected = bits.expected
        if expected.size > image_cache.CONF.image_cache_max_size:
            return bits
        return _Teed(self._tee(key_of(expected), bits), bits)

    def _tee(self, key: str, bits: download.Checked
             ) -> Generator[bytes, None, None]:
        with contextlib.ExitStack() as stack:
            entry = self._begin(stack, key)
            for piece in bits:
                entry.write(piece)
                yield piece
            entry.end()

    def _begin(self, stack: contextlib.ExitStack, key: str) -> '_Entry':
        """Begin to write bits, if nobody else does."""
        if not stack.enter_context(self._alone(key)):
            return _Entry(stack, None, self._end(key))
        # NOTE: Glance keeps what is not whole, until an operator cleans up.
        stack.callback(self._drop_invalid, key)
        entry = contextlib.ExitStack()
        stack.push(entry)
        try:
            return _Entry(entry, entry.enter_context(
                self._images.driver.open_for_write(key)), self._end(key))
        except OSError as exc:
            _warn(exc)
            return _Entry(entry, None, self._end(key))

    def _end(self, key: str) -> Callable[[contextlib.ExitStack], None]:
        """Return what keeps bits, and no more in all than the limit."""
        def end(entry: contextlib.ExitStack) -> None:
            try:
                entry.close()
                self._keep_limit()
            except Exception as exc:  # noqa: BLE001 - the client has its bits
                _warn(exc)
                # NOTE: what is in the folder, and not in Glance's database,
                # would never be dropped.
                fileutils.delete_if_exists(
                    self._images.driver.get_image_filepath(key))
        return end

    def _keep_limit(self) -> None:
        """Drop what was not used for longest, until the rest may stay.

        NOTE: Glance's own (as of 33) never ends where its folder has files
        that its database does not know for this host.
        """
        driver = self._images.driver
        most = image_cache.CONF.image_cache_max_size
        for _ in range(MOST_DROPPED):
            if driver.get_cache_size() <= most:
                return
            key, _size = driver.get_least_recently_accessed() or (None, 0)
            if key is None:
                LOG.warning('The cache of images is larger than '
                            'image_cache_max_size with files that Glance does '
                            'not know any more; delete them from %s',
                            image_cache.CONF.image_cache_dir)
                return
            driver.delete_cached_image(key)

    def _drop_invalid(self, key: str) -> None:
        fileutils.delete_if_exists(
            self._images.driver.get_image_filepath(key, 'invalid'))

    @contextlib.contextmanager
    def _alone(self, key: str) -> Iterator[bool]:
        """Keep all others from writing the same bits.

        :returns: False if another one is writing them, or has done so
        """
        with self._lock:
            mine = key not in self._written
            if mine:
                self._written.add(key)
        if not mine:
            yield False
            return
        # NOTE: such a lock counts between processes only.
        lock = lockutils.external_lock(
            f'mixmatch-{key}', lock_path=os.path.join(
                image_cache.CONF.image_cache_dir, 'incomplete'))
        try:
            if not lock.acquire(blocking=False):
                yield False
                return
            try:
                yield not self._images.is_cached(key)
            finally:
                lock.release()
        finally:
            with self._lock:
                self._written.discard(key)


class _Teed(Iterator[bytes]):
    """Iterator of bits that are written as they pass.

    :param pieces: passes and writes them
    :param bits: where they come from
    """

    def __init__(self, pieces: Generator[bytes, None, None],
                 bits: download.Checked) -> None:
        self._pieces = pieces
        self._bits = bits

    def __next__(self) -> bytes:
        """Return the next bits.

        :raises StopIteration: these were all
        :raises ServiceProviderUnavailable: they are wrong, or do not come
        """
        return next(self._pieces)

    def close(self) -> None:
        """End the download, also one that has not begun."""
        self._pieces.close()
        self._bits.close()


class _Entry:
    """Bits that are being written; a full disk is no error of a download.

    :param stack: ends it; by an error it is dropped
    :param file: None if they are not to be kept
    :param end: keeps them
    """

    def __init__(self, stack: contextlib.ExitStack, file: Any,
                 end: Callable[[contextlib.ExitStack], None]) -> None:
        self._stack = stack
        self._file = file
        self._end = end

    def write(self, piece: bytes) -> None:
        """Write the next bits."""
        if self._file is None:
            return
        try:
            self._file.write(piece)
        except OSError as exc:
            self._file = None
            _warn(exc)
            with contextlib.suppress(OSError):
                self._stack.pop_all().__exit__(type(exc), exc, None)

    def end(self) -> None:
        """Keep the bits, which were all right."""
        if self._file is not None:
            self._end(self._stack)


def _warn(exc: Exception) -> None:
    LOG.warning('The bits of an image are not kept in the cache: %s', exc)
