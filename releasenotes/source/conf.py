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

"""Configuration of the release notes."""

project = 'mixmatch Release Notes'
copyright = 'OpenStack Developers'
master_doc = 'index'

extensions = [
    'openstackdocstheme',
    'reno.sphinxext',
]

# Release notes have no version of their own.
version = ''
release = ''

openstackdocs_repo_name = 'openstack/mixmatch'
openstackdocs_auto_name = False
openstackdocs_bug_project = 'mixmatch'
openstackdocs_bug_tag = ''

html_theme = 'openstackdocs'
html_static_path = ['_static']
pygments_style = 'native'
