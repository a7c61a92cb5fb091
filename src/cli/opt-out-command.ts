import type { Command } from 'commander';
import { openConfiguredDatabase } from '../compose/database.ts';
import { ConfigError, loadConfig } from '../config.ts';
import type { Sql } from '../pipeline/database/sql.ts';
import { addOptOut, listOptOuts, type OptOut, removeOptOut } from '../pipeline/routing/opt-out.ts';
import { print } from './print.ts';

interface OptOutOptions {
  patient?: string;
  issuer?: string;
  study?: string;
  json?: true;
  config?: string;
}

export async function addToOptOuts(options: OptOutOptions): Promise<void> {
  const optOut = optOutOf(options);
  await withDatabase(options, async (sql) => {
    const isNew = await addOptOut(sql, optOut, new Date());
    print(isNew ? 'added; it is not processed from now on' : 'it was on the list already');
  });
}

/** Results that were stored before are not touched; `results withdraw` is for these. */
export async function removeFromOptOuts(options: OptOutOptions): Promise<void> {
  const optOut = optOutOf(options);
  await withDatabase(options, async (sql) => {
    if (await removeOptOut(sql, optOut)) print('removed; a study is processed when it changes, or on demand');
    else throw new ConfigError('opt-out remove: this is not on the list');
  });
}

export async function showOptOuts(_: object, command: Command): Promise<void> {
  const options = command.optsWithGlobals<OptOutOptions>();
  await withDatabase(options, async (sql) => {
    const entries = await listOptOuts(sql);
    if (options.json) print(JSON.stringify(entries, null, 2));
    else if (entries.length === 0) print('nobody');
    else
      for (const { kind, key, addedAt } of entries) print(`${kind}  ${key}  since ${addedAt.toISOString()}`);
  });
}

function optOutOf({ patient, issuer, study }: OptOutOptions): OptOut {
  if (study !== undefined && patient === undefined && issuer === undefined)
    return { studyInstanceUid: study };
  if (patient !== undefined && patient.trim() !== '' && study === undefined)
    return { patientId: patient, issuer };
  throw new ConfigError(
    'opt-out: name one of --study UID and --patient ID (with --issuer, where IDs are not unique)',
  );
}

async function withDatabase({ config }: OptOutOptions, work: (sql: Sql) => Promise<void>): Promise<void> {
  const database = await openConfiguredDatabase(loadConfig({ file: config }));
  try {
    await work(database);
  } finally {
    await database.close();
  }
}
