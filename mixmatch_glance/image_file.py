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

"""Answers with the bits of images of service providers."""

import contextlib
import dataclasses
from typing import Any

from glance.common import wsgi
import webob
import webob.byterange

from mixmatch import federation
from mixmatch_glance import bits_cache
from mixmatch_glance import download
from mixmatch_glance import faults
from mixmatch_glance import foreign_image
from mixmatch_glance import remote
from mixmatch_glance import user_request


@dataclasses.dataclass(frozen=True)
class Part:
    """Part of the bits of an image.

    :param stop: the first byte that is no part of it
    :param size: bytes of the image
    """

    start: int
    stop: int
    size: int

    @classmethod
    def from_request(cls, http: webob.Request, size: int | None
                     ) -> 'Part | None':
        """Read the requested range, as Glance reads it.

        :param size: bytes of the image; None if it has none yet, of which
            there are no parts either
        :returns: None for all bits
        :raises webob.exc.HTTPException: the range is invalid
        """
        if not size:
            return None
        asked: Any = wsgi.Request.get_range_from_request(http, size)
        if asked is None or asked.start is None:
            return None
        if isinstance(asked, webob.byterange.ContentRange):
            return cls(asked.start, asked.stop, size)
        # NOTE: a negative one counts from the end.
        start = asked.start if asked.start >= 0 else max(
            0, size + asked.start)
        return cls(start, min(asked.end or size, size), size)

    @property
    def length(self) -> int:
        """Number of bytes of the part."""
        return self.stop - self.start

    @property
    def request(self) -> str:
        """Header of a request for the part."""
        return f'bytes={self.start}-{self.stop - 1}'

    @property
    def response(self) -> str:
        """Header of a response with the part."""
        return f'bytes {self.start}-{self.stop - 1}/{self.size}'


class Files:
    """Answers with bits that are checked while they pass.

    :param clouds: the service providers of this process
    :param cache: keeps them; None where they are not kept
    """

    def __init__(self, clouds: federation.Federation,
                 cache: bits_cache.Cache | None = None) -> None:
        self._remote = remote.Client(clouds)
        self._cache = cache

    def answer(self, request: user_request.UserRequest, name: str,
               image: foreign_image.ForeignImage) -> Any:
        """Return the response to a request for the bits of an image.

        :param name: the service provider of the image
        :raises webob.exc.HTTPException: the range is invalid
        :raises MixmatchException: the service provider does not send them,
            or they cannot be checked
        """
        part = Part.from_request(request.http, image.base['size'])
        with contextlib.ExitStack() as undo:
            kept = self._kept(name, image, part)
            if kept:
                undo.callback(kept.close)
            # NOTE: it decides whether this user may have the bits, and which
            # of them are not there yet: each request is one there. What is
            # kept needs no more than its first byte.
            asked = Part(0, 1, image.base['size']) if kept else part
            reply = self._remote.open(
                name, request, f'{request.route.image.path}/file',
                asked.request if asked else None)
            if reply.pieces is None:
                return self._without_bits(name, image, reply)
            undo.callback(reply.pieces.close)
            bits: Any = self._checked(name, image, asked, reply)
            if kept:
                reply.pieces.close()
                bits = kept
            elif self._cache and part is None:
                bits = self._cache.keep(bits)
            undo.pop_all()
        response = _response(image, part, bits)
        if 'uwsgi.version' in request.http.environ:
            # NOTE: its HTTP router would keep the connection of a response
            # that breaks off, for as long as the client waits. (Others close
            # it, and some of them refuse this header.)
            response.headers['Connection'] = 'close'
        return response

    def _kept(self, name: str, image: foreign_image.ForeignImage,
              part: Part | None) -> bits_cache.Kept | None:
        """Return the bits that are asked for, if they are in the cache."""
        size = image.base['size']
        if self._cache is None or not size:
            return None
        return self._cache.read(
            download.Expected.from_image(name, image),
            part.start if part else 0, part.stop if part else size)

    @staticmethod
    def _without_bits(name: str, image: foreign_image.ForeignImage,
                      reply: remote.Reply) -> Any:
        """Return the response to a request that brought no bits."""
        if reply.status >= 400:
            return faults.from_reply(name, reply)
        if reply.status != 204 or image.base['size']:
            # NOTE: a client would take no bits for the whole image.
            raise download.Expected.from_image(name, image).broken(
                f'HTTP {reply.status} without bits')
        return webob.Response(status=204)

    @staticmethod
    def _checked(name: str, image: foreign_image.ForeignImage,
                 part: Part | None, reply: remote.Reply) -> download.Checked:
        """Return the bits of a reply, which break where they are wrong."""
        assert reply.pieces is not None
        expected = download.Expected.from_image(name, image)
        length = part.length if part else expected.size
        status = 206 if part else 200
        if reply.status != status:
            raise expected.broken(f'HTTP {reply.status} instead of {status}')
        if part and reply.headers.get('Content-Range') != part.response:
            raise expected.broken('another range than it was asked for')
        if reply.headers.get('Content-Length', str(length)) != str(length):
            raise expected.broken('another number of bytes')
        return download.Checked(reply.pieces, expected, length,
                                is_whole=length == expected.size)


def _response(image: foreign_image.ForeignImage, part: Part | None,
              bits: Any) -> webob.Response:
    """Return the response with bits."""
    response = webob.Response(
        status=206 if part else 200, app_iter=bits,
        content_type='application/octet-stream')
    # NOTE: app_iter resets both.
    if image.base['checksum']:
        response.headers['Content-MD5'] = image.base['checksum']
    response.headers['Content-Length'] = str(
        part.length if part else image.base['size'])
    if part:
        response.headers['Content-Range'] = part.response
    return response
