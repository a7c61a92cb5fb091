import { z } from 'zod';
import { verifyAuditLog } from '../audit/verify.ts';
import { ConfigError } from '../config.ts';
import { defineCommand } from './definition/command.ts';
import { jsonFlag } from './definition/field.ts';
import { print } from './terminal/print.ts';

/** The audit log is not as the node wrote it. */
class AuditLogError extends Error {
  override readonly name = 'AuditLogError';
  readonly code = 'AUDIT_LOG_CHANGED';
}

/**
 * Says whether the audit log is whole, and how its last line is known; where it is not, AuditLogError names
 * the places.
 */
export const auditVerify = defineCommand({
  name: 'audit verify',
  help: 'say whether lines were changed, removed or added since the node wrote them',
  runs: 'here',
  options: z.strictObject({ json: jsonFlag }),
  run: async ({ json }, { configure }) => {
    const { audit } = configure();
    if (audit.folder === null) throw new ConfigError('audit.folder: no audit log is kept');
    const report = await verifyAuditLog(audit.folder);
    const { files, lines, first, last, problems } = report;
    if (json) print(JSON.stringify(report, null, 2));
    else if (last) {
      print(
        `${lines} lines in ${files} files, from number ${first} ` +
          `to number ${last.sequence}, hash ${last.hash}`,
      );
    } else print('no lines');
    if (problems.length > 0) {
      throw new AuditLogError(`the audit log in ${audit.folder} was changed:\n${problems.join('\n')}`);
    }
    if (!json && last) print('whole: nothing was changed, removed or added');
  },
});
