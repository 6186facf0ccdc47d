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

"""Apache and shibd in front of a Keystone that trusts other clouds."""

import os
import pathlib
import shutil

from sandbox import health
from sandbox import model
from sandbox.services import keystone
from sandbox import state
from sandbox import topology

ATTRIBUTES = ('openstack_user', 'openstack_user_domain', 'openstack_roles',
              'openstack_project', 'openstack_project_domain',
              'openstack_groups')
MODULES = ('mpm_event', 'authn_core', 'authz_core', 'authz_user', 'alias',
           'proxy', 'proxy_uwsgi', 'shib')

PROTECTED = '/v3/OS-FEDERATION/identity_providers'


def folder(site: state.Site, cloud: model.Cloud) -> pathlib.Path:
    """Configuration that Apache's processes read as www-data."""
    return site.sockets / f'{cloud.name}-shibboleth'


def _shibboleth(site: state.Site, cloud: model.Cloud) -> str:
    etc = folder(site, cloud)
    providers = '\n'.join(
        '    <MetadataProvider type="XML" validate="false" path='
        f'"{keystone.metadata(site, topology.by_name(trust.idp))}"/>'
        for trust in cloud.trusts)
    sso = ('' if len(cloud.trusts) != 1 else ' entityID="' + keystone
           .entity_id(topology.by_name(cloud.trusts[0].idp)) + '"')
    return f"""\
<SPConfig xmlns="urn:mace:shibboleth:3.0:native:sp:config" clockSkew="180">
  <OutOfProcess logger="{etc}/shibd.logger"/>
  <InProcess logger="{etc}/apache.logger"/>
  <UnixListener address="{site.sockets}/{cloud.name}-shibd.sock"/>
  <StorageService type="Memory" id="mem" cleanupInterval="60"/>
  <SessionCache type="StorageService" StorageService="mem"
                maintainReverseIndex="false" inprocTimeout="60"/>
  <ReplayCache StorageService="mem"/>
  <ApplicationDefaults entityID="{topology.url(cloud, 'keystone')}/shibboleth"
                       REMOTE_USER="" homeURL="/">
    <Sessions lifetime="300" timeout="300" relayState="ss:mem"
              checkAddress="false" handlerSSL="false"
              cookieProps="; path=/; HttpOnly" redirectLimit="exact">
      <SSO ECP="true"{sso}>SAML2</SSO>
    </Sessions>
    <Errors supportContact="none"/>
{providers}
    <AttributeExtractor type="Chaining">
      <AttributeExtractor type="XML" validate="false" reloadChanges="false"
                          path="{etc}/attribute-map.xml"/>
      <AttributeExtractor type="Assertion"
                          SessionNotOnOrAfter="openstack_not_on_or_after"/>
    </AttributeExtractor>
  </ApplicationDefaults>
  <SecurityPolicyProvider type="XML" validate="false"
                          path="/etc/shibboleth/security-policy.xml"/>
  <ProtocolProvider type="XML" validate="false" reloadChanges="false"
                    path="/etc/shibboleth/protocols.xml"/>
</SPConfig>
"""


def _logger(level: str, path: pathlib.Path) -> str:
    return f"""\
log4j.rootCategory={level}, f
log4j.appender.f=org.apache.log4j.FileAppender
log4j.appender.f.fileName={path}
log4j.appender.f.layout=org.apache.log4j.PatternLayout
log4j.appender.f.layout.ConversionPattern=%d{{%Y-%m-%d %H:%M:%S}} %p %c: %m%n
"""


def _pid_file(site: state.Site, cloud: model.Cloud) -> pathlib.Path:
    return site.sockets / f'{cloud.name}-apache.pid'


def _apache(site: state.Site, cloud: model.Cloud) -> str:
    port = topology.port(cloud, 'keystone')
    logs = site.log(cloud.name, 'apache').parent
    modules = '\n'.join(
        f'LoadModule {"mod_shib" if name == "shib" else name + "_module"} '
        f'/usr/lib/apache2/modules/mod_{name}.so' for name in MODULES)
    protected = '\n'.join(f"""\
  <Location {PROTECTED}/{trust.idp}/protocols/mapped/auth>
    AuthType shibboleth
    ShibRequestSetting requireSession 1
    ShibUseEnvironment On
    ShibUseHeaders Off
    Require shib-session
  </Location>""" for trust in cloud.trusts)
    return f"""\
ServerRoot {folder(site, cloud)}
ServerName 127.0.0.1
PidFile {_pid_file(site, cloud)}
ErrorLog {logs}/apache-error.log
LogLevel warn
User www-data
Group www-data
Mutex file:{site.sockets} default
{modules}
StartServers 1
ThreadsPerChild 16
MaxRequestWorkers 64
MinSpareThreads 8
MaxSpareThreads 64
ServerLimit 4
LogFormat "%h %t \\"%r\\" %>s %b %D" k
CustomLog {logs}/apache-access.log k
ShibConfig {folder(site, cloud)}/shibboleth2.xml
<Directory />
  Require all denied
</Directory>
Listen 127.0.0.1:{port}
<VirtualHost 127.0.0.1:{port}>
  ServerName http://127.0.0.1:{port}
  UseCanonicalName On
  # A unix socket, since whoever reaches the backend may claim anything.
  ProxyPass /Shibboleth.sso !
  ProxyPass / "unix:{keystone.backend(site, cloud)}|uwsgi://keystone/" retry=0
  <Location /Shibboleth.sso>
    SetHandler shib
    Require all granted
  </Location>
{protected}
</VirtualHost>
"""


def render(site: state.Site, cloud: model.Cloud) -> None:
    """One vhost, one shibd."""
    etc = folder(site, cloud)
    native = site.sockets / f'{cloud.name}-apache-shib.log'
    native.touch()
    shutil.chown(native, 'www-data')
    attributes = '\n'.join(f'  <Attribute name="{name}" id="{name}"/>'
                           for name in ATTRIBUTES)
    site.write(etc / 'attribute-map.xml', f"""\
<Attributes xmlns="urn:mace:shibboleth:2.0:attribute-map"
            xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
{attributes}
</Attributes>
""")
    site.write(etc / 'shibboleth2.xml', _shibboleth(site, cloud))
    site.write(etc / 'shibd.logger',
               _logger('INFO', site.log(cloud.name, 'shibd-messages')))
    site.write(etc / 'apache.logger', _logger('WARN', native))
    site.write(etc / 'httpd.conf', _apache(site, cloud))


def nodes(site: state.Site, cloud: model.Cloud) -> list[model.Node]:
    """shibd knows the sessions, Apache asks it."""
    etc, name = folder(site, cloud), cloud.name
    port = topology.port(cloud, 'keystone')
    return [
        model.Service(
            name, 'shibd',
            ('/usr/sbin/shibd', '-F', '-f', '-c',
             os.fspath(etc / 'shibboleth2.xml')),
            health.UnixSocket(site.sockets / f'{name}-shibd.sock'),
            after=tuple(f'{trust.idp}/keystone-saml'
                        for trust in cloud.trusts), config=etc),
        model.Service(
            name, 'apache',
            ('/usr/sbin/apache2', '-DFOREGROUND', '-f',
             os.fspath(etc / 'httpd.conf')),
            health.Http(port, '/v3'), ports=(port,),
            after=(f'{name}/keystone', f'{name}/shibd'), config=etc,
            # It takes any process that has this number by now for itself.
            leftovers=(_pid_file(site, cloud),)),
    ]
