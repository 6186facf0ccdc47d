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

"""Errors of mixmatch in Nova, and their translation.

What the Cinder of another cloud makes Nova and python-cinderclient raise
becomes an error of mixmatch, and is recorded in the request. An error of
mixmatch is raised as one that Nova expects of a volume service, and decides
the answer of nova-api: :data:`TRANSLATIONS` has both.
"""

from collections.abc import Callable, Iterator
import contextlib
from typing import Any, NamedTuple

from cinderclient import exceptions as cinder_exceptions
from keystoneauth1 import exceptions as ksa_exceptions
from nova import exception
from oslo_log import log as logging
import oslo_messaging
import webob.exc

from mixmatch import exceptions
from mixmatch.http import transport
from mixmatch_nova import state
from mixmatch_nova import target

LOG = logging.getLogger(__name__)


class EncryptedVolume(exceptions.MixmatchException):
    """Error: a server of home cannot read an encrypted volume."""

    msg_fmt = ('Volume %(volume_id)s is encrypted with a key that only its '
               'own cloud has; a server of this cloud cannot use it')
    code = 400


class NotLocated(exceptions.MixmatchException):
    """Error: home's Cinder cannot tell now where a volume lives."""

    msg_fmt = 'Volume %(volume_id)s cannot be looked up: %(reason)s'
    code = 503


class SnapshotNotLocated(NotLocated):
    """Error: home's Cinder cannot tell now where a snapshot lives."""

    msg_fmt = 'Snapshot %(volume_id)s cannot be looked up: %(reason)s'


class ImageNotUsable(exceptions.MixmatchException):
    """Error: home's Glance cannot show or give an image of another cloud."""

    msg_fmt = 'Image %(image_id)s cannot be used now: %(reason)s'
    code = 503


class AlsoAtHome(exceptions.MixmatchException):
    """Error: a request names another cloud for an id of home."""

    msg_fmt = ('Volume %(volume_id)s is, or was, a volume of this cloud, '
               'which therefore cannot use the one that service provider '
               '%(service_provider)s has by the same id. For the volume of '
               'this cloud, do not name a service provider.')
    code = 409


class LivesElsewhere(exceptions.MixmatchException):
    """Error: home cannot do this with a volume of another cloud."""

    msg_fmt = ('volume %(volume_id)s lives at service provider '
               '%(service_provider)s; this cloud cannot %(action)s it')
    code = 400


class HomeCinderFailed(NotLocated):
    """Error: home's Cinder could not do what it needs another cloud for."""

    msg_fmt = 'The Cinder of this cloud could not do this: %(reason)s'


class Translation(NamedTuple):
    """Translation of an error of mixmatch.

    :param nova: makes the error that Nova expects of a volume service
    :param http: the class of nova-api's answer
    """

    nova: Callable[[Any], exception.NovaException]
    http: type[webob.exc.WSGIHTTPException]


def _version(exc: exceptions.MicroversionNotSupported
             ) -> exception.NovaException:
    return exception.CinderAPIVersionNotAvailable(version=exc.needed)


def _invalid(exc: exceptions.MixmatchException) -> exception.NovaException:
    return exception.InvalidVolume(reason=str(exc))


def _forbidden(exc: exceptions.MixmatchException) -> exception.NovaException:
    return exception.Forbidden(str(exc))


def _failed(exc: exceptions.MixmatchException) -> exception.NovaException:
    return exception.CinderConnectionFailed(reason=str(exc))


#: By the class of an error, or else by its ``code``. Nothing becomes "not
#: found": for that Nova destroys mappings.
TRANSLATIONS: dict[type[Exception] | int, Translation] = {
    exceptions.MicroversionNotSupported: Translation(
        _version, webob.exc.HTTPBadRequest),
    400: Translation(_invalid, webob.exc.HTTPBadRequest),
    403: Translation(_forbidden, webob.exc.HTTPForbidden),
    409: Translation(_invalid, webob.exc.HTTPConflict),
    500: Translation(_failed, webob.exc.HTTPInternalServerError),
    502: Translation(_failed, webob.exc.HTTPBadGateway),
    503: Translation(_failed, webob.exc.HTTPServiceUnavailable),
}


def _translation(exc: exceptions.MixmatchException) -> Translation:
    return TRANSLATIONS.get(type(exc)) or TRANSLATIONS[exc.code]


def to_http(exc: exceptions.MixmatchException) -> webob.exc.WSGIHTTPException:
    """Return the answer of nova-api for an error of mixmatch."""
    return _translation(exc).http(explanation=str(exc))


@contextlib.contextmanager
def for_nova(context: Any) -> Iterator[None]:
    """Raise errors of mixmatch as what Nova expects of a volume service.

    The original is recorded in the request, for an answer of nova-api that
    says more.
    """
    try:
        yield
    except exceptions.MixmatchException as exc:
        state.from_context(context).record_failure(exc)
        raise _translation(exc).nova(exc) from exc


@contextlib.contextmanager
def remember_failure(context: Any, service_provider: str) -> Iterator[None]:
    """Record an error of a service provider's Cinder, and raise it.

    :raises mixmatch.exceptions.MixmatchException: instead of an error that
        does not name the service provider
    """
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
        failure = _from_answer(exc, service_provider)
        if failure:
            state.from_context(context).record_failure(failure)
        raise


def _from_answer(exc: cinder_exceptions.ClientException, service_provider: str
                 ) -> exceptions.MixmatchException | None:
    """Return the error of mixmatch for a Cinder's answer.

    :returns: None for a decision of that Cinder, which Nova understands
    """
    reason = f'its Cinder answered HTTP {exc.code}'
    kind: type[exceptions.MixmatchException]
    if exc.code == 401:
        kind = exceptions.ServiceProviderSetupError
        reason += (', so it has withdrawn the login that it gave a '
                   'moment ago, or does not take the service token')
    elif exc.code in transport.DEAD:
        kind = exceptions.ServiceProviderUnavailable
    elif exc.code >= 500:
        kind = exceptions.ServiceProviderFailed
    else:
        return None
    return kind(service_provider=service_provider, reason=reason)


#: Answers by which the filter of home's Cinder says that other clouds, which
#: it has to ask, do not answer, cannot be used, or contradict each other.
_OF_OTHER_CLOUDS = (409, 502, 503)


@contextlib.contextmanager
def translate_unlocated(context: Any, resource_id: str | None,
                        kind: type[NotLocated] = HomeCinderFailed
                        ) -> Iterator[None]:
    """Raise what home's Cinder says of other clouds as an error of mixmatch.

    :param resource_id: of a volume or a snapshot that home's Cinder is asked
        for; it may have to ask other clouds, unless the id is known to be
        home's. None for a list.
    :param kind: the error of mixmatch for it
    """
    try:
        yield
    except cinder_exceptions.ClientException as exc:
        if exc.code not in _OF_OTHER_CLOUDS or state.from_context(
                context).get_target(resource_id or ''):
            raise
        with for_nova(context):
            raise kind(volume_id=resource_id, reason=exc.message,
                       code=exc.code) from exc


@contextlib.contextmanager
def translate_home_away(context: Any, volume_id: str) -> Iterator[None]:
    """Raise an outage of home's Cinder as an error that names it."""
    try:
        yield
    except (exception.CinderConnectionFailed,
            cinder_exceptions.ClientException) as exc:
        code = getattr(exc, 'code', None)
        if (isinstance(exc, cinder_exceptions.ClientException)
                and code not in transport.DEAD):
            raise
        with for_nova(context):
            raise NotLocated(
                volume_id=volume_id,
                reason='the Cinder of this cloud does not answer') from exc


@contextlib.contextmanager
def remember_failed_attach(context: Any, volume_id: str) -> Iterator[None]:
    """Record an error of another cloud in nova-conductor, and raise it.

    It reaches nova-api without the name of the service provider.
    """
    try:
        yield
    except (exception.CinderConnectionFailed, oslo_messaging.RemoteError
            ) as exc:
        current = state.from_context(context)
        remote = current.get_remote(volume_id)
        if remote and current.failure is None and _is_of_a_cloud(exc):
            # NOTE: not what the error says, which holds a traceback.
            current.record_failure(exceptions.ServiceProviderUnavailable(
                service_provider=remote.service_provider,
                reason='no answer while the volume was being attached'))
        raise


def _is_of_a_cloud(failure: Exception) -> bool:
    """Return whether another cloud failed, not a process of this one."""
    if not isinstance(failure, oslo_messaging.RemoteError):
        return True
    kinds = [getattr(module, failure.exc_type or '', None) for module in (
        exceptions, cinder_exceptions, ksa_exceptions)]
    return any(isinstance(kind, type) and issubclass(kind, (
        exceptions.ConnectionFailure, cinder_exceptions.ClientException,
        ksa_exceptions.ConnectionError, ksa_exceptions.HttpError))
        for kind in kinds)


def refuse_remote(remote: target.Target | None, volume_id: str,
                  action: str) -> None:
    """Refuse an action that cannot work for a volume of another cloud.

    :param remote: None for home, of which nothing is refused
    :param action: as in "this cloud cannot ... it"
    :raises nova.exception.InvalidVolume: the volume lives elsewhere
    """
    if remote:
        raise exception.InvalidVolume(reason=str(LivesElsewhere(
            volume_id=volume_id, service_provider=remote.service_provider,
            action=action)))
