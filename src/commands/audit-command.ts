import { verifyAuditLog } from '../audit/verify.ts';
import { ConfigError, loadConfig } from '../config.ts';
import { print } from './print.ts';

/** The audit log is not as the node wrote it. */
class AuditLogError extends Error {
  override readonly name = 'AuditLogError';
  readonly code = 'AUDIT_LOG_CHANGED';
}

/**
 * Says whether the audit log is whole, and how its last line is known.
 * @throws AuditLogError naming the places where it is not
 */
export async function verifyAudit({ json, config: file }: { json?: true; config?: string }): Promise<void> {
  const { audit } = loadConfig({ file });
  if (audit.folder === null) throw new ConfigError('audit.folder: no audit log is kept');
  const report = await verifyAuditLog(audit.folder);
  const { files, lines, first, last, problems } = report;
  if (json) print(JSON.stringify(report, null, 2));
  else if (last) {
    print(
      `${lines} lines in ${files} files, from number ${first} to number ${last.sequence}, hash ${last.hash}`,
    );
  } else print('no lines');
  if (problems.length > 0) {
    throw new AuditLogError(`the audit log in ${audit.folder} was changed:\n${problems.join('\n')}`);
  }
  if (!json && last) print('whole: nothing was changed, removed or added');
}
