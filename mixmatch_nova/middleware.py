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

"""The paste filter of nova-api: the target that a request names.

It stands right after ``keystonecontext``: it needs the user of the request,
and strips the target before Nova checks the request against its schema.
"""

from collections.abc import Callable
import re
from typing import Any
import uuid

from nova.api.openstack import wsgi
from oslo_log import log as logging
from oslo_serialization import jsonutils
from oslo_utils import uuidutils
import webob
import webob.dec

from mixmatch import api
from mixmatch import exceptions
from mixmatch import federation
from mixmatch import requester
from mixmatch_nova import errors
from mixmatch_nova import plugin
from mixmatch_nova import state
from mixmatch_nova import target

LOG = logging.getLogger(__name__)

#: Characters that Keystone allows in the id of a service provider.
_LONGEST = 64

_ATTACHMENTS = re.compile(
    r'(/[^/]+)?/servers/(?P<server>[^/]+)/os-volume_attachments'
    r'(/(?P<volume>[^/]+))?/?')


class VolumeAttachments:
    """Serves ``serviceProvider`` in ``os-volume_attachments``.

    :param application: Nova's API
    :param clouds: the service providers; None if this process does not have
        the plugin, then a request that names one is refused
    """

    def __init__(self, application: Callable,
                 clouds: federation.Federation | None) -> None:
        self._application = application
        self._clouds = clouds

    @webob.dec.wsgify
    def __call__(self, request: webob.Request) -> Any:
        try:
            match = _ATTACHMENTS.fullmatch(request.path_info)
        except UnicodeDecodeError:
            # NOTE: Nova itself says what is wrong with such a path.
            return self._application
        context = request.environ.get('nova.context')
        if context is None:
            return self._application
        if _this_cloud_only(request):
            state.from_context(context).restrict_to_this_cloud()
        if match is None and self._clouds is None:
            return self._application
        try:
            if match and request.method == 'POST':
                self._name_target(request, context)
            elif match and match['volume']:
                self._note_attachment(request, context, match)
            response = self._ask_nova(request, context)
        except exceptions.MixmatchException as exc:
            LOG.info('%s', exc)
            return wsgi.Fault(errors.to_http(exc))
        if match and self._clouds is not None:
            return _mark(response, context)
        return response

    def _ask_nova(self, request: webob.Request, context: Any
                  ) -> webob.Response:
        """Return Nova's answer.

        :raises MixmatchException: the failure that was recorded, where Nova
            says less of it: what it does not expect it calls an unexpected
            error (500), and a volume to boot from that cannot be got an
            invalid request (400)
        """
        if self._clouds is None:
            return request.get_response(self._application)
        current = state.from_context(context)
        if request.method == 'GET':
            current.expect_no_change()
        try:
            response = request.get_response(self._application)
        except Exception as exc:
            # NOTE: not all that Nova raises becomes an answer within it.
            if current.failure is None:
                raise
            # NOTE: its text may be one of the other cloud.
            LOG.error('Nova did not expect a failure of another cloud: '
                      '%(error)s', {'error': type(exc).__name__})
            raise current.failure from None
        failure = current.failure
        if failure and (response.status_int >= 500
                        or response.status_int in (400, failure.code)):
            raise failure
        return response

    def _name_target(self, request: webob.Request, context: Any) -> None:
        """Take the target out of the body of an attach."""
        try:
            body = jsonutils.loads(request.body)
            attachment = body['volumeAttachment']
            name, volume_id = _pop_target(attachment)
        except (ValueError, LookupError, TypeError, AttributeError):
            return  # NOTE: Nova says what is wrong with it
        if name is None:
            return
        self._check(request, name)
        if uuidutils.is_uuid_like(volume_id):
            # NOTE: one way to write it, since targets are found by the id.
            volume_id = attachment['volumeId'] = str(uuid.UUID(volume_id))
            state.from_context(context).remember_target(
                volume_id, target.Target(name))
            self._begin_login(request, name)
        request.body = jsonutils.dump_as_bytes(body)

    def _check(self, request: webob.Request, name: str) -> None:
        if _this_cloud_only(request):
            raise exceptions.InvalidTarget(
                reason=f'{api.HEADER}: {api.NONE} asks for this cloud only')
        if self._clouds is None:
            raise exceptions.InvalidTarget(
                reason='this compute service does not reach other clouds '
                       '(its operator has not enabled mixmatch in nova.conf)')
        self._clouds.check(name, _requester(request))

    def _begin_login(self, request: webob.Request, name: str) -> None:
        """Log in there while Nova looks for the server."""
        assert self._clouds is not None
        self._clouds.begin_login(name, _requester(request))

    def _note_attachment(self, request: webob.Request, context: Any,
                         match: re.Match) -> None:
        """A detach asks for the volume before it knows its mapping."""
        volume_id, at, name = match['volume'].partition('@')
        if at:
            _check_name(name)
            self._check(request, name)
            head = request.path_info[:match.start('volume')]
            request.path_info = head + volume_id
            state.from_context(context).remember_target(
                volume_id, target.Target(name))
        if self._clouds is not None:
            state.from_context(context).remember_attachment_in_url(
                match['server'], volume_id)


def _mark(response: webob.Response, context: Any) -> webob.Response:
    """Add the service providers to an answer about attachments."""
    if (response.status_int == 200
            and response.content_type == 'application/json'):
        body = response.json
        if _annotate(body, state.from_context(context)):
            response.json = body
    return response


def _this_cloud_only(request: webob.Request) -> bool:
    return request.headers.get(api.HEADER, '').strip() == api.NONE


def _requester(request: webob.Request) -> requester.Requester:
    """Return the user, with the token as keystonemiddleware found it."""
    return requester.Requester.from_context(
        request.environ['nova.context'],
        request.environ.get('keystone.token_info'))


def _pop_target(attachment: dict[str, Any]) -> tuple[str | None, Any]:
    """Take the target out of a ``volumeAttachment``.

    :returns: the service provider (None for home) and the volume id
    :raises InvalidTarget: it is no name, or two that differ
    """
    volume_id = attachment.get('volumeId')
    names = []
    if api.NOVA_FIELD in attachment:
        names.append(attachment.pop(api.NOVA_FIELD))
    if isinstance(volume_id, str) and '@' in volume_id:
        volume_id, _, name = volume_id.partition('@')
        attachment['volumeId'] = volume_id
        names.append(name)
    for name in names:
        _check_name(name)
    if len(set(names)) > 1:
        raise exceptions.InvalidTarget(
            reason=f'{api.NOVA_FIELD} says {names[0]}, '
                   f'volumeId says {names[1]}')
    return (names[0] if names else None), volume_id


def _check_name(name: Any) -> None:
    # NOTE: a name that is refused stands in an error and in the log.
    if not (isinstance(name, str) and 0 < len(name) <= _LONGEST
            and name.isprintable()):
        raise exceptions.InvalidTarget(
            reason=f'{api.NOVA_FIELD} must be the name of a service '
                   'provider, a '
                   f'string of 1 to {_LONGEST} printable characters')


def _annotate(body: Any, current: state.RequestState) -> bool:
    """Add the service provider of foreign volumes; True if there are any."""
    if not isinstance(body, dict):
        return False
    attachments = body.get('volumeAttachments') or [
        body.get('volumeAttachment') or {}]
    foreign = False
    for each in attachments:
        remote = current.get_remote(each.get('volumeId', ''))
        if remote:
            each[api.NOVA_FIELD] = remote.service_provider
            foreign = True
    return foreign


def factory(global_conf: dict[str, str], **local_conf: str
            ) -> Callable[[Callable], VolumeAttachments]:
    """The filter factory of paste.deploy."""
    loaded = plugin.loaded()
    if loaded is None:
        LOG.error('mixmatch is in api-paste.ini but not in config_source of '
                  'nova.conf: requests that name a service provider are '
                  'refused')

    def make(application: Callable) -> VolumeAttachments:
        return VolumeAttachments(application,
                                 loaded.clouds if loaded else None)
    return make
