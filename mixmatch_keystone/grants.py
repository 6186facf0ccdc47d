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

"""Grants, stored as users, groups and roles of Keystone.

Each pair of a home user and a home project has a user here and a group,
which has the roles. Keystone ends the membership of a federated user in a
group by itself if no login has renewed it, so grants lapse without help, for
application credentials and trusts as well (expiring group memberships,
Keystone 18).
"""

from collections.abc import Iterator, Mapping
import contextlib
import dataclasses
import datetime
import hashlib
import json
from typing import Any, NamedTuple
import uuid

from keystone.assignment import core as assignment
from keystone.common import driver_hints
from keystone.common import provider_api
from keystone import exception
from keystone import notifications
from oslo_db import api as db_api
from oslo_db import exception as db_exception
from oslo_log import log as logging

from mixmatch_keystone import assertion
from mixmatch_keystone import leftovers
from mixmatch_keystone import rules

LOG = logging.getLogger(__name__)
PROVIDERS = provider_api.ProviderAPIs

#: Property of groups and projects that were made by mixmatch.
MARK = 'mixmatch'


class GrantError(Exception):
    """Error: the rules need something that this Keystone lacks."""


@dataclasses.dataclass(frozen=True)
class HeldGrant:
    """Grant in Keystone, perhaps lapsed, and leftovers of its user.

    :param group_id: None if the user has no grant, lapsed or not, but has
        left something behind
    :param home: user and project at home; the project is "?" without a group
    :param roles: names, by the name of the project and its domain
    :param until: naive UTC, as Keystone has it; None if the grant has lapsed
    :param leftovers: number of the user's leftovers by kind
    """

    identity_provider: str
    user_id: str
    group_id: str | None
    home: Mapping[str, str]
    rule: str
    roles: Mapping[str, tuple[str, ...]]
    until: datetime.datetime | None
    leftovers: Mapping[str, int]


class Assignment(NamedTuple):
    """Assignment of a role to a group."""

    role_id: str
    project_id: str | None
    domain_id: str | None = None
    inherited_to_projects: bool = False


# NOTE: all steps can be repeated, and done concurrently.
@db_api.wrap_db_retry(
    max_retries=10, retry_interval=0.05, inc_retry_interval=True,
    max_retry_interval=1, retry_on_deadlock=True,
    exception_checker=lambda exc: isinstance(
        exc, (db_exception.DBDuplicateEntry, exception.Conflict)))
def grant_access(idp: Mapping[str, Any], protocol: str,
                 who: assertion.Assertion, grant: rules.Grant
                 ) -> tuple[str, str]:
    """Make the roles of a user exactly those of a grant.

    :param idp: the identity provider, as Keystone has it
    :param protocol: the id of its protocol
    :returns: the ids of the user and the project
    :raises GrantError: names what has to be created first
    """
    roles = [_role_id(name) for name in grant.roles]
    project_id = _project_id(idp, who, grant)
    wanted = {Assignment(role_id, project_id) for role_id in roles}
    if grant.everywhere is not None:
        others = filter(None, (find(idp, each) for each in grant.everywhere))
        wanted |= {Assignment(role_id, other)
                   for other in others for role_id in roles}
        wanted |= {Assignment(role_id, None, idp['domain_id'], True)
                   for role_id in roles}
    if idp.get('authorization_ttl') != grant.grant_lifetime // 60:
        PROVIDERS.federation_api.update_idp(
            idp['id'], {'authorization_ttl': grant.grant_lifetime // 60})
    user_id = _user_id(idp, protocol, who)
    group_id = _group_id(idp, who, grant)
    _assign(group_id, wanted)
    _renew(user_id, group_id)
    return user_id, project_id


def list_grants(identity_provider: str) -> Iterator[HeldGrant]:
    """List the grants of an identity provider, lapsed ones included.

    A lapsed grant comes back with the next login, and with it the leftovers
    of its user.
    """
    domain_id = PROVIDERS.federation_api.get_idp(
        identity_provider)['domain_id']
    hints = driver_hints.Hints()
    hints.add_filter('idp_id', identity_provider)
    for user in PROVIDERS.shadow_users_api.list_federated_users_info(hints):
        user_id = user['user_id']
        left = leftovers.count(user_id)
        group = _marked_group(user['unique_id'], domain_id)
        if group:
            mark = json.loads(group[MARK])
            yield HeldGrant(
                identity_provider, user_id, group['id'], mark['home'],
                mark['rule'], _roles(group['id']),
                _until(user_id, group['id']), left)
        elif left:
            name, _, domain = (user['display_name'] or '').rpartition('@')
            yield HeldGrant(identity_provider, user_id, None, {
                'user': name, 'user_domain': domain, 'project': '?',
                'project_domain': '?'}, '?', {}, None, left)


def revoke(held: HeldGrant) -> None:
    """Revoke a grant, with all tokens and leftovers of its user.

    Leftovers go last, since until then the user could make new ones.
    """
    if held.group_id:
        # NOTE: another revocation may run at the same time.
        with contextlib.suppress(exception.GroupNotFound):
            PROVIDERS.identity_api.delete_group(held.group_id)
    PROVIDERS.revoke_api.revoke_by_user(held.user_id)
    _forget_cached('the grant has been revoked')
    leftovers.end(held.user_id)


def _marked_group(name: str, domain_id: str) -> dict[str, Any] | None:
    try:
        group = PROVIDERS.identity_api.get_group_by_name(name, domain_id)
    except exception.GroupNotFound:
        return None
    return group if MARK in group else None


def _until(user_id: str, group_id: str) -> datetime.datetime | None:
    """Return when a membership lapses; None if it has."""
    return next((each['membership_expires_at'] for each in
                 PROVIDERS.identity_api.list_groups_for_user(user_id)
                 if each['id'] == group_id), None)


def _unique_id(idp: Mapping[str, Any], who: assertion.Assertion) -> str:
    """Return the id of one user in one project at home: 64 characters."""
    return hashlib.sha256(json.dumps(
        [idp['id'], *_home(who).values()]).encode()).hexdigest()


def _home(who: assertion.Assertion) -> dict[str, str]:
    return {'user': who.user, 'user_domain': who.user_domain,
            'project': who.project, 'project_domain': who.project_domain}


def _user_id(idp: Mapping[str, Any], protocol: str,
             who: assertion.Assertion) -> str:
    shadow, unique_id = PROVIDERS.shadow_users_api, _unique_id(idp, who)
    try:
        user = shadow.get_federated_user(idp['id'], protocol, unique_id)
    except exception.UserNotFound:
        user = shadow.create_federated_user(idp['domain_id'], {
            'idp_id': idp['id'], 'protocol_id': protocol,
            'unique_id': unique_id,
            'display_name': f'{who.user}@{who.user_domain}'[:255]})
    if not user.get('enabled', True):
        raise GrantError('the user is disabled here')
    shadow.set_last_active_at(user['id'])
    return user['id']


def _group_id(idp: Mapping[str, Any], who: assertion.Assertion,
              grant: rules.Grant) -> str:
    identity, name = PROVIDERS.identity_api, _unique_id(idp, who)
    mark = json.dumps({'home': _home(who), 'rule': grant.rule})
    try:
        group = identity.get_group_by_name(name, idp['domain_id'])
    except exception.GroupNotFound:
        group = identity.create_group({
            'name': name, 'domain_id': idp['domain_id'],
            'description': 'A grant of mixmatch: mixmatch-keystone list',
            MARK: mark})
    if group.get(MARK) != mark:
        identity.update_group(group['id'], {MARK: mark})
    return group['id']


def _role_id(name: str) -> str:
    hints = driver_hints.Hints()
    hints.add_filter('name', name)
    for role in PROVIDERS.role_api.list_roles(hints):
        if role['name'] == name and not role['domain_id']:
            return role['id']
    raise GrantError(f'there is no role {name!r}')


def _project_id(idp: Mapping[str, Any], who: assertion.Assertion,
                grant: rules.Grant) -> str:
    name = grant.project.name
    found = find(idp, grant.project, _origin(idp, who))
    if found:
        return found
    if not grant.create:
        raise GrantError(f'there is no {grant.project.label} in domain '
                          f'{grant.project.domain or idp["domain_id"]!r}')
    if len(name) > 64:
        raise GrantError('a project cannot have a name of '
                          f'{len(name)} characters')
    project_id = uuid.uuid4().hex
    PROVIDERS.resource_api.create_project(project_id, {
        'id': project_id, 'name': name, 'domain_id': idp['domain_id'],
        'description': f'For a project of {idp["id"]}',
        MARK: _origin(idp, who)})
    return project_id


def find(idp: Mapping[str, Any], wanted: rules.Project,
          origin: str | None = None) -> str | None:
    """Return the id of a project; None if it does not exist.

    :param origin: the home project that it must have been made for, if it
        was made by mixmatch
    :raises GrantError: it belongs to another one
    """
    resource = PROVIDERS.resource_api
    try:
        domain_id = (resource.get_domain_by_name(wanted.domain)['id']
                     if wanted.domain else idp['domain_id'])
        project = resource.get_project_by_name(wanted.name, domain_id)
    except (exception.DomainNotFound, exception.ProjectNotFound):
        return None
    if domain_id != idp['domain_id'] and domain_id in {
            each['domain_id']
            for each in PROVIDERS.federation_api.list_idps()}:
        raise GrantError(f'the {wanted.label} is in the domain of another '
                          'identity provider')
    # NOTE: databases may take "Research", "research" and "résearch" for the
    # same, and two names may have been put together to the same one.
    if project['name'] != wanted.name or (
            origin and project.get(MARK, origin) != origin):
        raise GrantError('the project of that name was made for another '
                          'one of the identity provider')
    return project['id']


def _origin(idp: Mapping[str, Any], who: assertion.Assertion) -> str:
    return json.dumps([idp['id'], who.project, who.project_domain])


def _assigned(group_id: str) -> set[Assignment]:
    return {Assignment(each['role_id'], each.get('project_id'),
                       each.get('domain_id'),
                       each.get('inherited_to_projects') == 'projects')
            for each in PROVIDERS.assignment_api.list_role_assignments(
                group_id=group_id)}


def _assign(group_id: str, wanted: set[Assignment]) -> None:
    present = _assigned(group_id)
    api = PROVIDERS.assignment_api
    for change, those in ((api.delete_grant, present - wanted),
                          (api.create_grant, wanted - present)):
        for each in those:
            try:
                change(group_id=group_id, **each._asdict())
            except exception.RoleAssignmentNotFound:
                LOG.debug('%s was removed by another login already', each)
    if present - wanted:
        _forget_cached('a role has been taken away')


def _renew(user_id: str, group_id: str) -> None:
    member = group_id in {
        group['id'] for group in
        PROVIDERS.identity_api.list_groups_for_user(user_id)}
    PROVIDERS.shadow_users_api.add_user_to_group_expires(user_id, group_id)
    if not member:
        # NOTE: Keystone does not expect that a membership comes back.
        assignment.COMPUTED_ASSIGNMENTS_REGION.invalidate()


def _forget_cached(reason: str) -> None:
    assignment.COMPUTED_ASSIGNMENTS_REGION.invalidate()
    notifications.invalidate_token_cache_notification(reason)


def _roles(group_id: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for each in _assigned(group_id):
        if each.project_id:
            project = PROVIDERS.resource_api.get_project(each.project_id)
            name, domain_id = project['name'], project['domain_id']
        else:
            name, domain_id = '*', each.domain_id
        domain = PROVIDERS.resource_api.get_domain(domain_id)
        found.setdefault(f'{name}@{domain["name"]}', []).append(
            PROVIDERS.role_api.get_role(each.role_id)['name'])
    return {where: tuple(sorted(names))
            for where, names in sorted(found.items())}
