import { z } from 'zod';
import { addOptOut, listOptOuts, removeOptOut } from '../../store/records/opt-out.ts';
import { StoreError } from '../../store/store-error.ts';
import { defineCommand } from './command.ts';

const optOutSchema = z.union([
  z.strictObject({ studyInstanceUid: z.string() }),
  z.strictObject({ patientId: z.string(), issuer: z.string().optional() }),
]);

export const optOutAddCommand = defineCommand({
  name: 'opt-out-add',
  options: optOutSchema,
  run: async (optOut, { database, print }) => {
    const isNew = await addOptOut(database, optOut, new Date());
    print(isNew ? 'added; it is not processed from now on' : 'it was on the list already');
  },
});

/** Results that were stored before are not touched; `results withdraw` is for these. */
export const optOutRemoveCommand = defineCommand({
  name: 'opt-out-remove',
  options: optOutSchema,
  run: async (optOut, { database, print }) => {
    if (!(await removeOptOut(database, optOut)))
      throw new StoreError('OPT_OUT_UNKNOWN', 'opt-out remove: this is not on the list');
    print('removed; a study is processed when it changes, or on demand');
  },
});

export const optOutListCommand = defineCommand({
  name: 'opt-out-list',
  options: z.object({ json: z.boolean() }),
  run: async ({ json }, { database, print }) => {
    const entries = await listOptOuts(database);
    if (json) print(JSON.stringify(entries, null, 2));
    else if (entries.length === 0) print('nobody');
    else
      for (const { kind, key, addedAt } of entries) print(`${kind}  ${key}  since ${addedAt.toISOString()}`);
  },
});
