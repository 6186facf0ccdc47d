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

"""Two clouds (or more) as they look from the network."""

import datetime
import email.message
import io
import itertools
import re
import time
import types
from urllib import parse
import uuid

import cachetools
import fixtures
from keystoneauth1 import fixture as ksa_fixture
from oslo_config import cfg
import requests_mock
from requests_mock.contrib import fixture as requests_mock_fixture
import urllib3

#: What the operator of home writes. The rest of the text is the section of
#: the service provider, so that a test can add to it.
HOME_CONF = """
[mixmatch]
service_providers = %s
status_directory =
[service_user]
auth_type = password
auth_url = http://home:5000/v3
username = nova
password = password-of-nova
user_domain_name = Default
project_name = service
project_domain_name = Default
send_service_user_token = true
"""
#: The libvirt secret of each service provider's Ceph.
SECRET = '8d3c0f52-5d0e-4d38-8f57-6a1a2b3c4d5e'

SP_CONF = """
[service_provider:%s]
project_name = {project_name}
service_project_name = service
rbd_secret_uuid = """ + SECRET + """
"""


def text(*names, more=''):
    """The configuration file of a service of home.

    :param more: more options of the last service provider
    """
    return (HOME_CONF % ', '.join(names)
            + ''.join(SP_CONF % name for name in names) + more)


def configuration(testcase, text, conf=None):
    """Read a configuration file as a service does.

    :param conf: the configuration of this process; a new one if it is None
    """
    path = testcase.useFixture(fixtures.TempDir()).join('service.conf')
    with open(path, 'w') as config:
        config.write(text)
    conf = cfg.ConfigOpts() if conf is None else conf
    testcase.addCleanup(conf.reset)
    conf([], project='nova', default_config_files=[path],
         default_config_dirs=[])
    return conf


class Home:
    """Home's Keystone."""

    url = 'http://home:5000/v3'
    ecp_url = url + '/auth/OS-FEDERATION/saml2/ecp'
    cinder_url = 'http://home:8776/v3'

    def __init__(self, mock, serial):
        self._serial = serial
        #: user -> the name of the project
        self.projects = {'nova': 'service', 'alice': 'research',
                         'bob': 'teaching', 'admin': 'admin'}
        #: token -> user
        self.tokens = {}
        self.assertions = []
        self.token_life = datetime.timedelta(hours=1)
        self.service_providers = {}
        mock.get(self.url, json={
            'version': ksa_fixture.V3Discovery(self.url)})
        mock.post(self.url + '/auth/tokens', json=self._issue_token)
        mock.get(self.url + '/auth/tokens', json=self._validate_token)
        #: tokens of application credentials and trusts -> more of their body
        self.delegated = {}
        #: who may not validate the tokens of others
        self.may_not_validate = set()
        mock.post(self.ecp_url, content=self._issue_assertion,
                  headers={'Content-Type': 'text/xml'})
        mock.get('http://home:8776/', json=_cinder_versions(self))
        self.highest_microversion = '3.71'
        # What Nova asks before it goes where a user says.
        mock.get(re.compile(f'{self.cinder_url}/volumes/'), status_code=404,
                 request_headers={'OpenStack-Mixmatch-Known-Here': 'true'},
                 json={'itemNotFound': {'code': 404, 'message': 'no'}})
        self._mock = mock

    def token(self, user):
        """A token that a user got from here."""
        token = f'home-token-{user}-{next(self._serial)}'
        self.tokens[token] = user
        return token

    def add_volume(self, volume_id, **values):
        """Make a volume that whoever asks may see."""
        return self._mock.get(
            f'{self.cinder_url}/volumes/{volume_id}',
            json={'volume': volume(volume_id, **values)})

    def _issue_token(self, request, context):
        identity = request.json()['auth']['identity']
        if 'password' in identity:
            user = identity['password']['user']['name']
        else:
            user = self.tokens.get(identity['token']['id'])
            if user is None:
                context.status_code = 401
                return {'error': {'code': 401, 'message': 'no such token'}}
            if identity['token']['id'] in self.delegated:
                context.status_code = 403
                return {'error': {'code': 403, 'message': 'delegated'}}
        context.status_code = 201
        context.headers['X-Subject-Token'] = self.token(user)
        return self.token_body(user)

    def _validate_token(self, request, context):
        by, subject = (request.headers[name] for name in (
            'X-Auth-Token', 'X-Subject-Token'))
        if by not in self.tokens:
            context.status_code = 401
        elif by != subject and self.tokens[by] in self.may_not_validate:
            context.status_code = 403
        elif subject not in self.tokens:
            context.status_code = 404
        else:
            body = self.token_body(self.tokens[subject])
            body['token'].update(self.delegated.get(subject, {}))
            return body
        return {'error': {'code': context.status_code, 'message': 'no'}}

    def token_body(self, user):
        """Return the body of a validated token of home."""
        # NOTE: by the clock that a test may hold.
        now = datetime.datetime.fromtimestamp(time.time(), datetime.UTC)
        project = self.projects[user]
        body = ksa_fixture.V3Token(
            issued=now, expires=now + self.token_life,
            user_id=f'home-id-of-{user}', user_name=user,
            project_id=f'home-id-of-{project}', project_name=project)
        for sp in self.service_providers.values():
            body.add_service_provider(sp.name, sp.auth_url, sp.acs_url)
        return body

    def _issue_assertion(self, request, context):
        user = self.tokens[request.json()['auth']['identity']['token']['id']]
        assertion = f'<assertion serial="{next(self._serial)}">{user}</>'
        self.assertions.append(assertion)
        return assertion.encode()


class ServiceProvider:
    """Keystone behind Apache, and Cinder, of another cloud."""

    def __init__(self, mock, serial, name):
        self.name = name
        self._mock = mock
        self._serial = serial
        self.url = f'http://{name}:5000/v3'
        self.acs_url = f'http://{name}:5000/Shibboleth.sso/SAML2/ECP'
        self.auth_url = (f'{self.url}/OS-FEDERATION/identity_providers/home/'
                         'protocols/mapped/auth')
        self.cinder_url = f'http://{name}:8776/v3'
        #: user -> the names of the projects that the mapping gives
        self.projects = {'nova': ['service'], 'alice': ['research'],
                         'bob': ['teaching'], 'admin': ['operations']}
        #: token -> (user, project id or None)
        self.tokens = {}
        #: cookie -> user
        self.cookies = {}
        self.has_cinder = True
        #: type -> URL of more services in the catalog
        self.services = {}
        self.highest_microversion = '3.71'
        mock.add_matcher(self._take_assertion)
        mock.get(self.auth_url, json=self._unscoped_token)
        mock.get(self.url + '/auth/projects', json=self._list_projects)
        mock.post(self.url + '/auth/tokens', json=self._scoped_token)
        for url in (f'http://{name}:8776/', self.cinder_url,
                    self.cinder_url + '/'):
            mock.get(url, json=_cinder_versions(self))

    @staticmethod
    def project_id(name):
        return f'id-of-{name}'

    def user_id(self, name):
        return uuid.uuid5(uuid.NAMESPACE_URL, f'{self.url}/{name}').hex

    def add_volume(self, volume_id, **values):
        """Make a volume that whoever asks may see."""
        return self._mock.get(
            f'{self.cinder_url}/volumes/{volume_id}',
            json={'volume': volume(volume_id, **values)})

    def _take_assertion(self, request):
        if (request.method, request.url) != ('POST', self.acs_url):
            return None
        user = request.text.partition('>')[2].removesuffix('</>')
        cookie = f'saml-session-{user}-{next(self._serial)}'
        self.cookies[cookie] = user
        return answer_with_cookie(request, f'_shibsession={cookie}')

    def _unscoped_token(self, request, context):
        cookie = request.headers.get('Cookie', '').partition('=')[2]
        user = self.cookies.get(cookie)
        if user not in self.projects:
            context.status_code = 401
            return {'error': {'code': 401, 'message': 'not mapped'}}
        return self._new_token(context, user, None)

    def _list_projects(self, request, context):
        user, _ = self.tokens[request.headers['X-Auth-Token']]
        return {'projects': [{'id': self.project_id(name), 'name': name}
                             for name in self.projects[user]]}

    def _scoped_token(self, request, context):
        auth = request.json()['auth']
        user, _ = self.tokens[auth['identity']['token']['id']]
        scope = auth['scope']['project']
        project_id = scope.get('id') or self.project_id(scope['name'])
        allowed = map(self.project_id, self.projects[user])
        # NOTE: Nova's own user may enter each project of home's users.
        if user != 'nova' and project_id not in allowed:
            context.status_code = 401
            return {'error': {'code': 401, 'message': 'no role there'}}
        return self._new_token(context, user, project_id)

    def _new_token(self, context, user, project_id):
        token = f'{self.name}-token-{parse.quote(user)}-{next(self._serial)}'
        self.tokens[token] = (user, project_id)
        context.status_code = 201
        context.headers['X-Subject-Token'] = token
        body = ksa_fixture.V3Token(user_id=self.user_id(user), user_name=user,
                                   project_id=project_id)
        if self.has_cinder:
            body.add_service('block-storage').add_standard_endpoints(
                public=self.cinder_url)
        for service_type, url in self.services.items():
            body.add_service(service_type).add_standard_endpoints(public=url)
        return body


def _cinder_versions(cloud):
    return lambda request, context: {'versions': [{
        'id': 'v3.0', 'status': 'CURRENT', 'min_version': '3.0',
        'version': cloud.highest_microversion,
        'updated': '2016-02-08T12:20:21Z',
        'links': [{'rel': 'self', 'href': cloud.cinder_url + '/'}]}]}


def _unexpected(request, context):
    raise AssertionError(f'no test expects {request.method} {request.url}')


def answer_with_cookie(request, cookie):
    """A redirection that sets a cookie, as Apache's SAML module sends it."""
    headers = {'Set-Cookie': f'{cookie}; path=/; HttpOnly',
               'Location': 'http://any/'}
    # NOTE: requests takes cookies from the message of http.client below the
    # response, which requests_mock does not make.
    message = email.message.Message()
    message['Set-Cookie'] = headers['Set-Cookie']
    return requests_mock.create_response(request, raw=urllib3.HTTPResponse(
        body=io.BytesIO(), status=302, headers=headers,
        preload_content=False,
        original_response=types.SimpleNamespace(
            msg=message, isclosed=lambda: True, close=lambda: None)))


def volume(volume_id, **values):
    """The body of a volume as Cinder sends it."""
    return {'id': volume_id, 'status': 'available', 'size': 1,
            'availability_zone': 'nova', 'created_at': None, 'name': 'disk',
            'description': None, 'attachments': [], 'volume_type': None,
            'snapshot_id': None, 'bootable': 'false', 'metadata': {},
            'multiattach': False, 'encrypted': False, **values}


class Clock(fixtures.Fixture):
    """Time that passes only when it is told to, for what is made after this.
    """

    def _setUp(self):
        self.passed = 0.0
        for name in ('time', 'monotonic'):
            # NOTE: a whole number, or what passes is rounded with it.
            began = float(int(getattr(time, name)()))
            self.useFixture(fixtures.MockPatchObject(
                time, name, lambda began=began: began + self.passed))
        # It holds the clock that was there when it was imported.
        init = cachetools.TTLCache.__init__
        self.useFixture(fixtures.MockPatchObject(
            cachetools.TTLCache, '__init__', lambda cache, size, ttl: init(
                cache, size, ttl, timer=time.monotonic)))

    def let_pass(self, seconds):
        self.passed += seconds


class TwoClouds(fixtures.Fixture):
    """Home, and the service providers that its Keystone knows."""

    def __init__(self, *names):
        super().__init__()
        self._names = names or ('bu',)

    def _wait_for_the_lock(self):
        """Let a request wait on a busy machine.

        requests_mock lets only one thread send at a time, and after ten
        seconds fails the others.
        """
        real = requests_mock.mocker.threading_rlock
        self.useFixture(fixtures.MonkeyPatch(
            'requests_mock.mocker.threading_rlock',
            lambda timeout: real(timeout=300)))

    def _setUp(self):
        self._wait_for_the_lock()
        self.mock = self.useFixture(requests_mock_fixture.Fixture())
        # A refusal to guess, not a cloud that is silent.
        self.mock.register_uri(requests_mock.ANY, requests_mock.ANY,
                               text=_unexpected)
        serial = itertools.count()
        self.home = Home(self.mock, serial)
        self.service_providers = {
            name: ServiceProvider(self.mock, serial, name)
            for name in self._names}
        self.home.service_providers = self.service_providers
        for name, sp in self.service_providers.items():
            setattr(self, name, sp)

    @property
    def requests(self):
        """Requests sent so far: (method, host, path)."""
        return [(each.method, each.hostname, each.path)
                for each in self.mock.request_history]

    def sent_to(self, *hosts, port=None):
        return [each for each in self.mock.request_history
                if each.hostname in hosts and port in (None, each.port)]

    def secrets(self):
        """Every token, assertion and cookie that was issued so far."""
        found = {*self.home.tokens, *self.home.assertions,
                 'password-of-nova'}
        for sp in self.service_providers.values():
            found |= {*sp.tokens, *sp.cookies}
        return found

    def leaks(self):
        """The requests that took a token of home to another cloud."""
        return [each for each in self.sent_to(*self.service_providers)
                if any(token in f'{each.url} {each.headers} {each.text}'
                       for token in self.home.tokens)]
