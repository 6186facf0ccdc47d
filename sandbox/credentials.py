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

"""Credentials of the clouds' users: clouds.yaml and the environment."""

import json

from sandbox import model
from sandbox import state
from sandbox import topology


def of(cloud: model.Cloud, user: str, project: str = '') -> dict[str, str]:
    """Return the options with which a user logs in."""
    known = {'admin', *cloud.service_users,
             *(person.name for person in cloud.users)}
    if user not in known:
        raise state.Error(f'{cloud.name} has no user {user!r}, only '
                          + ', '.join(sorted(known)))
    return {
        'auth_url': topology.url(cloud, 'keystone', '/v3'),
        'username': user,
        'password': cloud.password(user),
        'user_domain_name': 'Default',
        'project_name': project or cloud.project_of(user),
        'project_domain_name': 'Default',
    }


def environment(cloud: model.Cloud, user: str,
                project: str = '') -> dict[str, str]:
    """The variables that the ``openstack`` command reads."""
    env = {f'OS_{key.upper()}': value
           for key, value in of(cloud, user, project).items()}
    # NOTE: no region. A cloud has but one, and the name of the own one
    # would also be looked for in the catalogue of a service provider.
    env['OS_IDENTITY_API_VERSION'] = '3'
    return env


def entries() -> dict[str, dict]:
    """The clouds of clouds.yaml."""
    found = {}

    def add(name: str, cloud: model.Cloud, user: str,
            project: str = '', **more: object) -> None:
        found[name] = {'auth': of(cloud, user, project),
                       'region_name': cloud.name,
                       'identity_api_version': '3', **more}

    for cloud in topology.CLOUDS:
        if 'keystone' not in cloud.components:
            continue
        add(cloud.name, cloud, cloud.default_user)
        add(f'{cloud.name}-admin', cloud, 'admin')
        for user in cloud.users:
            if user.name != cloud.default_user:
                add(f'{cloud.name}-{user.name}', cloud, user.name)
        for project in cloud.projects:
            if any(user.name == cloud.default_user
                   and project in user.projects[1:] for user in cloud.users):
                add(f'{cloud.name}-{project}', cloud, cloud.default_user,
                    project)
        for trust in cloud.trusts:
            idp = topology.by_name(trust.idp)
            for guest in trust.users:
                # NOTE: the openstack command reads these; the SDK does not
                # know them.
                add(f'{cloud.name}-as-{guest.user}', idp, guest.user,
                    guest.home_project, service_provider=cloud.name,
                    remote_project_name=guest.project,
                    remote_project_domain_name='Default')
                found[f'{cloud.name}-as-{guest.user}'][
                    'region_name'] = cloud.name
    return found


def clouds_yaml() -> str:
    """YAML by way of JSON, which is a part of it."""
    return json.dumps({'clouds': entries()}, indent=2) + '\n'
