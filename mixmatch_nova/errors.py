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

"""Errors of mixmatch, in the words of Nova."""

from collections.abc import Iterator
import contextlib
from typing import Any

from cinderclient import exceptions as cinder_exceptions
from keystoneauth1 import exceptions as ksa_exceptions
from nova import exception
from oslo_log import log as logging

from mixmatch import exceptions
from mixmatch.http import transport
from mixmatch_nova import state

LOG = logging.getLogger(__name__)


class EncryptedVolume(exceptions.MixmatchException):
    """A server of home cannot read it."""

    msg_fmt = ('Volume %(volume_id)s is encrypted with a key that only its '
               'own cloud has; a server of this cloud cannot use it')
    code = 400


class NotLocated(exceptions.MixmatchException):
    """Home's Cinder does not know now where a volume lives."""

    msg_fmt = 'Volume %(volume_id)s cannot be looked up: %(reason)s'
    code = 503


@contextlib.contextmanager
def for_nova(context: Any) -> Iterator[None]:
    """Raise errors of mixmatch as what Nova expects of a volume service.

    The original is noted in the request, for an answer of the API that says
    more. Nothing becomes "not found": for that Nova destroys mappings.
    """
    try:
        yield
    except exceptions.MixmatchException as exc:
        state.from_context(context).record_failure(exc)
        raise _translate(exc) from exc


def _translate(exc: exceptions.MixmatchException) -> exception.NovaException:
    if isinstance(exc, exceptions.MicroversionNotSupported):
        return exception.CinderAPIVersionNotAvailable(version=exc.needed)
    if exc.code == 403:
        return exception.Forbidden(str(exc))
    if exc.code == 400:
        return exception.InvalidVolume(reason=str(exc))
    return exception.CinderConnectionFailed(reason=str(exc))


@contextlib.contextmanager
def remember_failure(context: Any, service_provider: str) -> Iterator[None]:
    """Remember an error of a service provider's Cinder, and raise it."""
    try:
        yield
    except exception.CinderConnectionFailed as exc:
        # NOTE: Nova raised it while it handled ours.
        if isinstance(exc.__context__, exceptions.MixmatchException):
            state.from_context(context).record_failure(exc.__context__)
        raise
    except ksa_exceptions.CatalogException as exc:
        raise exceptions.ServiceProviderSetupError(
            service_provider=service_provider,
            reason='its catalog has no volume API for us') from exc
    except (AttributeError, TypeError, ValueError, LookupError) as exc:
        # NOTE: python-cinderclient and Nova trust what a Cinder answers.
        LOG.exception('Service provider %s sent a malformed answer',
                      service_provider)
        raise exceptions.ServiceProviderUnavailable(
            service_provider=service_provider,
            reason='its Cinder sent a malformed answer '
                   f'({type(exc).__name__})') from exc
    except cinder_exceptions.ClientException as exc:
        reason = f'its Cinder answered HTTP {exc.code}'
        kind: type[exceptions.MixmatchException] | None = None
        if exc.code == 401:
            kind = exceptions.ServiceProviderSetupError
            reason += (', so it has withdrawn the login that it gave a '
                       'moment ago, or does not take the service token')
        elif exc.code in transport.DEAD:
            kind = exceptions.ServiceProviderUnavailable
        elif exc.code >= 500:
            kind = exceptions.ServiceProviderFailed
        if kind:
            state.from_context(context).record_failure(kind(
                service_provider=service_provider, reason=reason))
        raise
