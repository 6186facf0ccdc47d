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

"""Each policy of Cinder is guarded, or it is known why it need not be."""

import re

from cinder import policies
from oslotest import base

from mixmatch_cinder.provider import protection

#: What cannot take a volume from a server of another cloud, and why.
HARMLESS = {
    'no volume': (
        r'clusters:.*|limits_extension:.*|message:.*|scheduler_extension:.*|'
        r'volume_extension:(access_types|capabilities|default_|qos_specs|'
        r'quota|type|volume_type).*|'
        r'volume_extension:(hosts|services:index|list_manageable)|'
        r'group:(access_group_types|group_types).*|'
        r'admin_api|admin_or_owner|context_is_admin|system_or_domain.*|'
        r'xena_.*'),
    'reads, or chooses what is shown': (
        r'(backup|group|volume):(get|list_replication).*|'
        r'backup:(backup_project_attribute|export-import)|'
        r'group:(group_project|group_snapshot_project)_attribute|'
        r'volume_extension:volume_(host|mig_status|tenant)_attribute|'
        r'volume_extension:(extended_snapshot_attributes|'
        r'volume_encryption_metadata|volume_image_metadata:show)|'
        r'snapshot_extension:list_manageable'),
    'changes names, and metadata that no connection depends on': (
        r'volume:(create|update|delete)_(volume|snapshot)_metadata|'
        r'volume:update(_snapshot|_volume_admin_metadata)?|'
        r'backup:update|group:(update|update_group_snapshot)|'
        r'volume_extension:volume_image_metadata:(remove|set)'),
    'makes something new': (
        r'volume:(create|create_from_image|create_snapshot|multiattach)|'
        r'backup:(create|backup-import)|group:create|'
        r'volume_extension:(volume_manage|volume_actions:upload_.*)'),
    'attaches for whoever asks, after another check': (
        r'volume:(attachment_create|multiattach_bootable_volume)'),
    'changes a snapshot, a backup or a group snapshot': (
        r'snapshot_extension:snapshot_.*|volume:delete_snapshot|'
        r'volume_extension:(snapshot|backup)_admin_actions:.*|'
        r'backup:delete|'
        r'group:(create|delete)_group_snapshot|'
        r'group:reset_group_snapshot_status'),
    'Cinder does it to a volume that nobody uses, by a condition': (
        r'volume:(delete|revert_to_snapshot|update_readonly_flag)|'
        r'volume:(accept|create|delete)_transfer|backup:restore|'
        r'volume_extension:volume_unmanage|group:delete'),
    'changes a word of the status': (
        r'volume_extension:volume_actions:'
        r'(reserve|unreserve|begin_detaching|roll_detaching)|'
        r'group:reset_status'),
    'keeps the connection; to move a volume in use Cinder asks its own Nova, '
    'which does not know the server': (
        r'volume:(extend|extend_attached_volume|retype)|'
        r'volume_extension:volume_admin_actions:'
        r'(extend_volume_completion|migrate_volume)'),
    'is an operator\'s way with a back end as a whole': (
        r'volume:(failover|freeze|thaw)_host|workers:cleanup|'
        r'volume_extension:services:update|'
        r'group:(enable|disable|failover)_replication'),
}


class TestPolicies(base.BaseTestCase):

    def test_each_is_guarded_or_harmless(self):
        for name in {rule.name for rule in policies.list_rules()}:
            reasons = [why for why, names in HARMLESS.items()
                       if re.fullmatch(names, name)]
            if name in protection.GUARDED:
                reasons.append('guarded')
            self.assertEqual(1, len(reasons), f'{name}: {reasons}')

    def test_each_guarded_one_exists(self):
        self.assertLessEqual(protection.GUARDED, {
            rule.name for rule in policies.list_rules()})
