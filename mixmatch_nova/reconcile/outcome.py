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

"""The outcome of a request to another cloud, by the error that it raised."""

import http

from cinderclient import exceptions as cinder_exceptions
from nova import exception

from mixmatch import exceptions
from mixmatch.http import unsent

#: Answers of a Cinder that has decided, and has done nothing.
_REFUSED = (exception.Forbidden, exception.InvalidInput,
            exception.InvalidVolume, exception.NotFound, exception.OverQuota,
            exception.CinderAPIVersionNotAvailable)
#: These are no decision: the same request may succeed later.
_UNDECIDED = (http.HTTPStatus.UNAUTHORIZED, http.HTTPStatus.REQUEST_TIMEOUT,
              http.HTTPStatus.TOO_MANY_REQUESTS)


def is_unanswered(exc: BaseException) -> bool:
    """Return whether the other cloud has not said yes or no.

    :param exc: what a method of Nova's volume API has raised
    """
    if isinstance(exc, _REFUSED):
        return False
    if isinstance(exc, cinder_exceptions.ClientException):
        return exc.code >= 500 or exc.code in _UNDECIDED
    return True


def may_have_succeeded(exc: BaseException) -> bool:
    """Return whether the other cloud may have done it all the same.

    :param exc: what a method of Nova's volume API has raised
    """
    return is_unanswered(exc) and not unsent.was_never_sent(exc)


def reason(exc: BaseException) -> str:
    """Return the reason of a failure, without any text of another cloud."""
    for each in unsent.chain(exc):
        if isinstance(each, exceptions.MixmatchException):
            return str(each)
        if isinstance(each, cinder_exceptions.ClientException):
            return f'its Cinder answered HTTP {each.code}'
    return type(exc).__name__
