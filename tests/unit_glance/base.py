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

"""Base of the tests of the filter for home's glance-api."""

import functools
import re
import uuid

import fixtures as base_fixtures
import glance.api.middleware.context
import glance.api.v2.router
from glance.common import config as glance_config
from glance.common import wsgi
import glance.db.sqlalchemy.api as sql
from glance.db.sqlalchemy import models
import glance_store
from oslo_config import cfg
from oslo_db import options
from oslotest import base
import paste.urlmap
import requests_mock
import webob

from mixmatch import federation
from mixmatch_glance import middleware
from tests import clouds
from tests import databases
from tests.unit_glance import glances

IMAGE = '22222222-0000-4000-8000-000000000002'

#: A machine that is busy must not look like a cloud that is away.
PATIENT = 'ask_timeout = 300\n'


@functools.cache
def _register_opts():
    cfg.CONF.register_opts(options.database_opts, 'database')
    glance_store.register_opts(cfg.CONF)


class GlanceTestCase(base.BaseTestCase):
    """Home's glance-api, and two other clouds."""

    names = ('bu', 'mit')
    #: more options of [mixmatch]
    options = ''
    #: options of glance-api.conf: (name, value, group)
    glance_options: tuple = ()

    def setUp(self):
        super().setUp()
        self.clouds = self.useFixture(clouds.TwoClouds(*self.names))
        self.home = self.clouds.home
        self.clouds.mock.register_uri(
            requests_mock.ANY, re.compile(r'http://127\.0\.0\.1:'),
            real_http=True)
        self.glances = {}
        for name in self.names:
            there = self.useFixture(glances.Glance())
            self.clouds.service_providers[name].services['image'] = there.url
            self.glances[name] = there
        self.bu, self.mit = (self.glances[name] for name in self.names)
        self._start_glance()
        self.restart()

    def _start_glance(self):
        conf = cfg.CONF
        glance_config.set_config_defaults()
        _register_opts()
        conf([], project='glance', default_config_files=[],
             default_config_dirs=[])
        self.addCleanup(conf.reset)
        folder = self.useFixture(base_fixtures.TempDir()).path
        for option, value, group in (
                ('filesystem_store_datadir', folder, 'glance_store'),
                ('node_staging_uri', f'file://{folder}', None),
                ('connection', f'sqlite:///{folder}/database', 'database'),
                *self.glance_options):
            conf.set_override(option, value, group)
            self.addCleanup(conf.clear_override, option, group)
        glance_store.create_stores(conf)
        sql.clear_db_env()
        self.addCleanup(sql.clear_db_env)
        databases.create_all(models.BASE.metadata, sql.get_engine())
        self.api = paste.urlmap.URLMap()
        self.api['/v2'] = glance.api.v2.router.API(wsgi.APIMapper())

    def restart(self):
        """Start a process of home's glance-api with the filter."""
        text = clouds.text(*self.names).replace(
            '[mixmatch]\n', '[mixmatch]\n' + PATIENT + self.options).replace(
            'service_project_name', 'endpoint_hosts = 127.0.0.1\n'
                                    'service_project_name')
        self.conf = clouds.configuration(self, text)
        self.federation = federation.Federation(self.conf)
        self.filter = glance.api.middleware.context.ContextMiddleware(
            middleware.Images(self.api, self.federation, self.conf))

    def environ(self, user='alice', roles='member,reader'):
        """Return what Keystone's middleware says of a user."""
        return {
            'HTTP_X_IDENTITY_STATUS': 'Confirmed', 'HTTP_X_ROLES': roles,
            'HTTP_X_USER_ID': f'home-id-of-{user}', 'HTTP_X_USER_NAME': user,
            'HTTP_X_PROJECT_ID': f'home-id-of-{self.home.projects[user]}',
            'HTTP_X_AUTH_TOKEN': self.home.token(user),
            'keystone.token_info': self.home.token_body(user)}

    def send(self, path, method='GET', body=None, user='alice', headers=(),
             roles='member,reader', app=None, environ_more=(),
             **kwargs):
        """Send a request to home's glance-api, and return the response."""
        request = webob.Request.blank(
            path, method=method, headers=dict(headers),
            environ={**self.environ(user, roles), **dict(environ_more)},
            **kwargs)
        if body is not None:
            request.content_type = 'application/json'
            request.json = body
        return request.get_response(app or self.filter)

    def get(self, path, **kwargs):
        """Return the body of a successful GET request."""
        response = self.send(path, **kwargs)
        self.assertEqual(200, response.status_int, response.text)
        return response.json

    def show(self, **kwargs):
        """Return the image of another cloud."""
        return self.get(f'/v2/images/{IMAGE}', **kwargs)

    def add_home_image(self, bits=b'home', user='admin', **values):
        """Make an image of home; its id."""
        values = {'id': str(uuid.uuid4()), 'disk_format': 'raw',
                  'container_format': 'bare', **values}
        created = self.send('/v2/images', 'POST', values, user=user,
                            roles='admin,member', app=self.without_filter)
        self.assertEqual(201, created.status_int, created.text)
        path = f'/v2/images/{created.json["id"]}'
        sent = self.send(f'{path}/file', 'PUT', user=user,
                         roles='admin,member', app=self.without_filter,
                         headers={'Content-Type': 'application/octet-stream'},
                         POST=bits)
        self.assertEqual(204, sent.status_int, sent.text)
        return created.json['id']

    @property
    def without_filter(self):
        return glance.api.middleware.context.ContextMiddleware(self.api)

    def refused(self, status, path=f'/v2/images/{IMAGE}', method='GET',
                **kwargs):
        """Return the text of an error."""
        response = self.send(path, method, headers={
            'Accept': 'application/json', **kwargs.pop('headers', {})},
            **kwargs)
        self.assertEqual(status, response.status_int, response.text)
        self.assertEqual([], self.clouds.leaks())
        return response.text
