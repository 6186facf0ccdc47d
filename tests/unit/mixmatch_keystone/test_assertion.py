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

"""Assertions from a web server's environment or a file."""

import datetime

from mixmatch_keystone import assertion
from tests.unit import base

ENVIRON = {
    'openstack_user': 'alice', 'openstack_user_domain': 'Default',
    'openstack_project': 'research', 'openstack_project_domain': 'Default',
    'openstack_roles': 'member;reader',
    'openstack_not_on_or_after': '2026-11-21T12:00:00Z',
    'Shib-Identity-Provider': 'https://moc', 'HTTP_OPENSTACK_USER': 'eve'}

SAML = """\
<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>
<p:Response xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol"
            xmlns="urn:oasis:names:tc:SAML:2.0:assertion">
<Issuer>not this one</Issuer>
<Assertion><Issuer>https://moc</Issuer>
<AuthnStatement SessionNotOnOrAfter="2026-11-21T12:00:00.5Z"/>
<AttributeStatement>
<Attribute Name="openstack_user"><AttributeValue>jürgen;
</AttributeValue></Attribute>
<Attribute Name="openstack_user_domain"><AttributeValue>Default
</AttributeValue></Attribute>
<Attribute Name="openstack_project"><AttributeValue>p 1
</AttributeValue></Attribute>
<Attribute Name="openstack_project_domain"><AttributeValue>Default
</AttributeValue></Attribute>
<Attribute Name="openstack_roles"><AttributeValue>member
</AttributeValue><AttributeValue>reader
</AttributeValue></Attribute>
</AttributeStatement></Assertion></p:Response></e:Body></e:Envelope>
""".replace('\n</AttributeValue>', '</AttributeValue>')


class TestEnvironment(base.TestCase):

    def read(self, **changed):
        return assertion.from_environment({**ENVIRON, **changed})

    def test_all(self):
        who = self.read()
        self.assertEqual(
            ('alice', 'Default', 'research', 'Default'),
            (who.user, who.user_domain, who.project, who.project_domain))
        self.assertEqual({'member', 'reader'}, who.roles)
        self.assertEqual(datetime.datetime(
            2026, 11, 21, 12, tzinfo=datetime.UTC), who.ends)

    def test_names_outside_ascii(self):
        for name in ('jürgen', 'Ελένη', '研究', 'a b', "x'y", 'ÿ'):
            self.assertEqual(name, self.read(openstack_user=name.encode(
                ).decode('latin-1')).user)

    def test_semicolons(self):
        who = self.read(openstack_user=r'a\;b', openstack_roles=r'x\;y;z')
        self.assertEqual('a;b', who.user)
        self.assertEqual({'x;y', 'z'}, who.roles)

    def assert_invalid(self, said, **changed):
        error = self.assertRaises(assertion.InvalidAssertion, self.read,
                                  **changed)
        self.assertIn(said, str(error))

    def test_two_users(self):
        self.assert_invalid('several', openstack_user='alice;eve')

    def test_missing(self):
        for name in ENVIRON:
            if name.startswith('openstack') and 'roles' not in name:
                self.assert_invalid(f'{name} is missing', **{name: ''})

    def test_no_roles(self):
        self.assertEqual(frozenset(), self.read(openstack_roles='').roles)

    def test_not_utf8(self):
        self.assert_invalid('UTF-8', openstack_user='\xff\xfe')

    def test_no_time(self):
        self.assert_invalid('not a time', openstack_not_on_or_after='soon')

    def test_an_error_holds_nothing_of_it(self):
        for changed in ({'openstack_user': 'secret;secret'},
                        {'openstack_user': 'secret\xff'},
                        {'openstack_not_on_or_after': 'secret'}):
            error = self.assertRaises(assertion.InvalidAssertion, self.read,
                                      **changed)
            self.assertNotIn('secret', str(error))


class TestSaml(base.TestCase):

    def test_envelope(self):
        issuer, who = assertion.from_saml(SAML.encode())
        self.assertEqual('https://moc', issuer)
        self.assertEqual(('jürgen;', 'p 1'), (who.user, who.project))
        self.assertEqual({'member', 'reader'}, who.roles)

    def test_bare_assertion(self):
        bare = SAML[SAML.index('<Assertion>'):SAML.index('</p:Response>')]
        bare = bare.replace('<Assertion>', '<Assertion xmlns="urn:oasis:names'
                                           ':tc:SAML:2.0:assertion">')
        self.assertEqual('https://moc', assertion.from_saml(
            bare.encode())[0])

    def test_no_assertion(self):
        for text in (b'', b'{}', b'<a/>'):
            self.assertRaises(assertion.InvalidAssertion,
                              assertion.from_saml, text)
