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

"""At a service provider: what another cloud's Nova holds stays attached.

Cinder asks the Nova of its own cloud whether an attachment is in use
(CVE-2023-2088). That does not know the servers of other clouds, so Cinder
would let anybody delete their attachments. Here each attachment has a holder
(see :mod:`mixmatch_cinder.holder`), and only its service token may touch it.

The checks are inside of cinder-api, where all ways to an attachment meet, and
not in front of it: what a path or a body means is for Cinder to say. ::

    [filter:mixmatch_protection]
    use = egg:mixmatch#cinder_protection
"""

from collections.abc import Callable
import copy
from typing import Any

from cinder import exception
from cinder import objects
from cinder.objects import fields
from cinder.policies import attachments as attachment_policy
from cinder.policies import volume_actions as action_policy
from keystoneauth1 import exceptions as ksa_exceptions
from novaclient import exceptions as nova_exceptions
from oslo_config import cfg
from oslo_log import log as logging

from mixmatch import patch
from mixmatch_cinder import conf as options
from mixmatch_cinder import connectors
from mixmatch_cinder import holder
from mixmatch_cinder import refusals
from mixmatch_cinder import views

LOG = logging.getLogger(__name__)

_ADMIN_ACTION = 'volume_extension:volume_admin_actions:'
_RESET = _ADMIN_ACTION + 'reset_status'
#: The policies of what ends an attachment: one that is only reserved may go.
_ENDS = frozenset({
    attachment_policy.DELETE_POLICY, action_policy.DETACH_POLICY,
    action_policy.TERMINATE_POLICY, _ADMIN_ACTION + 'force_detach'})
#: And of what changes one.
_CHANGES = frozenset({
    attachment_policy.UPDATE_POLICY, attachment_policy.COMPLETE_POLICY})
_GUARDED = _ENDS | _CHANGES | {_RESET}

AUTHORIZE = patch.Symbol(
    'cinder.context', 'RequestContext.authorize',
    ('self', 'action', 'target', 'target_obj', 'fatal'))
RESERVE = patch.Symbol(
    'cinder.volume.api', 'API._attachment_reserve',
    ('self', 'ctxt', 'vref', 'instance_uuid'))
DELETION_ALLOWED = patch.Symbol(
    'cinder.volume.api', 'API.attachment_deletion_allowed',
    ('self', 'ctxt', 'attachment_or_attachment_id', 'volume'))
CONNECT = patch.Symbol(
    'cinder.volume.rpcapi', 'VolumeAPI.attachment_update',
    ('self', 'ctxt', 'vref', 'connector', 'attachment_id'))


class Protection:
    """What is replaced in one cinder-api.

    :param conf: Cinder's configuration
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        options.register_opts(conf)
        self._conf = conf
        self._roles = frozenset(conf.mixmatch.home_roles)

    def patches(self) -> list[patch.Patch]:
        return [patch.Patch(AUTHORIZE, self._authorize),
                patch.Patch(RESERVE, self._reserve),
                patch.Patch(DELETION_ALLOWED, self._deletion_allowed),
                patch.Patch(CONNECT, self._connect),
                *views.patches()]

    def _home(self, context: Any) -> str | None:
        """The other cloud whose Nova asks: the domain of its user."""
        if self._roles.intersection(context.service_roles or ()):
            return context.service_user_domain_id
        return None

    def _is_own_service(self, context: Any) -> bool:
        """Whether a service of this cloud asks."""
        services = self._conf.keystone_authtoken.service_token_roles
        return (self._home(context) is None
                and not set(services).isdisjoint(context.service_roles or ()))

    def _authorize(self, original: Callable, context: Any, action: str,
                   target: Any = None, target_obj: Any = None,
                   fatal: bool = True) -> Any:
        allowed = original(context, action, target, target_obj, fatal)
        if allowed and action in _GUARDED:
            self._guard(context, action, target_obj)
        return allowed

    def _guard(self, context: Any, action: str, target: Any) -> None:
        """Check that nothing is touched that somebody else holds.

        :param target: an attachment; or a volume, and so all attachments of
            it: what ends a connection or an export may hit each of them
        :raises Held: something is
        """
        home_id = self._home(context)
        alone = isinstance(target, objects.VolumeAttachment)
        volume_id = target.volume_id if alone else target.id
        held = holder.of_volume(context, volume_id)
        # NOTE: policy lets another cloud's Nova reset what has no attachment.
        # It must not end others' attachments by that, whosever they are.
        strict = (action == _RESET and home_id is not None
                  and not context.is_admin)
        if not strict and not any(each.home_id for each in held.values()):
            return
        for each in _attachments(context, volume_id):
            by = held.get(each.id)
            if alone and each.id != target.id:
                continue
            if strict and (by is None or by.home_id != home_id):
                raise refusals.refusal(context, action, each, by)
            if by is not None and by.home_id not in (None, home_id) and (
                    not _may_end(context, action, each, by, home_id)):
                raise refusals.refusal(context, action, each, by)

    def _reserve(self, original: Callable, api: Any, context: Any,
                 volume: Any, instance_uuid: str | None = None) -> Any:
        """Make an attachment, and note its holder.

        :raises Held: it names a server that somebody else has attached the
            volume to; Cinder would take it for a server that moves
        """
        home_id = self._home(context)
        if instance_uuid and volume.volume_attachment:
            held = holder.of_volume(context, volume.id)
            for each in _attachments(context, volume.id):
                by = held.get(each.id)
                if (by is not None and by.home_id != home_id
                        and each.instance_uuid == instance_uuid):
                    raise refusals.refusal(context, 'reserve', each, by)
        attachment = original(api, context, volume, instance_uuid)
        if not self._is_own_service(context):
            _note(context, attachment, home_id)
        return attachment

    def _connect(self, original: Callable, rpc: Any, context: Any,
                 volume: Any, connector: dict[str, Any],
                 attachment_id: str) -> Any:
        """Connect a host, under a name that no other cloud uses.

        :raises Held: it is a host that another cloud uses the volume on
        """
        if self._is_own_service(context):
            return original(rpc, context, volume, connector, attachment_id)
        home_id = self._home(context)
        held = holder.of_volume(context, volume.id)
        for each in _attachments(context, volume.id):
            by = held.get(each.id)
            if each.id == attachment_id:
                # Made before the protection, and never connected.
                if home_id and by is None and _is_reserved(each):
                    _note(context, each, home_id)
            elif by is not None and by.home_id not in (None, home_id) and (
                    connectors.share_a_host(each.connector, connector)):
                raise refusals.refusal(context, 'connect', each, by)
        if home_id:
            connector = connectors.told_apart(connector, home_id)
        return original(rpc, context, volume, connector, attachment_id)

    def _deletion_allowed(self, original: Callable, api: Any, context: Any,
                          attachment_or_attachment_id: Any,
                          volume: Any = None) -> None:
        """Cinder's check; a service token counts for what it attached."""
        home_id = self._home(context)
        volume_id, ids = _concerned(attachment_or_attachment_id, volume)
        if home_id is not None:
            held = holder.of_volume(context, volume_id)
            if all(each in held and held[each].home_id == home_id
                   for each in ids):
                return
            # NOTE: it may be of this cloud's own Nova, or older than the
            # protection. Cinder asks Nova, as for a user.
            context = copy.copy(context)
            context.service_roles = []
        try:
            original(api, context, attachment_or_attachment_id, volume)
        except nova_exceptions.Forbidden as exc:
            if home_id is None:
                raise
            # Nova has the server, and shows it to its own users only.
            raise exception.ConflictNovaUsingAttachment(
                instance_id='') from exc
        except ksa_exceptions.EndpointNotFound:
            if not _is_storage_only(context):
                raise
            if home_id is None:
                _check_made_by_user(context, volume_id, ids)


def _may_end(context: Any, action: str, attachment: Any, by: holder.Holder,
             home_id: str | None) -> bool:
    """Whether what another cloud holds may nevertheless be ended."""
    if action == _RESET and context.is_admin:
        LOG.warning(
            'Administrator %(user)s resets volume %(volume)s in spite of '
            'attachment %(attachment)s for server %(server)s of another '
            'cloud: %(by)s', {
                'user': context.user_id, 'volume': attachment.volume_id,
                'attachment': attachment.id, 'by': by,
                'server': attachment.instance_uuid})
        return True
    return action in _ENDS and home_id is None and _is_reserved(attachment)


def _is_reserved(attachment: Any) -> bool:
    return attachment.attach_status == fields.VolumeAttachStatus.RESERVED


def _attachments(context: Any, volume_id: str) -> Any:
    """As they are now."""
    return objects.VolumeAttachmentList.get_all_by_volume_id(
        context.elevated(), volume_id)


def _concerned(attachment_or_id: Any, volume: Any) -> tuple[str, list[str]]:
    """The volume and the attachments that Cinder's check is about."""
    if not attachment_or_id:
        return volume.id, [each.id for each in volume.volume_attachment]
    if isinstance(attachment_or_id, str):
        return volume.id, [attachment_or_id]
    return attachment_or_id.volume_id, [attachment_or_id.id]


def _is_storage_only(context: Any) -> bool:
    """Whether this cloud has no Nova that could use an attachment."""
    known = {each.get('type') for each in context.service_catalog}
    return 'identity' in known and 'compute' not in known


def _check_made_by_user(context: Any, volume_id: str, ids: list[str]) -> None:
    """Where nobody can be asked, only what a user made himself may go.

    :raises HolderUnknown: there is something else
    """
    held = holder.of_volume(context, volume_id)
    for each in _attachments(context, volume_id):
        if each.id in ids and each.id not in held:
            raise refusals.refusal(context, 'delete', each, None)


def _note(context: Any, attachment: Any, home_id: str | None) -> None:
    by = holder.note(context, attachment, home_id)
    LOG.info('Attachment %(attachment)s of volume %(volume)s for server '
             '%(server)s is held by %(by)s', {
                 'attachment': attachment.id, 'by': by,
                 'volume': attachment.volume_id,
                 'server': attachment.instance_uuid})


def load(conf: cfg.ConfigOpts) -> None:
    """Put the protection into this process, once.

    :param conf: Cinder's configuration
    :raises mixmatch.patch.DoesNotFit: the installed Cinder is not the one
        that the patches were written for; nothing is patched then
    """
    if patch.owner_of(AUTHORIZE) is None:
        protection = Protection(conf)
        patch.apply(protection, protection.patches())
        LOG.info('Attachments of other clouds are protected; their Nova has '
                 'one of the roles %s', ', '.join(conf.mixmatch.home_roles))


def factory(global_conf: dict[str, str], **local_conf: str
            ) -> Callable[[Callable], Callable]:
    """The filter factory of paste.deploy; loading it is the point.

    A cinder-api that does not fit does not start.
    """
    load(cfg.CONF)
    return lambda application: application
